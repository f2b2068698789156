"""What a row is worth beside others: superseded, reproduced by whom and how exactly, and of which rank.

Computed from the rows at each build, never declared. Both sides of the house use it: the site, the preview of
a submission, and the summary that a runner shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from schemas.names import skeleton

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REPRODUCED_WITHIN_PERCENT = 5.0
MOST_NAMED = 3


class Timed(NamedTuple):
    """A measured contender's decode row that counts: not withdrawn, not quick, a whole step, not known to be wrong.

    A tuple, as a build makes one of each row: ten thousand dataclasses would take a tenth of a second.
    """

    run: str
    device: str
    model: str
    dtype: str
    depth_tokens: int | None
    stack: str
    submitter: str
    measured_at: str
    tpot_ns: float

    @property
    def quantity(self) -> tuple[object, ...]:
        """What it measured, from device to stack: rows of one quantity can confirm or contradict each other."""
        return self[1:6]


class Reproduction(NamedTuple):
    """How other submitters' rows of the same quantity compare: their tok/s over this row's, less one.

    ``within`` of ``others`` came within the tolerance; nothing is reproduced by 0. ``low_percent`` and
    ``high_percent`` are the drifts of these, or of all others where none came within it; ``by`` names the
    submitters of at most :data:`MOST_NAMED` that did, the nearest first.
    """

    within: int
    others: int
    low_percent: float
    high_percent: float
    by: tuple[str, ...]


def agree(one: float, other: float) -> bool:
    """Whether two times, or two rates, are so near that their rows reproduce each other."""
    return max(one, other) <= min(one, other) * (1 + REPRODUCED_WITHIN_PERCENT / 100)


def superseded(rows: Iterable[Timed]) -> dict[str, str]:
    """Of each row that its submitter measured again later: the run of the latest.

    So nobody holds two places with one machine, and it is the latest that counts, not the luckiest.
    """
    own: dict[tuple[object, ...], list[Timed]] = defaultdict(list)
    for row in rows:
        own[(skeleton(row.submitter), *row.quantity)].append(row)
    found: dict[str, str] = {}
    for runs in own.values():
        if len(runs) > 1:
            latest = max(runs, key=lambda row: (row.measured_at, row.run)).run
            found |= {row.run: latest for row in runs if row.run != latest}
    return found


def reproductions(rows: Iterable[Timed]) -> dict[str, Reproduction]:
    """Of each row that another submitter has a row beside: how they compare. ``rows`` are not superseded.

    Two rows reproduce each other where the slower needs at most 5 % more time. One submitter has one row of a
    quantity, so runs of one's own confirm nothing; that submitters of different names are different people is
    what no program can tell.
    """
    groups: dict[tuple[object, ...], list[Timed]] = defaultdict(list)
    for row in rows:
        groups[row.quantity].append(row)
    found: dict[str, Reproduction] = {}
    for group in groups.values():
        if len(group) > 1:
            found |= _among(sorted(group, key=lambda row: (row.tpot_ns, row.run)))
    return found


def _among(ordered: Sequence[Timed]) -> dict[str, Reproduction]:
    """How the rows of one quantity compare, the fastest first."""
    times_ns = [row.tpot_ns for row in ordered]
    most_ns = [time_ns * (1 + REPRODUCED_WITHIN_PERCENT / 100) for time_ns in times_ns]
    found: dict[str, Reproduction] = {}
    first = last = 0  # of the rows within the tolerance: both only grow
    for place, row in enumerate(ordered):
        while most_ns[first] < times_ns[place]:
            first += 1
        while last < len(ordered) and times_ns[last] <= most_ns[place]:
            last += 1
        within = last - first - 1  # less the row itself
        drifts = (
            _drifts(times_ns, place, first, last) if within else _drifts(times_ns, place, 0, len(ordered))
        )
        by = _nearest(ordered, times_ns, place, first, last) if within else ()
        found[row.run] = Reproduction(within, len(ordered) - 1, *drifts, by)
    return found


def _nearest(
    ordered: Sequence[Timed], times_ns: Sequence[float], place: int, first: int, last: int
) -> tuple[str, ...]:
    """The submitters of the rows nearest to the one at ``place``, from ``first`` up to ``last``, nearest first."""
    own_ns, below, above = times_ns[place], place - 1, place + 1
    names: list[str] = []
    while len(names) < MOST_NAMED and (below >= first or above < last):
        if above == last or (below >= first and own_ns - times_ns[below] <= times_ns[above] - own_ns):
            names.append(ordered[below].submitter)
            below -= 1
        else:
            names.append(ordered[above].submitter)
            above += 1
    return tuple(names)


def _drifts(times_ns: Sequence[float], place: int, first: int, last: int) -> tuple[float, float]:
    """The least and the greatest drift from ``first`` up to ``last``, without the row at ``place`` itself."""
    fastest_ns = times_ns[first + 1 if first == place else first]
    slowest_ns = times_ns[last - 2 if last - 1 == place else last - 1]
    return 100 * (times_ns[place] / slowest_ns - 1), 100 * (times_ns[place] / fastest_ns - 1)


def ranks(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The best and the worst rank of each row, of intervals of tok/s.

    A row may be as good as one more than the rows that surely beat it (their whole interval above its own),
    and as bad as the number of rows that it does not surely beat.
    """
    import numpy as np  # noqa: PLC0415 - takes 0.1 s, and of those who import this module few rank

    surely_better = len(low) - np.searchsorted(np.sort(low), high, side="right")
    not_surely_worse = len(low) - np.searchsorted(np.sort(high), low, side="left")
    return surely_better + 1, not_surely_worse
