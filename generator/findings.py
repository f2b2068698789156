"""What the numbers say: every sentence with a figure in it is computed here, so that it cannot go stale.

A source's own claim never replaces a computed figure; it stands beside it (:class:`CheckedClaim`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator.rows import FUSED
from generator.tables import Board, rows_of
from schemas.metrics import mbu_percent
from schemas.records import Claim


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """Ranked rows that share one kernel source: among them, and only them, just the emitter changes."""

    label: str
    path: str | None
    devices: tuple[str, ...]
    languages: tuple[str, ...]


def source_groups(rows: pd.DataFrame) -> list[SourceGroup]:
    """Ranked rows grouped by kernel source, the largest group first; rows that state none are left out."""
    ranked = rows[rows["ranked"] & rows["kernel_source_key"].notna()]
    groups = [
        SourceGroup(
            str(group["kernel_source"].iloc[0]),
            next(iter(group["kernel_source_path"].dropna()), None),
            tuple(dict.fromkeys(group["device_name"])),
            tuple(dict.fromkeys(group["languages"].dropna())),
        )
        for _, group in ranked.groupby("kernel_source_key", sort=False)
    ]
    return sorted(groups, key=lambda group: -len(group.devices))


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim of a source beside what its own published figures give. ``ours`` is empty where nothing can."""

    device: str
    device_name: str
    claim: Claim
    ours: tuple[tuple[float, str], ...]
    agrees: bool | None
    source_url: str
    source_title: str


def checked_claims(board: Board, rows: pd.DataFrame) -> list[CheckedClaim]:
    """Every claim about ``rows``, in their order, with the same figure computed from the record."""
    checked = []
    for row in rows_of(rows):
        for claim in board.data.runs[row.run].claims:
            ours = _ours(board, row, claim)
            agrees = any(_agree(value, claim) for value, _ in ours) if ours else None
            source = (str(row.source_url), str(row.source_title))
            checked.append(CheckedClaim(row.device, row.device_name, claim, ours, agrees, *source))
    return checked


def _ours(board: Board, row: Any, claim: Claim) -> tuple[tuple[float, str], ...]:
    """The computed figures that stand beside a claim, each with what it is against."""
    if claim.metric == "mbu_percent":
        device = board.data.devices[row.device]
        known = [device.peak_bandwidth, *device.other_bandwidths] if device.peak_bandwidth else []
        return tuple(
            (
                mbu_percent(row.bytes_per_token, row.tpot_ns, b.gb_per_s),
                f"of {b.gb_per_s:,.0f} GB/s, {b.what}",
            )
            for b in known
            if b
        )
    speedup = claim.metric.startswith("speedup") and claim.against
    if speedup and (other := board.data.runs[speedup].decode):
        return ((other.tpot_ns / row.tpot_ns, f"{row.tok_per_s:.4g} / {1e9 / other.tpot_ns:.4g} tok/s"),)
    if claim.metric == "wall_s" and claim.steps:
        return ((claim.steps * row.tpot_ns / 1e9, f"{claim.steps} steps at {row.tok_per_s:.4g} tok/s"),)
    return ()


def _agree(value: float, claim: Claim) -> bool:
    """Whether a claim is our value rounded as the source rounds, or within 1 % of it, or a range around it."""
    assert claim.value is not None, "only a claim with a value has a figure beside it"
    written = f"{claim.value:g}"
    decimals = len(written.partition(".")[2])
    rounded = round(value, decimals) == claim.value or abs(value / claim.value - 1) <= 0.01
    return rounded or claim.value <= value <= (claim.value_high or claim.value)


@dataclass(frozen=True, slots=True)
class StepPart:
    """The time one kernel takes of one token, in microseconds, and its share of the step."""

    kernel: str
    implementation: str
    execution: str
    calls: int
    call_us: float
    token_us: float
    share_percent: float
    gb_per_s: float
    above_bandwidth: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A decode step against the sum of its kernels; a negative remainder means the sum exceeds the step."""

    run: str
    device: str
    device_name: str
    stack: str
    role: str
    step_us: float
    parts: tuple[StepPart, ...]
    missing: tuple[str, ...]

    @property
    def sum_us(self) -> float:
        """Microseconds a token that the published or measured kernels add up to."""
        return sum(part.token_us for part in self.parts)

    @property
    def remainder_us(self) -> float:
        """Microseconds a token that no kernel accounts for: launches, the host, and kernels without a figure."""
        return self.step_us - self.sum_us

    @property
    def remainder_percent(self) -> float:
        """The remainder as a share of the step."""
        return 100 * self.remainder_us / self.step_us


def reconciliations(board: Board, rows: pd.DataFrame, most: int | None = None) -> list[Reconciliation]:
    """The first ``most`` steps (or all) of ``rows`` that have kernel latencies, in the order of ``rows``."""
    steps = ((row, board.kernels_of_step(row.run)) for row in rows_of(rows))
    timed = islice((step for step in steps if len(step[1])), most)
    return [reconcile(board, row, rows_of(kernels)) for row, kernels in timed]


def reconcile(board: Board, row: Any, timed: Iterable[Any]) -> Reconciliation:
    """The step of the decode row ``row`` against the kernel rows ``timed`` of that step."""
    step_us = row.tpot_ns / 1e3
    parts = [_part(kernel, step_us) for kernel in longest_first(timed)]
    covered = {name for part in parts for name in part.kernel.split(FUSED)}
    model = board.data.models[row.model]
    step_kernels = [k for k, kernel in board.data.kernels.items() if kernel.calls_per_token(model)]
    missing = tuple(name for name in step_kernels if name not in covered)
    identity = (row.run, row.device, row.device_name, row.stack, row.role)
    return Reconciliation(*identity, step_us, tuple(parts), missing)


def longest_first(timed: Iterable[Any]) -> list[Any]:
    """Kernel rows of a step in the order of the time that they take of a token."""
    return sorted(timed, key=lambda kernel: -_token_us(kernel))


def _token_us(kernel: Any) -> float:
    return float(kernel.latency_us * (1 if kernel.per == "token" else int(kernel.calls_per_token)))


def _part(kernel: Any, step_us: float) -> StepPart:
    calls, token_us = int(kernel.calls_per_token), _token_us(kernel)
    return StepPart(
        kernel.kernel,
        kernel.stack if pd.isna(kernel.implementation) else kernel.implementation,
        kernel.execution,
        calls,
        token_us / calls,
        token_us,
        100 * token_us / step_us,
        kernel.gb_per_s,
        bool(kernel.gb_per_s > kernel.peak_gb_per_s),
    )


@dataclass(frozen=True, slots=True)
class Rival:
    """A device that decodes faster, and how many of the kernels both ran it nevertheless loses."""

    device: str
    device_name: str
    tok_per_s: float
    losses: int
    contests: int


@dataclass(frozen=True, slots=True)
class KernelAgainstDecode:
    """How one device places per kernel and on decode, among the devices that have both."""

    device: str
    device_name: str
    wins: int
    contests: int
    kernel_standing: float
    decode_place: int
    decode_places: int
    decode_rank: int
    tok_per_s: float
    rivals: tuple[Rival, ...]

    @property
    def drop(self) -> float:
        """How much better it stands per kernel than on decode; 1 is from always first to last."""
        decode_standing = (self.decode_places - self.decode_place) / max(1, self.decode_places - 1)
        return self.kernel_standing - decode_standing


def kernel_against_decode(board: Board, rows: pd.DataFrame) -> list[KernelAgainstDecode]:
    """Devices with both a decode rank and kernel ranks, the one that loses most from kernels to decode first.

    A contest is a kernel at one shape and storage type that at least two devices ran; a device's standing is
    its mean place over its contests, 1 for always first and 0 for always last.
    """
    best = board.kernels[board.kernels["ranked"]].drop_duplicates(
        ["kernel", "shape_label", "dtype", "device"]
    )
    groups = best.groupby(["kernel", "shape_label", "dtype"])["device"]
    others, place = groups.transform("size"), groups.cumcount()
    contests = best.assign(place=place, standing=1 - place / (others - 1).clip(lower=1))[others > 1]
    decode = rows[rows["ranked"] & rows["device"].isin(contests["device"])].drop_duplicates("device")
    places = contests.pivot_table(index=["kernel", "shape_label", "dtype"], columns="device", values="place")
    rivals = _rivals(places.reindex(columns=decode["device"]).to_numpy(), decode)
    found = []
    for index, row in enumerate(rows_of(decode)):
        own = contests[contests["device"] == row.device]
        entry = KernelAgainstDecode(
            device=row.device,
            device_name=row.device_name,
            wins=int((own["place"] == 0).sum()),
            contests=len(own),
            kernel_standing=float(own["standing"].mean()),
            decode_place=index + 1,
            decode_places=len(decode),
            decode_rank=int(row.rank),
            tok_per_s=row.tok_per_s,
            rivals=rivals[index],
        )
        found.append(entry)
    return sorted(found, key=lambda entry: -entry.drop)


def _rivals(places: NDArray[np.float64], decode: pd.DataFrame) -> list[tuple[Rival, ...]]:
    """For each device those that decode faster, the one that loses most kernels to it first.

    ``places`` is (contests, devices) in the order of ``decode``, NaN where a device did not run the kernel.
    """
    faster = list(rows_of(decode))
    found = []
    for index in range(len(faster)):
        own, others = places[:, index : index + 1], places[:, :index]
        losses = (own < others).sum(axis=0)
        shared = (~np.isnan(own) & ~np.isnan(others)).sum(axis=0)
        order = np.argsort(-losses / np.maximum(1, shared), kind="stable")
        rivals = ((faster[at], int(losses[at]), int(shared[at])) for at in order)
        found.append(
            tuple(Rival(row.device, row.device_name, row.tok_per_s, *counts) for row, *counts in rivals)
        )
    return found
