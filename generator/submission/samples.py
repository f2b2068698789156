"""What raw samples look like when a clock took them, and a machine was at work meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

import numpy as np

from generator.submission.submission import New, Submission
from schemas.metrics import decode_spread
from schemas.problems import Problem
from schemas.records import DecodeSamples

COARSEST_TICK_NS = 1_000
SURELY_VARIES_NS = 50 * COARSEST_TICK_NS
MOST_VARIATION_PERCENT = 50
LEAST_VARIATION_PERCENT = 0.005
_CLOCK = "measure again with a runner, which takes its times from the machine's clock"
Series = Iterator[tuple[str, tuple[int, ...]]]


def varied(submission: Submission) -> Iterator[Problem]:
    """No series of times is one number again and again, where it is longer than a clock's tick."""
    for new in submission.measured:
        for field, times in chain(steps(new), kernels(new)):
            if len(times) > 2 and len(set(times)) == 1 and times[0] >= SURELY_VARIES_NS:
                yield Problem(new.path, field, f"is constant (got {len(times)} x {times[0]:,} ns)", _CLOCK)


def fine_enough(submission: Submission) -> Iterator[Problem]:
    """Times are not rounded beyond what a clock does: all of them would share a divisor."""
    for new in submission.measured:
        for field, series in (("decode.samples", steps(new)), ("kernels.timings", kernels(new))):
            times = tuple(chain.from_iterable(times for _, times in series))
            if len(set(times)) > 1 and (tick := math.gcd(*times)) > COARSEST_TICK_NS:
                said = f"holds only multiples of {tick:,} ns (got {len(times)} times)"
                yield Problem(new.path, field, said, _CLOCK)


def sane_variation(submission: Submission) -> Iterator[Problem]:
    """Repetitions lie apart, but not so far that their median says nothing."""
    yield from (problem for problem in submission.problems if problem.rule == "variation")
    for new in submission.decoded:
        if (spread := decode_spread(_samples(new))).cv_percent > MOST_VARIATION_PERCENT:
            said = f"vary too much to be a measurement (got {spread.cv_percent:.0f} %)"
            yield Problem(
                new.path, "decode.samples.repetitions", said, "find what else runs there, and measure again"
            )


def too_steady(submission: Submission) -> Iterator[Problem]:
    """Steps that hardly vary: a machine with nothing else to do, or somebody's pencil."""
    for new in submission.decoded:
        times = np.array(list(chain.from_iterable(times for _, times in steps(new))), dtype=np.float64)
        percent = 100 * float(times.std() / times.mean())
        if percent < LEAST_VARIATION_PERCENT:
            said = f"hardly vary (got {percent:.4f} % over {len(times)} times)"
            yield Problem(new.path, "decode.samples", said, "ask for a second run")


def _samples(new: New) -> DecodeSamples:
    assert new.result.decode
    assert new.result.decode.samples
    return new.result.decode.samples


def repetitions(samples: DecodeSamples) -> Iterator[tuple[int, ...]]:
    """The times of each repetition's steps; where only whole repetitions were timed, all of them as one."""
    if samples.timing == "per_step":
        return (one.step_ns for one in samples.repetitions if one.step_ns)
    return iter([tuple(one.total_ns or 0 for one in samples.repetitions)])


def steps(new: New) -> Series:
    """A new row's decode times, each series with its field; none where it has no decode block."""
    if new.result.decode is None or new.result.decode.samples is None:
        return
    whole = new.result.decode.samples.timing == "per_repetition"
    for place, times in enumerate(repetitions(new.result.decode.samples)):
        yield f"decode.samples.repetitions{'' if whole else f'[{place}]'}", times


def kernels(new: New) -> Series:
    """A new row's kernel times, each series with its field."""
    for place, timing in enumerate(new.result.kernels.timings if new.result.kernels else ()):
        if timing.samples_ns:
            yield f"kernels.timings[{place}].samples_ns", timing.samples_ns
