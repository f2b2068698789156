"""What a measured run tells besides its figures: the machine, the check, and each repetition.

It follows from the run's file alone and is kept with its rows; pages of devices show it.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.metrics import busy, joules_per_token, repetition_ns
from schemas.records import DecodeBlock, Environment, Repetition, Result, Weights

MOST_REPETITIONS = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """One repetition: its median step, the bandwidth probed around it, and what other processes used."""

    tpot_ns: float
    read_gb_per_s_before: float | None
    read_gb_per_s_after: float | None
    other_cores_busy: float | None
    busy: bool


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a measured decode block was run and checked; ``turns`` are its first repetitions."""

    weights: Weights
    warmup_repetitions: int
    per_step: bool
    joules_per_token: float | None
    turns: tuple[Turn, ...]


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
    )


def _turn(one: Repetition, steps: int) -> Turn:
    around = (one.read_gb_per_s_before, one.read_gb_per_s_after)
    return Turn(repetition_ns(one, steps), *around, one.other_cores_busy, busy(one))
