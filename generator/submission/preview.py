"""How a new row would appear: its figures, its rank, whom it comes before, and who it agrees with."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import chain

from generator.comparability import comparability
from generator.dataset import read_dataset
from generator.rows import RunRows
from generator.submission.comparison import displaced
from generator.submission.on_file import Filed
from generator.submission.physics import mbu_at
from generator.submission.standing import (
    Field,
    Place,
    counts,
    fields_of,
    gone_after,
    why_unranked,
)
from generator.submission.submission import New, Submission
from schemas.names import skeleton
from schemas.standing import REPRODUCED_WITHIN_PERCENT

MOST_PREVIEWS = 10
_MOST_DRIFTS = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A ranked row next to the new one: whose it is, its tok/s, and how far the two compare."""

    run: str
    device: str
    tok_per_s: float
    place: Place
    comparability: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Another row of what was measured: its tok/s over the new row's, less one. A published one confirms nothing."""

    run: str
    by: str
    published: bool
    percent: float
    within: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """The row that the new one is a baseline of, and its tok/s over the new one's, where it is known."""

    run: str
    tok_per_s: float | None
    times: float | None


@dataclass(frozen=True, slots=True)
class Preview:
    """A new decode row as the board would show it.

    ``before`` is the place of its device's best row today, ``after`` its own, None where it carries none, and then
    ``unranked`` says why. ``above`` and ``below`` are the rows that it stands between. ``drifts`` are the nearest of
    ``others``.
    """

    run: str
    path: str
    device: str
    model: str
    dtype: str
    depth_tokens: int | None
    stack: str
    submitter: str | None
    provenance: str
    tok_per_s: float
    tok_per_s_low: float
    tok_per_s_high: float
    tpot_ms: float
    mbu_percent: float | None
    unranked: str | None
    before: Place | None
    after: Place | None
    above: Neighbour | None
    below: Neighbour | None
    baseline_of: Baseline | None
    supersedes: tuple[str, ...]
    drifts: tuple[Drift, ...]
    others: int


def previews(submission: Submission) -> Iterator[Preview]:
    """The new decode rows, in the order of their files, at most :data:`MOST_PREVIEWS`."""
    fields: dict[str, tuple[Field, Field]] = {}
    gone = gone_after(submission)
    for new in [new for new in submission.new if new.rows.decode][:MOST_PREVIEWS]:
        model = new.rows.decode.model if new.rows.decode else ""
        if model not in fields:
            fields[model] = fields_of(submission, model)
        yield _preview(submission, new, gone, *fields[model])


def _preview(submission: Submission, new: New, gone: Set[str], before: Field, after: Field) -> Preview:
    row, result = new.rows.decode, new.result
    assert row
    index, drifts = after.index(result.id), sorted(_drifts(submission, new, gone), key=_nearest)
    why = why_unranked(submission, new) or ("its submitter has a later row" if index is None else None)
    return Preview(
        run=result.id, path=new.path, device=result.device, model=row.model, dtype=row.dtype,
        depth_tokens=row.depth_tokens, stack=result.stack.name, submitter=result.submitter,
        provenance=result.provenance, tok_per_s=1e9 / row.tpot_ns, tok_per_s_low=1e9 / row.tpot_high_ns,
        tok_per_s_high=1e9 / row.tpot_low_ns, tpot_ms=row.tpot_ns / 1e6,
        mbu_percent=mbu_at(submission, new, row.tpot_ns),
        unranked=why, before=before.best_of(result.device), after=after.places[index] if index is not None else None,
        above=_neighbour(submission, new, after, index, -1), below=_neighbour(submission, new, after, index, 1),
        baseline_of=_baseline_of(submission, new), supersedes=displaced(submission, new),
        drifts=tuple(drifts[:_MOST_DRIFTS]), others=len(drifts),
    )  # fmt: skip


def _nearest(drift: Drift) -> tuple[bool, float, str]:
    """Measured rows come before published ones, and the nearest first."""
    return drift.published, abs(drift.percent), drift.run


def _neighbour(
    submission: Submission, new: New, field: Field, index: int | None, away: int
) -> Neighbour | None:
    place = -1 if index is None else index + away
    if not 0 <= place < len(field.entries):
        return None
    entry = field.entries[place]
    rows = _rows(submission, entry.run)
    said = str(comparability(new.rows, rows)) if rows else "not known: its file cannot be read"
    return Neighbour(entry.run, entry.device, entry.tok_per_s, field.places[place], said)


def _rows(submission: Submission, run: str) -> RunRows | None:
    """The rows of a result, new or on file."""
    if run in submission.dataset.runs:
        return submission.dataset.runs[run]
    found, _ = read_dataset(submission.data_folder, files=[submission.filed[run].path])
    return found.runs.get(run)


def _baseline_of(submission: Submission, new: New) -> Baseline | None:
    row = new.rows.decode
    if row is None or row.baseline_of is None or new.result.role != "baseline":
        return None
    fresh = (one for one in submission.new if one.result.id == row.baseline_of)
    of = next(fresh, None) or submission.filed.get(row.baseline_of)
    tpot_ns = _tpot_ns(of) if of else None
    if not tpot_ns:
        return Baseline(row.baseline_of, None, None)
    return Baseline(row.baseline_of, 1e9 / tpot_ns, row.tpot_ns / tpot_ns)


def _drifts(submission: Submission, new: New, gone: Set[str]) -> Iterator[Drift]:
    """Rows by others of the same quantity, and published ones of the same device, model and storage type.

    Those on file count and the other new ones, but for what is ``gone`` once they are merged.
    """
    row = new.rows.decode
    assert row
    fresh = (one for one in submission.new if one is not new)
    every: Iterator[Filed | New] = chain(submission.filed.values(), fresh)
    for one in every:
        if one.result.id in gone or not _is_beside(one, new):
            continue
        times = row.tpot_ns / (_tpot_ns(one) or row.tpot_ns)
        within = max(times, 1 / times) <= 1 + REPRODUCED_WITHIN_PERCENT / 100
        published = _is_published(one)
        by = one.result.stack.name if published else one.result.submitter or ""
        yield Drift(one.result.id, by, published, 100 * (times - 1), within)


def _is_beside(one: Filed | New, new: New) -> bool:
    decode, row, result = one.result.decode, new.rows.decode, new.result
    if decode is None or row is None or one.result.device != result.device or one.result.role != result.role:
        return False
    if (decode.model, decode.dtype) != (row.model, row.dtype) or not _counts(one):
        return False
    if _is_published(one):
        return True
    same = (decode.depth_tokens, one.result.stack.name) == (row.depth_tokens, result.stack.name)
    return (
        same
        and result.provenance == "measured"
        and skeleton(one.result.submitter or "") != skeleton(result.submitter or "")
    )


def _is_published(one: Filed | New) -> bool:
    return one.result.provenance != "measured"


def _counts(one: Filed | New) -> bool:
    return one.counts if isinstance(one, Filed) else counts(one)


def _tpot_ns(one: Filed | New) -> float | None:
    if isinstance(one, Filed):
        return one.tpot_ns
    return one.rows.decode.tpot_ns if one.rows.decode else None
