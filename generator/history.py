"""What happened to the rows of the record, and when: from the record alone.

Every date stands in a file (when a row was measured, when a published figure was taken, when a row was
withdrawn) or is the date of the run that changed another's standing. Git is not asked: a clone may be shallow.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from generator.standing_columns import timed_rows
from generator.tables import Board
from schemas.names import skeleton
from schemas.standing import Timed, agree

LEAD, REPRODUCED, WITHDRAWN, SUPERSEDED = "lead", "reproduced", "withdrawn", "superseded"
MEASURED, PUBLISHED = "measured", "published"
KINDS = (LEAD, REPRODUCED, WITHDRAWN, SUPERSEDED, MEASURED, PUBLISHED)  # in the order in which a day is told
_KIND_ORDER = {kind: place for place, kind in enumerate(KINDS)}


class Event(NamedTuple):
    """One thing that became of one run.

    ``at`` is a day, or an instant where the record has one. ``by`` is who did it: a submitter, a source, who
    decided and why, or the model that a run leads. ``other`` is the run that replaced this one, that this one
    reproduces, or that led before.
    """

    at: str
    kind: str
    run: str
    by: str
    other: str = ""

    @property
    def date(self) -> str:
        """The day, YYYY-MM-DD."""
        return self.at[:10]


def events(board: Board) -> list[Event]:
    """Everything that the record tells, the latest day first."""
    found = [*_filed(board), *_withdrawn(board), *_compared(board), *_leads(board)]
    found.sort(key=lambda event: (_KIND_ORDER[event.kind], event.by, event.run))
    found.sort(key=lambda event: event.at[:10], reverse=True)
    return found


def _filed(board: Board) -> Iterator[Event]:
    """Rows measured, and published figures taken."""
    for name, entry in board.data.runs.items():
        run = entry.run
        if run.measured_at:
            yield Event(run.measured_at, MEASURED, name, run.submitter or "")
        elif run.source_retrieved:
            yield Event(run.source_retrieved, PUBLISHED, name, run.source_title or "")


def _withdrawn(board: Board) -> Iterator[Event]:
    for run, entry in board.data.retractions.items():
        yield Event(entry.date, WITHDRAWN, run, f"{entry.by}: {entry.reason}")


def _compared(board: Board) -> Iterator[Event]:
    """Rows that took the place of their submitter's earlier one, or came close to another submitter's.

    The rows that compare are replayed in the order in which they were measured; withdrawn ones are not
    among them, as they confirm and replace nothing.
    """
    decode = board.decode
    comparable = decode["superseded_by"].notna() | decode["reproduced_others"].notna()
    standing: dict[object, list[tuple[float, str]]] = defaultdict(list)
    own: dict[object, Timed] = {}
    for row in sorted(timed_rows(decode[comparable]), key=lambda row: (row.measured_at, row.run)):
        rows, whose = standing[row.quantity], (skeleton(row.submitter), *row.quantity)
        if before := own.get(whose):
            del rows[bisect_left(rows, (before.tpot_ns, before.run))]
            yield Event(row.measured_at, SUPERSEDED, before.run, row.submitter, row.run)
        place = bisect_left(rows, (row.tpot_ns, row.run))
        near = min(
            rows[max(place - 1, 0) : place + 1], key=lambda one: _ratio(one[0], row.tpot_ns), default=None
        )
        if near and agree(near[0], row.tpot_ns):
            yield Event(row.measured_at, REPRODUCED, row.run, row.submitter, near[1])
        insort(rows, (row.tpot_ns, row.run))
        own[whose] = row


def _ratio(one_ns: float, other_ns: float) -> float:
    return max(one_ns, other_ns) / min(one_ns, other_ns)


def _leads(board: Board) -> Iterator[Event]:
    """Of each model, the ranked rows that were faster than every one before; of one day's, the fastest."""
    ranked = board.decode[board.decode["ranked"]]
    at = ranked["measured_at"].fillna(ranked["source_retrieved"]).astype(object)
    order = ["model", "day", "tok_per_s", "run"]
    dated = ranked.assign(at=at, day=at.str[:10])[[*order, "at"]]
    ordered = dated.sort_values(order, ascending=[True, True, False, True])
    fastest, leader, led = 0.0, "", ""
    for model, _, tok_per_s, run, at_that in ordered.drop_duplicates(["model", "day"]).to_numpy().tolist():
        if model != led:
            fastest, leader, led = 0.0, "", model
        if tok_per_s > fastest:
            yield Event(at_that, LEAD, run, model, leader)
            fastest, leader = tok_per_s, run
