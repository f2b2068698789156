"""Samples that were taken once and handed in twice: as they stand, in another order, or scaled and shifted.

No two runs take the same times to the nanosecond, in whatever order, nor times that one factor and one offset make the
same. All steps of a block are compared together besides, however they are cut into repetitions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from generator.submission.series import Known, Series, Times, filed_series, fresh_blocks, fresh_series
from generator.submission.submission import Submission
from schemas.problems import Problem

LEAST_CORRELATION = 1 - 1e-6
_LEAST_SCALED = 5
_MOST_OF_A_ROW = 256
_NUMBERS_AT_ONCE = 100_000
_Seen = dict[tuple[str, Times], str]


def new_samples(submission: Submission) -> Iterator[Problem]:
    """No series of times is a copy of another: of the same row, of another new one, or of one on file."""
    fresh = list(fresh_series(submission))
    filed = filed_series(submission, {len(one.times) for one in fresh})
    seen: _Seen = {}
    copied: set[str] = set()
    for one in fresh:
        orders = one.orders
        order, name = _origin(orders, seen, filed.get(len(one.times))) or ("", None)
        seen |= {key: name or one.name for key in orders if key not in seen}
        if name:
            copied.add(one.path)
            yield _copy(one, order, name)
    yield from _cut_otherwise(submission, copied)


def _origin(orders: Iterable[tuple[str, Times]], seen: _Seen, known: Known | None) -> tuple[str, str] | None:
    """Whose times these were first, and in which order."""
    for order, times in orders:
        if name := seen.get((order, times)) or (known and known.having(times, sort=bool(order))):
            return order, name
    return None


def _cut_otherwise(submission: Submission, copied: Collection[str]) -> Iterator[Problem]:
    """Blocks whose steps are all those of another, and of which no repetition is refused already."""
    blocks = {one.path: one for one in fresh_blocks(submission) if len(one.orders) > 1}
    sums = {(len(one.times), sum(one.times)) for one in blocks.values()}
    lengths = {length for length, _ in sums}
    seen: dict[Times, str] = {}
    for filed in submission.filed.values():
        values = filed.times.values if filed.times and filed.times.singly else ()
        if len(values) in lengths and (len(values), int(np.sum(values))) in sums:
            seen[tuple(np.sort(values).astype(int).tolist())] = f"{filed.id}, decode.samples"
    for one in blocks.values():
        order, times = one.orders[-1]
        if (other := seen.setdefault(times, one.name)) != one.name and one.path not in copied:
            yield _copy(one, order, other)


def _copy(one: Series, order: str, name: str) -> Problem:
    said = f"is a copy{order} (got the times of {name})"
    return Problem(one.path, one.field, said, "submit the file as the runner wrote it")


def scaled_samples(submission: Submission) -> Iterator[Problem]:
    """Series that are others times a factor, plus an offset; of a row with very many, an even choice is compared."""
    fresh: dict[int, list[Series]] = defaultdict(list)
    for one in fresh_series(submission, _MOST_OF_A_ROW):
        if len(one.times) >= _LEAST_SCALED:
            fresh[len(one.times)].append(one)
    for length, ours in fresh.items():
        step = max(1, _NUMBERS_AT_ONCE // length)
        for start in range(0, len(ours), step):
            yield from _scaled(ours[start : start + step], ours)
    for length, known in filed_series(submission, fresh.keys()).items():
        step, ours = max(1, _NUMBERS_AT_ONCE // length), fresh[length]
        for start in range(0, len(known.whose), step):
            part = slice(start, start + step)
            found = _scaled_of_filed(ours, Known(known.times[part], known.whose[part]))
            yield from found.values()
            ours = [one for one in ours if one not in found]


def _scaled(ours: list[Series], theirs: list[Series]) -> Iterator[Problem]:
    """Those of ``ours`` that lie on a line with one of ``theirs``; of two new ones, the later one does."""
    alike = _standard(_matrix(ours)) @ _standard(_matrix(theirs)).T >= LEAST_CORRELATION
    for mine in np.flatnonzero(alike.any(axis=1)):
        one = ours[mine]
        others = (theirs[other] for other in np.flatnonzero(alike[mine]))
        if of := next((known for known in others if _comes_before(known, one)), None):
            yield _of_another(one, of.name)


def _scaled_of_filed(ours: list[Series], known: Known) -> dict[Series, Problem]:
    """Those of ``ours`` that lie on a line with one on file, but for the same one, which is refused elsewhere."""
    if not ours:
        return {}
    times, found = _matrix(ours), dict[Series, Problem]()
    alike = _standard(times) @ _standard(known.times).T >= LEAST_CORRELATION
    for mine in np.flatnonzero(alike.any(axis=1)):
        others = np.flatnonzero(alike[mine])
        others = others[(known.times[others] != times[mine]).any(axis=1)]
        if others.size:
            found[ours[mine]] = _of_another(ours[mine], known.name(others[0]))
    return found


def _of_another(one: Series, name: str) -> Problem:
    said = f"is another series, scaled or shifted (got the times of {name})"
    return Problem(one.path, one.field, said, "ask how both were measured")


def _matrix(series: list[Series]) -> NDArray[np.float64]:
    return np.array([one.times for one in series], np.float64)


def _comes_before(known: Series, one: Series) -> bool:
    """Whether ``one`` may be made of ``known``; one that is the same is refused elsewhere."""
    return known.times != one.times and (known.path, known.field) < (one.path, one.field)


def _standard(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each series with a mean of 0 and a length of 1, whatever its factor and offset; 0 where it is constant.

    The farthest tenth on either side counts as the next ones do, as single slow steps are common to many runs.
    """
    ordered, cut = np.sort(times, axis=1), times.shape[1] // 10
    times = np.clip(times, ordered[:, cut, None], ordered[:, -1 - cut, None])
    times -= times.mean(axis=1, keepdims=True)
    times /= np.maximum(np.linalg.norm(times, axis=1, keepdims=True), 1e-9)
    return times
