"""Series of times that no two runs share by chance: of the new rows, and of those on file.

Decode steps are compared with those of every row on file, kernels with those of their device; all with each other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from generator.submission.samples import kernels, steps
from generator.submission.submission import Submission

TELLING_BITS = 40
Times = tuple[int, ...]


class _Timing(msgspec.Struct):
    samples_ns: Times | None = None


class _Kernels(msgspec.Struct):
    timings: tuple[_Timing, ...] = ()


class _Result(msgspec.Struct):
    kernels: _Kernels | None = None


_DECODER = msgspec.json.Decoder(_Result, strict=False)  # 1.0 is the whole number 1


class Series(NamedTuple):
    """Times of a new row that no other run can have, and their field."""

    times: Times
    run: str
    field: str
    path: str
    bits: float

    @property
    def orders(self) -> tuple[tuple[str, Times], ...]:
        """The times as they stand, and sorted where they tell even so, as a multiset tells less; with a word for it."""
        if self.bits < TELLING_BITS + math.lgamma(len(self.times) + 1) / math.log(2):
            return (("", self.times),)
        return ("", self.times), (" in another order", tuple(sorted(self.times)))

    @property
    def name(self) -> str:
        """What it is told by."""
        return f"{self.run}, {self.field}"


@dataclass(frozen=True)
class Known:
    """Series on file that are of one length, one a row, and whose they are: run, kind of series, and place."""

    times: NDArray[np.float64]
    whose: list[tuple[str, str, int]]

    def name(self, row: int) -> str:
        """What a series is told by."""
        run, kind, place = self.whose[row]
        return f"{run}, {kind.format(place)}"

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """Of each series, which stays the same in whatever order its times are: it is exact up to 2**53 ns."""
        total: NDArray[np.float64] = self.times.sum(axis=1)
        return total

    def having(self, times: Times, sort: bool) -> str | None:
        """Who has these times, which are sorted where the series are to be."""
        wanted = np.array(times, np.float64)
        alike = np.flatnonzero(self.sums == wanted.sum() if sort else self.times[:, 0] == times[0])
        series = np.sort(self.times[alike], axis=1) if sort else self.times[alike]
        found = alike[(series == wanted).all(axis=1)]
        return self.name(found[-1]) if found.size else None


def fresh_series(submission: Submission, most_of_a_row: int | None = None) -> Iterator[Series]:
    """The series of the new rows that can be told from all others."""
    for new in submission.measured:
        found = [
            Series(times, new.result.id, field, new.path, bits)
            for field, times in chain(steps(new), kernels(new))
            if (bits := telling_bits(times)) >= TELLING_BITS
        ]
        apart = -(-len(found) // most_of_a_row) if most_of_a_row else 1
        yield from found[:: apart or 1]


def fresh_blocks(submission: Submission) -> Iterator[Series]:
    """All steps of each new row that has some, as one series."""
    for new in submission.measured:
        samples = new.result.decode.samples if new.result.decode else None
        if samples and samples.timing == "per_step":
            times = tuple(chain.from_iterable(times for _, times in steps(new)))
            yield Series(times, new.result.id, "decode.samples", new.path, telling_bits(times))


def filed_series(submission: Submission, lengths: Collection[int]) -> dict[int, Known]:
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
        length: Known(np.concatenate(same).reshape(-1, length), whose[length])
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


def telling_bits(times: Times) -> float:
    """How long and varied a series is: from :data:`TELLING_BITS` on none is taken twice by chance.

    That of a short kernel may be.
    """
    counts, length = Counter(times), len(times)
    if len(counts) == length > 1:  # what differs from sample to sample is a clock's tick or more
        ticks = (max(times) - min(times)) // math.gcd(*(time - times[0] for time in times)) + 1
        return length * math.log2(ticks)
    return sum(count * math.log2(length / count) for count in counts.values())
