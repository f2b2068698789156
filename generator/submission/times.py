"""The times of thousands of decode blocks at once: read as numbers without becoming objects, and their medians.

A block's interval is a bootstrap of half a millisecond. It lies between the medians of its fastest and its slowest
repetition, and that is mostly all there is to know of it.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.records import DecodeSamples, Repetition

_STEPS = msgspec.json.Decoder(tuple[int, ...], strict=False)  # 1.0 is the whole number 1
_ENDED = b",-1,"
Numbers = NDArray[np.float64]


class RawRepetition(msgspec.Struct, gc=False):
    """A repetition whose steps are still text."""

    step_ns: msgspec.Raw = msgspec.Raw(b"null")
    total_ns: int | None = None


class RawSamples(msgspec.Struct, gc=False):
    """What is read of a block's samples."""

    timing: Literal["per_step", "per_repetition"]
    steps_per_repetition: int
    repetitions: tuple[RawRepetition, ...]


@dataclass(frozen=True, slots=True)
class Medians:
    """The median over all steps, which is that of :func:`schemas.metrics.decode_spread`, and bounds of its interval."""

    tpot_ns: float
    least_ns: float
    most_ns: float


@dataclass(frozen=True, slots=True)
class Times:
    """A block's times: ``values`` of its steps, or of its repetitions where these were timed whole, one after another.

    ``lengths`` is how many values each repetition has, ``steps`` how many steps.
    """

    values: Numbers
    lengths: tuple[int, ...]
    steps: int
    singly: bool

    @property
    def series(self) -> list[Numbers]:
        """The times of each repetition's steps; where only whole repetitions were timed, all of them as one."""
        if not self.singly:
            return [self.values]
        return [self.values[start:end] for start, end in pairwise(accumulate(self.lengths, initial=0))]

    @property
    def together(self) -> list[tuple[int, int, Numbers]]:
        """The same series, as one row of numbers where of one length: the place of the first, and the length."""
        if self.singly and len(set(self.lengths)) == 1:
            return [(0, self.lengths[0], self.values)]
        return [(place, len(one), one) for place, one in enumerate(self.series)]

    @property
    def samples(self) -> DecodeSamples:
        """The same as samples, with nothing else that samples have."""
        unknown = (None, None, None)
        if self.singly:
            told = [Repetition(tuple(map(int, one)), None, *unknown) for one in self.series]
            return DecodeSamples("per_step", self.steps, 0, None, tuple(told))
        told = [Repetition(None, int(one), *unknown) for one in self.values]
        return DecodeSamples("per_repetition", self.steps, 0, None, tuple(told))


def read_times(every: Sequence[RawSamples]) -> list[Times | None]:
    """Those of each of ``every``; None where they are none."""
    singly = [samples for samples in every if samples.timing == "per_step"]
    read = iter(_read_all(singly) or map(_read, singly))
    return [next(read) if samples.timing == "per_step" else _totals(samples) for samples in every]


def _read_all(every: Sequence[RawSamples]) -> list[Times] | None:
    """Lists of whole numbers, read together; None where one of them is written in another way, or of another length.

    A -1 ends each list, which no time is, so that none runs into the next.
    """
    text = _ENDED.join(one.step_ns for samples in every for one in samples.repetitions)
    lengths = [(samples.steps_per_repetition,) * len(samples.repetitions) for samples in every]
    ends = np.cumsum([length + 1 for block in lengths for length in block]) - 1
    if not all(lengths) or not _are_lists(text, len(ends)):
        return None
    values = _numbers(text.translate(None, b"[]") + b",-1")
    if values is None or len(values) != ends[-1] + 1 or not np.array_equal(np.flatnonzero(values < 0), ends):
        return None
    times = values[values >= 0].astype(np.float64)
    starts = accumulate(map(sum, lengths), initial=0)
    return [
        Times(times[start:end], block, block[0], True)
        for (start, end), block in zip(pairwise(starts), lengths, strict=True)
    ]


def _are_lists(text: bytes, count: int) -> bool:
    """Whether ``text`` is so many lists, with none inside of another."""
    return text.startswith(b"[") and text.count(_ENDED + b"[") + 1 == text.count(b"[") == count


def _numbers(text: bytes) -> NDArray[np.int64] | None:
    """Whole numbers between commas; None where there is anything else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, np.int64, sep=" , ")
        except (ValueError, DeprecationWarning):
            return None


def _read(samples: RawSamples) -> Times | None:
    """As :func:`_read_all`, by the rules of JSON."""
    try:
        steps = [_STEPS.decode(one.step_ns) for one in samples.repetitions]
    except msgspec.MsgspecError:
        return None
    if not steps or not all(steps):
        return None
    values = np.array([time for one in steps for time in one], np.float64)
    return Times(values, tuple(map(len, steps)), samples.steps_per_repetition, True)


def _totals(samples: RawSamples) -> Times | None:
    totals = [one.total_ns for one in samples.repetitions if one.total_ns is not None]
    if not totals or len(totals) < len(samples.repetitions):
        return None
    return Times(np.array(totals, np.float64), (1,) * len(totals), samples.steps_per_repetition, False)


def medians(every: Sequence[Times]) -> list[Medians]:
    """Those of each of ``every``, in their order."""
    alike: dict[object, list[int]] = defaultdict(list)
    for place, times in enumerate(every):
        alike[times.lengths, times.singly].append(place)
    found: dict[int, Medians] = {}
    for places in alike.values():
        found |= zip(places, _of_one_form([every[place] for place in places]), strict=True)
    return [found[place] for place in range(len(every))]


def _of_one_form(every: Sequence[Times]) -> Iterator[Medians]:
    """Of blocks whose repetitions have the same lengths."""
    values = np.array([times.values for times in every])
    if not every[0].singly:
        values /= np.array([times.steps for times in every])[:, None]
    parts = np.split(values, np.cumsum(every[0].lengths)[:-1], axis=1)
    by_repetition, over_all = np.array([_median(part) for part in parts]), _median(values)
    least = np.minimum(by_repetition.min(axis=0), over_all)
    most = np.maximum(by_repetition.max(axis=0), over_all)
    return map(Medians, over_all.tolist(), least.tolist(), most.tolist())


def _median(values: Numbers) -> Numbers:
    """Of each row; sorting a matrix of short rows takes a tenth of what ``np.median`` does."""
    ordered, length = np.sort(values, axis=1), values.shape[1]
    middle: Numbers = (ordered[:, (length - 1) // 2] + ordered[:, length // 2]) / 2
    return middle
