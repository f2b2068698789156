"""Where a new row would stand: the ranked rows of its model, without it and with it.

The same ranks as the site's (:mod:`schemas.standing`), from what is read of thousands of files on file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from generator.submission.on_file import Filed, know_medians
from generator.submission.submission import New, Submission
from schemas.standing import Timed, superseded

Interval = tuple[float, float]
_OTHER = "another step"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that may be ranked: its tok/s, which and whose 95 % interval lie ``within`` two bounds.

    ``interval`` computes it; that of a published row is the figure twice.
    """

    run: str
    device: str
    tok_per_s: float
    within: Interval
    interval: Callable[[], Interval]


@dataclass(frozen=True, slots=True)
class Place:
    """A rank, between which ranks it lies for certain, and of how many rows."""

    rank: int
    best: int
    worst: int
    of: int


@dataclass(frozen=True)
class Places(Sequence[Place]):
    """The place of each entry of a field, computed when it is asked for: the ranks of :func:`schemas.standing.ranks`.

    Whether a row surely beats another is mostly told by their bounds, and only else by their intervals.
    """

    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> list[Place]: ...
    def __getitem__(self, index: int | slice) -> Place | list[Place]:
        of = len(self.entries)
        if isinstance(index, slice):
            return [self[place] for place in range(of)[index]]
        low, high = self.entries[index].interval()
        return Place(range(1, of + 1)[index], 1 + self._above(high), of - self._below(low), of)

    def _above(self, tok_per_s: float) -> int:
        """How many whole intervals lie above."""
        lows, figures, _ = self._columns
        unsure = np.flatnonzero((figures > tok_per_s) & ~(lows > tok_per_s))
        return int(np.count_nonzero(lows > tok_per_s)) + sum(
            self.entries[place].interval()[0] > tok_per_s for place in unsure
        )

    def _below(self, tok_per_s: float) -> int:
        """How many whole intervals lie below."""
        _, figures, highs = self._columns
        unsure = np.flatnonzero((figures < tok_per_s) & ~(highs < tok_per_s))
        return int(np.count_nonzero(highs < tok_per_s)) + sum(
            self.entries[place].interval()[1] < tok_per_s for place in unsure
        )

    @cached_property
    def _columns(self) -> NDArray[np.float64]:
        """Of all entries: the lower bound, the figure itself, and the upper bound."""
        rows = [(entry.within[0], entry.tok_per_s, entry.within[1]) for entry in self.entries]
        return np.array(rows, np.float64).reshape(-1, 3).T


@dataclass(frozen=True)
class Field:
    """The ranked rows of a model, best first, with their places."""

    entries: tuple[Entry, ...]

    @cached_property
    def places(self) -> Places:
        """Where each of the entries stands."""
        return Places(self.entries)

    def index(self, run: str) -> int | None:
        """Where a row stands in it; None where it is not ranked."""
        return next((place for place, entry in enumerate(self.entries) if entry.run == run), None)

    def best_of(self, device: str) -> Place | None:
        """The place of a device's best row."""
        found = (place for place, entry in enumerate(self.entries) if entry.device == device)
        return next((self.places[place] for place in found), None)


def field_of(entries: Iterable[Entry]) -> Field:
    """``entries`` in their order, with their places."""
    return Field(tuple(sorted(entries, key=lambda entry: (-entry.tok_per_s, entry.run))))


def fields_of(submission: Submission, model: str) -> tuple[Field, Field]:
    """The ranked rows of ``model`` as the base has them, and those once the submission is merged."""
    was_gone, gone = _gone_before(submission), gone_after(submission)
    filed = [_entry(one) for one in _on_file(submission, model, was_gone & gone)]
    fresh = (
        _entry_of(new) for new in submission.new if _decodes(new, model) and not why_unranked(submission, new)
    )
    before = field_of(entry for entry in filed if entry.run not in was_gone)
    return before, field_of(entry for entry in [*filed, *fresh] if entry.run not in gone)


def _gone_before(submission: Submission) -> Set[str]:
    """The rows on file that stand no longer in the base: withdrawn by its ledger, or superseded by what that leaves."""
    ledger = submission.ledger_before
    withdrawn = {entry.result for entry in ledger.retractions} if ledger else set()
    if withdrawn == submission.dataset.retractions.keys():
        return withdrawn | submission.superseded.keys()
    timed = (one.timed for one in submission.filed.values() if one.timed and one.id not in withdrawn)
    return withdrawn | superseded(timed).keys()


def gone_after(submission: Submission) -> Set[str]:
    """The rows, on file and new, that stand no longer once the submission is merged: withdrawn or superseded."""
    fresh = superseded([*_timed_new(submission), *_beside(submission, submission.decoded)])
    return submission.dataset.retractions.keys() | submission.superseded.keys() | fresh.keys()


def takes_place_of(submission: Submission, new: New) -> tuple[str, ...]:
    """The rows on file that a new one supersedes."""
    if not any(one is new for one in submission.decoded) or _why_uncounted(submission, new):
        return ()
    replaced = superseded([timed(new), *_beside(submission, [new])])
    return tuple(sorted(run for run, by in replaced.items() if by == new.result.id))


def _beside(submission: Submission, fresh: Iterable[New]) -> Iterator[Timed]:
    """The rows on file that new ones may supersede, or be superseded by: those of their devices."""
    devices = {new.result.device for new in fresh}
    return (one for one in submission.timed if one.device in devices)


def why_unranked(submission: Submission, new: New) -> str | None:
    """Why a new decode row would carry no rank, whatever else is on file; None where it would."""
    device = submission.dataset.devices.get(new.result.device)
    if device is None or device.peak_bandwidth is None:
        return _why_uncounted(submission, new) or "nobody has filed its device's bandwidth"
    return _why_uncounted(submission, new)


def counts(new: New) -> bool:
    """Whether its decode block is a whole step that is not known to be wrong; as :attr:`Filed.counts`."""
    row = new.rows.decode
    return (
        row is not None and not new.result.quick and row.numerics_ok is not False and row.contract != _OTHER
    )


def _why_uncounted(submission: Submission, new: New) -> str | None:
    """Why a new decode row neither carries a rank nor supersedes another."""
    row = new.rows.decode
    reasons = (
        (new.result.role != "contender", f"it is a {new.result.role}"),
        (new.result.quick, "it is a quick run"),
        (row is not None and row.numerics_ok is False, "it fails its check"),
        (row is not None and row.contract == _OTHER, "it contains another step than the board's"),
        (new.result.id in submission.dataset.retractions, "it is withdrawn"),
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


def _timed_new(submission: Submission) -> Iterator[Timed]:
    return (timed(new) for new in submission.decoded if not _why_uncounted(submission, new))


def _on_file(submission: Submission, model: str, gone: Set[str]) -> list[Filed]:
    """The rows of ``model`` on file that may be ranked, but for those that are ``gone``; their medians are known."""
    known = {device.id for device in submission.dataset.devices.values() if device.peak_bandwidth}
    ranked = [
        one
        for one in submission.filed.values()
        if one.is_of(model) and one.ranks and one.result.device in known and one.id not in gone
    ]
    know_medians(ranked)
    return ranked


def _entry(one: Filed) -> Entry:
    known, tpot_ns = one.medians, one.tpot_ns or math.inf
    if known is None:
        return _certain(one.id, one.result.device, tpot_ns, tpot_ns, tpot_ns)
    within = 1e9 / known.most_ns, 1e9 / known.least_ns
    return Entry(one.id, one.result.device, 1e9 / tpot_ns, within, lambda: _interval(one))


def _interval(one: Filed) -> Interval:
    assert one.spread
    return 1e9 / one.spread.high_ns, 1e9 / one.spread.low_ns


def _entry_of(new: New) -> Entry:
    row = new.rows.decode
    assert row
    return _certain(new.result.id, new.result.device, row.tpot_ns, row.tpot_low_ns, row.tpot_high_ns)


def _certain(run: str, device: str, tpot_ns: float, low_ns: float, high_ns: float) -> Entry:
    """An entry whose interval is known."""
    interval = 1e9 / high_ns, 1e9 / low_ns
    return Entry(run, device, 1e9 / tpot_ns, interval, lambda: interval)


def _decodes(new: New, model: str) -> bool:
    return new.rows.decode is not None and new.rows.decode.model == model
