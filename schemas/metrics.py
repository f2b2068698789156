"""From samples and sizes to the numbers of the board. Pure arithmetic; the definitions are in the protocol.

tok/s = 1 / median TPOT. MBU = bytes a token / TPOT / peak memory bandwidth. Roofline tok/s = peak / bytes a
token. Never best-of: every figure is a median, and its interval comes from whole repetitions, because the
steps of one repetition share its luck.

It stands beside the records because both sides derive the same numbers from them: the site, and the summary
that a runner shows at once.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.records import BYTES_PER_ELEMENT, DecodeSamples, Dtype, Kernel, Repetition, Tensor

Number = TypeVar("Number", float, NDArray[np.float64])

BUSY_CORES = 0.1
CHANGED_SPEED = 1.25
NOISY_PERCENT, VERY_NOISY_PERCENT = 3, 8
_RESAMPLES = 1000
_MOST_RESAMPLED = 2_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """A median in nanoseconds, its 95 % bootstrap interval, and how far the samples lie apart."""

    median_ns: float
    low_ns: float
    high_ns: float
    cv_percent: float
    p90_ns: float
    p99_ns: float
    samples: int
    repetitions: int


def decode_spread(samples: DecodeSamples) -> Spread:
    """TPOT of a measured decode block over all its steps; the interval is over repetitions."""
    steps = samples.steps_per_repetition
    every_step = step_times_ns(samples)
    medians = np.array([repetition_ns(repetition, steps) for repetition in samples.repetitions])
    low, high = _bootstrap_interval(medians)
    median = float(np.median(every_step))
    deviation = float(np.std(medians, ddof=1)) if len(medians) > 1 else 0.0
    p90, p99 = quantiles(every_step, (90, 99))
    return Spread(
        median_ns=median,
        low_ns=min(low, median),  # an interval over repetitions must not exclude the median over steps
        high_ns=max(high, median),
        cv_percent=100 * deviation / float(np.mean(medians)),
        p90_ns=p90,
        p99_ns=p99,
        samples=len(every_step),
        repetitions=len(medians),
    )


@dataclass(frozen=True, slots=True)
class Probed:
    """The read bandwidth probed around the repetitions: median, least and most.

    ``bytes_in_tpot`` is what the probe would have read while a step ran: the bytes a token over it are the
    share of the probed bandwidth that the step reached, as the median over repetitions.
    """

    gb_per_s: float
    low_gb_per_s: float
    high_gb_per_s: float
    bytes_in_tpot: float

    @property
    def changed_speed(self) -> bool:
        """Whether the host became faster or slower meanwhile, so that a figure is of a mixture."""
        return self.high_gb_per_s > CHANGED_SPEED * self.low_gb_per_s


def probed(samples: DecodeSamples) -> Probed | None:
    """What the probes around the repetitions say; None where there were none."""
    around = [(one.read_gb_per_s_before, one.read_gb_per_s_after) for one in samples.repetitions]
    both = [(before, after) for before, after in around if before and after]
    if not both or len(both) < len(around):
        return None
    every = [probe for pair in both for probe in pair]
    times = [repetition_ns(one, samples.steps_per_repetition) for one in samples.repetitions]
    read = [time * (before + after) / 2 for time, (before, after) in zip(times, both, strict=True)]
    in_tpot = 1 / statistics.median(1 / one for one in read)
    return Probed(statistics.median(every), min(every), max(every), in_tpot)


def joules_per_token(samples: DecodeSamples) -> float | None:
    """Energy a decode step, as the mean over all repetitions; None unless each of them tells its own.

    A mean, as a device's counter moves in steps that may be as long as a repetition: what one of them has too
    much of, another has too little.
    """
    used = [one.energy_j for one in samples.repetitions if one.energy_j is not None]
    if len(used) < len(samples.repetitions) or not sum(used):
        return None
    return statistics.mean(used) / samples.steps_per_repetition


def repetition_ns(repetition: Repetition, steps: int) -> float:
    """The median step of a repetition in nanoseconds, or the mean one where steps were not timed singly.

    Plain Python as in :func:`kernel_latency`: a repetition has tens of steps.
    """
    if repetition.step_ns is not None:
        return float(statistics.median(repetition.step_ns))
    return (repetition.total_ns or 0) / steps


def step_times_ns(samples: DecodeSamples) -> NDArray[np.float64]:
    """The time of every step, or of each repetition's mean step where steps were not timed singly."""
    steps = samples.steps_per_repetition
    return np.concatenate([_repetition_ns(one, steps) for one in samples.repetitions])


def measured_ns(samples: DecodeSamples) -> int:
    """The time of all measured steps together, in nanoseconds."""
    return sum(one.total_ns or sum(one.step_ns or ()) for one in samples.repetitions)


def busy(repetition: Repetition) -> bool:
    """Whether other processes worked beside a repetition."""
    return (repetition.other_cores_busy or 0) > BUSY_CORES


@dataclass(frozen=True, slots=True)
class Latency:
    """The median of a kernel's calls in nanoseconds and its 95 % interval."""

    median_ns: float
    low_ns: float
    high_ns: float
    samples: int


def kernel_latency(samples_ns: tuple[int, ...]) -> Latency:
    """Latency of one kernel over its timed calls; order statistics bound the median.

    Ranks n/2 -+ 1.96 sqrt(n)/2: the normal approximation of the binomial interval for a median. Plain
    Python, because a call has tens of samples and NumPy takes longer to start than to count them.
    """
    times, count = sorted(samples_ns), len(samples_ns)
    reach = 0.98 * math.sqrt(count)
    low = times[max(0, math.floor(count / 2 - reach))]
    high = times[min(count - 1, math.ceil(count / 2 + reach))]
    return Latency(float(statistics.median(times)), float(low), float(high), count)


def quantiles(values: NDArray[np.float64], percents: Sequence[float]) -> list[float]:
    """Order statistics at ``percents``, linear between neighbours: NumPy's ``percentile`` in a tenth of its time."""
    places = np.asarray(percents) / 100 * (len(values) - 1)
    found: list[float] = np.interp(places, np.arange(len(values)), np.sort(values)).tolist()
    return found


def _repetition_ns(repetition: Repetition, steps: int) -> NDArray[np.float64]:
    if repetition.step_ns is not None:
        return np.array(repetition.step_ns, dtype=np.float64)
    return np.array([(repetition.total_ns or 0) / steps], dtype=np.float64)


def _bootstrap_interval(units: NDArray[np.float64]) -> tuple[float, float]:
    medians = np.median(units[_resamples(len(units))], axis=1)
    low, high = quantiles(medians, (2.5, 97.5))
    return low, high


@lru_cache(maxsize=8)
def _resamples(count: int) -> NDArray[np.intp]:
    """Indices of the bootstrap, (resamples, count): the same draw every time, so that builds agree."""
    resamples = max(200, min(_RESAMPLES, _MOST_RESAMPLED // count))
    return np.random.default_rng(0).integers(count, size=(resamples, count))


def mean_depth_tokens(depth_tokens: int | None, steps: int | None) -> float:
    """Tokens in the KV cache at the mean step of a repetition; 0 where a source states no depth."""
    return 0.0 if depth_tokens is None else depth_tokens + ((steps or 1) - 1) / 2


def mbu_percent(bytes_per_token: Number, tpot_ns: Number, gb_per_s: Number) -> Number:
    """Model bandwidth utilisation against a bandwidth in GB/s (1e9 bytes); NaN against NaN."""
    return 100 * bytes_per_token / tpot_ns / gb_per_s


def roofline_tok_per_s(bytes_per_token: Number, gb_per_s: Number) -> Number:
    """What a step that did nothing but read its bytes would reach; NaN where the bandwidth is NaN."""
    return gb_per_s * 1e9 / bytes_per_token


def kernel_bytes(kernel: Kernel, shape: dict[str, int], dtype: Dtype) -> int:
    """Bytes that one call must move: each tensor read or written once."""
    return sum(_tensor_bytes(tensor, shape, dtype) for tensor in kernel.reads + kernel.writes)


def _tensor_bytes(tensor: Tensor, shape: dict[str, int], dtype: Dtype) -> int:
    return BYTES_PER_ELEMENT[tensor.dtype or dtype] * math.prod(shape[axis] for axis in tensor.axes)


def kernel_flops(kernel: Kernel, shape: dict[str, int]) -> float:
    """Floating-point operations of one call."""
    return sum(term.times * math.prod(shape[axis] for axis in term.axes) for term in kernel.flops)
