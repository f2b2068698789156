"""Where a new row would stand: the ranked rows of its model, without it and with it.

The same ranks as the site's (:mod:`schemas.standing`), from what is read of thousands of files on file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from generator.submission.on_file import Filed
from generator.submission.submission import New, Submission
from schemas.standing import Timed, ranks, superseded


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that may be ranked; of a measured one the 95 % interval, of a published one the figure thrice."""

    run: str
    device: str
    tok_per_s: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Place:
    """A rank, between which ranks it lies for certain, and of how many rows."""

    rank: int
    best: int
    worst: int
    of: int


@dataclass(frozen=True)
class Field:
    """The ranked rows of a model, best first, with their places."""

    entries: tuple[Entry, ...]
    places: tuple[Place, ...]

    def index(self, run: str) -> int | None:
        """Where a row stands in it; None where it is not ranked."""
        return next((place for place, entry in enumerate(self.entries) if entry.run == run), None)

    def best_of(self, device: str) -> Place | None:
        """The place of a device's best row."""
        return next((p for e, p in zip(self.entries, self.places, strict=True) if e.device == device), None)


def field_of(entries: Iterable[Entry]) -> Field:
    """``entries`` in their order, with their places."""
    ordered = sorted(entries, key=lambda entry: (-entry.tok_per_s, entry.run))
    best, worst = ranks(np.array([e.low for e in ordered]), np.array([e.high for e in ordered]))
    places = (
        Place(rank, int(low), int(high), len(ordered))
        for rank, (low, high) in enumerate(zip(best, worst, strict=True), 1)
    )
    return Field(tuple(ordered), tuple(places))


def field_before(submission: Submission, model: str) -> Field:
    """The ranked rows of ``model`` on file."""
    return field_of(_on_file(submission, model, superseded(timed_on_file(submission))))


def field_after(submission: Submission, model: str) -> Field:
    """The ranked rows of ``model`` once the submission is merged."""
    replaced = superseded([*timed_on_file(submission), *map(timed, submission.decoded)])
    fresh = (
        _entry_of(new) for new in submission.new if _decodes(new, model) and not why_unranked(submission, new)
    )
    return field_of(
        [*_on_file(submission, model, replaced), *(one for one in fresh if one.run not in replaced)]
    )


def takes_place_of(submission: Submission, new: New) -> tuple[str, ...]:
    """The rows on file that a new one supersedes."""
    if not any(one is new for one in submission.decoded) or new.result.quick:
        return ()
    replaced = superseded([*timed_on_file(submission), timed(new)])
    return tuple(sorted(run for run, by in replaced.items() if by == new.result.id))


def why_unranked(submission: Submission, new: New) -> str | None:
    """Why a new decode row would carry no rank, whatever else is on file; None where it would."""
    row, device = new.rows.decode, submission.dataset.devices.get(new.result.device)
    reasons = (
        (new.result.role != "contender", f"it is a {new.result.role}"),
        (new.result.quick, "it is a quick run"),
        (row is not None and row.numerics_ok is False, "it fails its check"),
        (row is not None and row.contract == "another step", "it contains another step than the board's"),
        (new.result.id in submission.dataset.retractions, "it is withdrawn"),
        (device is None or device.peak_bandwidth is None, "nobody has filed its device's bandwidth"),
    )
    return next((why for holds, why in reasons if holds), None)


def timed(new: New) -> Timed:
    """A new decode row as what may supersede and reproduce."""
    row = new.rows.decode
    assert row
    return Timed(
        new.result.id, new.result.device, row.model, row.dtype, row.depth_tokens, new.result.stack.name,
        new.result.submitter or "", new.result.measured_at or "", row.tpot_ns,
    )  # fmt: skip


def timed_on_file(submission: Submission) -> Iterator[Timed]:
    """The measured rows on file that count, without their times: which supersedes which asks for none."""
    for one in submission.filed.values():
        result, decode = one.result, one.result.decode
        if decode and decode.samples and one.counts and one.id not in submission.dataset.retractions:
            yield Timed(
                one.id, result.device, decode.model, decode.dtype, decode.depth_tokens, result.stack.name,
                result.submitter or "", result.measured_at or "", math.nan,
            )  # fmt: skip


def _on_file(submission: Submission, model: str, replaced: dict[str, str]) -> Iterator[Entry]:
    known = submission.dataset.devices
    gone = submission.dataset.retractions.keys() | replaced.keys()
    for one in submission.filed.values():
        decode, device = one.result.decode, known.get(one.result.device)
        of_model = (
            decode is not None and decode.model == model and one.result.role == "contender" and one.counts
        )
        if of_model and device and device.peak_bandwidth and one.id not in gone:
            yield _entry(one)


def _entry(one: Filed) -> Entry:
    spread, tpot_ns = one.spread, one.tpot_ns or math.inf
    low_ns, high_ns = (spread.low_ns, spread.high_ns) if spread else (tpot_ns, tpot_ns)
    return Entry(one.id, one.result.device, 1e9 / tpot_ns, 1e9 / high_ns, 1e9 / low_ns)


def _entry_of(new: New) -> Entry:
    row = new.rows.decode
    assert row
    return Entry(
        new.result.id, new.result.device, 1e9 / row.tpot_ns, 1e9 / row.tpot_high_ns, 1e9 / row.tpot_low_ns
    )


def _decodes(new: New, model: str) -> bool:
    return new.rows.decode is not None and new.rows.decode.model == model
