"""Why a device stands where it stands, as far as the record can tell: its memory, its kernels, other stacks on it.

Each reason is computed, so that it cannot outlive the rows that it rests on. What nobody measured is said to be
unknown instead of guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.device_view import DeviceView
from generator.findings import KernelAgainstDecode, Reconciliation
from generator.formats import listed, number, percent, plural, times
from generator.views import ModelView

MOST_KERNELS = 2


@dataclass(frozen=True)
class Peers:
    """The ranked devices of one model: MBU of the best row of each in percent, and how each fares per kernel."""

    mbu_percent: NDArray[np.float64]
    contests: Mapping[str, KernelAgainstDecode]

    @classmethod
    def of(cls, view: ModelView) -> Peers:
        """Those of a model."""
        best = view.ranked.drop_duplicates("device")["mbu_percent"].to_numpy(np.float64)
        return cls(best, {entry.device: entry for entry in view.against_kernels})


def reasons(view: DeviceView, peers: Peers) -> list[str]:
    """Sentences about the best row of a device among its ``peers``; none where it has no ranked row."""
    if view.best is None:
        return []
    step = next((step for step in view.steps if step.run == view.best.run), None)
    contest = peers.contests.get(view.device.id)
    found = [_memory(view.best, peers.mbu_percent), _kernels(step)]
    return [*found, *_stacks(view), *([_contests(contest)] if contest else [])]


def _memory(best: Any, each_percent: NDArray[np.float64]) -> str:
    place = int((each_percent > best.mbu_percent).sum()) + 1
    said = (
        f"Its memory would allow {number(best.roofline_tok_per_s, 3)} tok/s, and its step reaches "
        f"{percent(best.mbu_percent)} of that: number {place} of {plural(len(each_percent), 'ranked device')} in what "
        "it makes of its memory."
    )
    typical = float(np.median(each_percent))
    if len(each_percent) < 3:
        return said
    would = number(best.roofline_tok_per_s * typical / 100, 3)
    if best.mbu_percent < typical / 2:
        return f"{said} At the median of their MBUs, {percent(typical)}, it would decode at {would} tok/s."
    if place == 1:
        return f"{said} What holds it back is the memory itself."
    return said


def _kernels(step: Reconciliation | None) -> str:
    if step is None:
        return "How long its kernels take inside the step is not on file, so the record cannot say where the time goes."
    largest = [f"{part.kernel} ({percent(part.share_percent)})" for part in step.parts[:MOST_KERNELS]]
    verb = "takes" if len(largest) == 1 else "take"
    rest = (
        f"{percent(step.remainder_percent)} is left for launches, the host and kernels without a figure"
        if step.remainder_us > 0
        else "together its kernels' figures exceed the step"
    )
    return f"In its step {listed(largest)} {verb} most; {rest}."


def _stacks(view: DeviceView) -> Iterator[str]:
    """Whether another stack does better on the same device, which is the nearest thing to a controlled experiment."""
    best = view.best
    assert best is not None
    others = [row for row in view.decode_rows if row.role == "baseline" and not row.retracted]
    same = [row for row in others if row.model == best.model]
    fastest = max(same, key=lambda row: row.tok_per_s, default=None)
    if fastest is None:
        return
    if fastest.tok_per_s > best.tok_per_s:
        more = times(fastest.tok_per_s / best.tok_per_s)
        yield f"Another stack on the same device, {fastest.stack}, decodes {more} as fast: the device can do better."
    else:
        more = times(best.tok_per_s / fastest.tok_per_s)
        yield f"No other stack on file is faster on it: {fastest.stack} comes nearest; this row decodes {more} as fast."


def _contests(entry: KernelAgainstDecode) -> str:
    wins = f"the fastest in {entry.wins} of {plural(entry.contests, 'contest')}"
    return f"Kernel by kernel it is {wins} with other devices."
