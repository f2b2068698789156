"""Samples that were taken once and handed in twice: as they stand, or scaled and shifted.

No two runs take the same times to the nanosecond, nor times that one factor and one offset make the same. Decode
steps are compared with those of every row on file, kernels with those of their device; all with each other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from generator.submission.samples import kernels, steps
from generator.submission.submission import Submission
from schemas.problems import Problem

LEAST_CORRELATION = 1 - 1e-6
_LEAST_SCALED = 5
_MOST_OF_A_ROW = 256
_NUMBERS_AT_ONCE = 100_000
_TELLING_BITS = 40
Times = tuple[int, ...]


class _Timing(msgspec.Struct):
    samples_ns: Times | None = None


class _Kernels(msgspec.Struct):
    timings: tuple[_Timing, ...] = ()


class _Result(msgspec.Struct):
    kernels: _Kernels | None = None


_DECODER = msgspec.json.Decoder(_Result, strict=False)  # 1.0 is the whole number 1


class _Series(NamedTuple):
    """Times of a new row that no other run can have, and their field."""

    times: Times
    run: str
    field: str
    path: str

    @property
    def name(self) -> str:
        """What it is told by."""
        return f"{self.run}, {self.field}"


@dataclass(frozen=True, slots=True)
class _Known:
    """Series on file that are of one length, one a row, and whose they are: run, kind of series, and place."""

    times: NDArray[np.float64]
    whose: list[tuple[str, str, int]]

    def name(self, row: int) -> str:
        """What a series is told by."""
        run, kind, place = self.whose[row]
        return f"{run}, {kind.format(place)}"


def new_samples(submission: Submission) -> Iterator[Problem]:
    """No series of times is a copy of another: of the same row, of another new one, or of one on file."""
    fresh = list(_fresh(submission))
    filed = _filed(submission, {len(one.times) for one in fresh})
    seen: dict[Times, str] = {}
    for one in fresh:
        if one.times not in seen and (name := _same(filed.get(len(one.times)), one.times)):
            seen[one.times] = name
        if (other := seen.setdefault(one.times, one.name)) != one.name:
            said = f"is a copy (got the times of {other})"
            yield Problem(one.path, one.field, said, "submit the file as the runner wrote it")


def _same(known: _Known | None, times: Times) -> str | None:
    """Who on file has these times."""
    if known is None:
        return None
    alike = np.flatnonzero(known.times[:, 0] == times[0])
    found = alike[(known.times[alike] == np.array(times, np.float64)).all(axis=1)]
    return known.name(found[-1]) if found.size else None


def scaled_samples(submission: Submission) -> Iterator[Problem]:
    """Series that are others times a factor, plus an offset; of a row with very many, an even choice is compared."""
    fresh: dict[int, list[_Series]] = defaultdict(list)
    for one in _fresh(submission, _MOST_OF_A_ROW):
        if len(one.times) >= _LEAST_SCALED:
            fresh[len(one.times)].append(one)
    for length, ours in fresh.items():
        step = max(1, _NUMBERS_AT_ONCE // length)
        for start in range(0, len(ours), step):
            yield from _scaled(ours[start : start + step], ours)
    for length, known in _filed(submission, fresh.keys()).items():
        step, ours = max(1, _NUMBERS_AT_ONCE // length), fresh[length]
        for start in range(0, len(known.whose), step):
            part = slice(start, start + step)
            found = _scaled_of_filed(ours, _Known(known.times[part], known.whose[part]))
            yield from found.values()
            ours = [one for one in ours if one not in found]


def _scaled(ours: list[_Series], theirs: list[_Series]) -> Iterator[Problem]:
    """Those of ``ours`` that lie on a line with one of ``theirs``; of two new ones, the later one does."""
    alike = _standard(_matrix(ours)) @ _standard(_matrix(theirs)).T >= LEAST_CORRELATION
    for mine in np.flatnonzero(alike.any(axis=1)):
        one = ours[mine]
        others = (theirs[other] for other in np.flatnonzero(alike[mine]))
        if of := next((known for known in others if _comes_before(known, one)), None):
            yield _of_another(one, of.name)


def _scaled_of_filed(ours: list[_Series], known: _Known) -> dict[_Series, Problem]:
    """Those of ``ours`` that lie on a line with one on file, but for the same one, which is refused elsewhere."""
    if not ours:
        return {}
    times, found = _matrix(ours), dict[_Series, Problem]()
    alike = _standard(times) @ _standard(known.times).T >= LEAST_CORRELATION
    for mine in np.flatnonzero(alike.any(axis=1)):
        others = np.flatnonzero(alike[mine])
        others = others[(known.times[others] != times[mine]).any(axis=1)]
        if others.size:
            found[ours[mine]] = _of_another(ours[mine], known.name(others[0]))
    return found


def _of_another(one: _Series, name: str) -> Problem:
    said = f"is another series, scaled or shifted (got the times of {name})"
    return Problem(one.path, one.field, said, "ask how both were measured")


def _matrix(series: list[_Series]) -> NDArray[np.float64]:
    return np.array([one.times for one in series], np.float64)


def _comes_before(known: _Series, one: _Series) -> bool:
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


def _fresh(submission: Submission, most_of_a_row: int | None = None) -> Iterator[_Series]:
    """The series of the new rows that can be told from all others."""
    for new in submission.measured:
        found = [(field, times) for field, times in chain(steps(new), kernels(new)) if _tells(times)]
        apart = -(-len(found) // most_of_a_row) if most_of_a_row else 1
        for field, times in found[:: apart or 1]:
            yield _Series(times, new.result.id, field, new.path)


def _filed(submission: Submission, lengths: Collection[int]) -> dict[int, _Known]:
    """Of each length, the decode times of all rows on file and the kernel times of those of the new rows' devices."""
    devices = {new.result.device for new in submission.measured if new.result.kernels}
    series: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    whose: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for one in submission.filed.values():
        found = [("repetition {}", *part) for part in (one.times.together if one.times else ())]
        if one.result.device in devices and one.result.provenance == "measured":
            found += _kernel_times(one.path)
        for kind, first, length, times in found:
            if length in lengths:
                series[length].append(times)
                whose[length] += [(one.id, kind, first + more) for more in range(len(times) // length)]
    return {
        length: _Known(np.concatenate(same).reshape(-1, length), whose[length])
        for length, same in series.items()
    }


def _kernel_times(path: Path) -> Iterator[tuple[str, int, int, NDArray[np.float64]]]:
    try:
        found = _DECODER.decode(path.read_bytes()).kernels
    except (OSError, msgspec.MsgspecError):  # as where it was read first
        return
    for place, timing in enumerate(found.timings if found else ()):
        if timing.samples_ns:
            yield (
                "kernels.timings[{}]",
                place,
                len(timing.samples_ns),
                np.array(timing.samples_ns, np.float64),
            )


def _tells(times: Times) -> bool:
    """Whether a series is too long and varied to be taken twice by chance, as that of a short kernel may be."""
    counts, length = Counter(times), len(times)
    if len(counts) == length > 1:  # what differs from sample to sample is a clock's tick or more
        ticks = (max(times) - min(times)) // math.gcd(*(time - times[0] for time in times)) + 1
        return length * math.log2(ticks) >= _TELLING_BITS
    return sum(count * math.log2(length / count) for count in counts.values()) >= _TELLING_BITS
