"""What a newcomer asks first, answered from the record: who leads, by how much, whether to believe it, who loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generator.comparability import Comparability, comparability
from generator.tables import rows_of
from generator.views import ModelView

STANDINGS = ("reproduced", "measured", "reported")


@dataclass(frozen=True, slots=True)
class FirstAnswers:
    """Of one model: the first and the next device, how the ranked rows came about, the last device.

    ``lead_percent`` is how much faster the first is, and ``compared`` whether the two may be compared; where their
    intervals overlap, nobody surely leads. ``unranked`` is a baseline that comes closer to the first, or passes it.
    """

    first: Any
    next: Any | None
    lead_percent: float
    surely: bool
    compared: Comparability | None
    unranked: Any | None
    standings: tuple[tuple[str, int], ...]
    last: Any | None


def first_answers(view: ModelView) -> FirstAnswers | None:
    """The answers for one model; None where it has no ranked row."""
    best = list(rows_of(view.ranked.drop_duplicates("device")))
    if not best:
        return None
    first, following = best[0], best[1] if len(best) > 1 else None
    runs = view.board.data.runs
    counts = view.ranked["standing"].value_counts()
    return FirstAnswers(
        first=first,
        next=following,
        lead_percent=100 * (first.tok_per_s / following.tok_per_s - 1) if following else 0.0,
        surely=len(view.leaders) == 1,
        compared=comparability(runs[first.run], runs[following.run]) if following else None,
        unranked=_closer_baseline(view, following),
        standings=tuple((name, int(counts[name])) for name in STANDINGS if counts.get(name)),
        last=best[-1] if len(best) > 2 else None,
    )


def _closer_baseline(view: ModelView, following: Any | None) -> Any | None:
    """The fastest baseline of all, where it is faster than the row that is said to follow the first."""
    rows = (row for row in view.baselines if not row.retracted)
    best = max(rows, key=lambda row: row.tok_per_s, default=None)
    return best if best and following and best.tok_per_s > following.tok_per_s else None
