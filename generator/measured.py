"""What a measured run tells besides its figures: the machine, the check, and each repetition.

It follows from the run's file alone and is kept with its rows; pages of devices show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.metrics import busy, joules_per_token, quantiles, repetition_ns, step_times_ns
from schemas.records import DecodeBlock, DecodeSamples, Environment, Repetition, Result, Weights

MOST_REPETITIONS = 60
MOST_TRACED = 400
QUANTILES_PERCENT = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


@dataclass(frozen=True, slots=True)
class Turn:
    """One repetition: its median step, the bandwidth probed around it, and what other processes used."""

    tpot_ns: float
    read_gb_per_s_before: float | None
    read_gb_per_s_after: float | None
    other_cores_busy: float | None
    busy: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """Times of steps in their order, one of ``every``; as float32, since a build keeps those of all rows."""

    packed: bytes
    every: int

    @property
    def times_ns(self) -> NDArray[np.float32]:
        """At most :data:`MOST_TRACED` times in nanoseconds."""
        return np.frombuffer(self.packed, np.float32)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a measured decode block was run and checked; ``turns`` are its first repetitions.

    ``quantiles_ns`` are the times of its steps at :data:`QUANTILES_PERCENT`, or of its repetitions' mean steps where
    steps were not timed singly: of fixed size, as a build keeps those of all rows.
    """

    weights: Weights
    warmup_repetitions: int
    per_step: bool
    joules_per_token: float | None
    turns: tuple[Turn, ...]
    quantiles_ns: tuple[float, ...]
    trace: Trace


@dataclass(frozen=True, slots=True)
class Measured:
    """The machine of a measured run, and its decode block if it has one."""

    environment: Environment
    decoding: Decoding | None


def measured(result: Result) -> Measured | None:
    """What pages show of a measured run; None for a reported one."""
    if result.environment is None:
        return None
    return Measured(result.environment, _decoding(result.decode) if result.decode else None)


def _decoding(block: DecodeBlock) -> Decoding | None:
    samples = block.samples
    if samples is None:
        return None
    turns = [_turn(one, samples.steps_per_repetition) for one in samples.repetitions[:MOST_REPETITIONS]]
    return Decoding(
        weights=block.weights,
        warmup_repetitions=samples.warmup_repetitions,
        per_step=samples.timing == "per_step",
        joules_per_token=joules_per_token(samples),
        turns=tuple(turns),
        quantiles_ns=_quantiles_ns(samples),
        trace=_trace(samples),
    )


def _quantiles_ns(samples: DecodeSamples) -> tuple[float, ...]:
    return tuple(quantiles(step_times_ns(samples), QUANTILES_PERCENT))


def _trace(samples: DecodeSamples) -> Trace:
    steps = samples.steps_per_repetition
    times = [one.step_ns or (repetition_ns(one, steps),) for one in samples.repetitions]
    every_ns = np.concatenate([np.asarray(one, np.float32) for one in times])
    every = -(-len(every_ns) // MOST_TRACED)
    return Trace(every_ns[::every].tobytes(), every)


def _turn(one: Repetition, steps: int) -> Turn:
    around = (one.read_gb_per_s_before, one.read_gb_per_s_after)
    return Turn(repetition_ns(one, steps), *around, one.other_cores_busy, busy(one))
