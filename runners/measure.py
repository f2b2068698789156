"""Warm up, time, keep samples: the protocol's loop, the same for every contender.

Contenders are interleaved, A B then B A, so that a host whose speed drifts drifts for all of them. Each
repetition is bracketed by a probe of the memory's read bandwidth and watched for other processes' work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import psutil

from runners.device import Device, Numbers, Ran, RunnerError
from schemas.records import DecodeSamples, Repetition

STEPS = 64
WARMUP_REPETITIONS = 2
LEAST_REPETITIONS = 5
LEAST_SECONDS = 30.0
MOST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: at least so many repetitions and so many measured seconds, at most ``most_seconds``."""

    steps: int = STEPS
    warmup_repetitions: int = WARMUP_REPETITIONS
    least_repetitions: int = LEAST_REPETITIONS
    least_seconds: float = LEAST_SECONDS
    most_seconds: float = MOST_SECONDS


class Contender(Protocol):
    """What decodes: our device, or a baseline."""

    @property
    def name(self) -> str:
        """What people call it."""

    def repetition(self, steps: int) -> Ran:
        """``steps`` decode steps from the run's depth on."""


@dataclass(slots=True)
class DeviceContender:
    """Our device: each repetition starts from the same token at the same depth, so its tokens are the same."""

    name: str
    device: Device
    token: Numbers
    position: Numbers
    expected: list[int] | None = None

    def repetition(self, steps: int) -> Ran:
        self.device.write("token", self.token)
        self.device.write("position", self.position)
        ran = self.device.run(steps)
        if self.expected is not None and ran.tokens != self.expected[: len(ran.tokens)]:
            raise RunnerError(
                f"{self.name}: a repetition gave other tokens than the first one; the device or its driver "
                "computes differently from run to run, so nothing was filed"
            )
        self.expected = ran.tokens
        return ran


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished repetition of one contender."""

    contender: str
    repetition: Repetition
    ran: Ran


class Gauge(Protocol):
    """What is read around each repetition, whoever's it is: the memory's bandwidth, the energy used so far."""

    def read_bandwidth(self) -> float | None: ...
    def energy_j(self) -> float | None: ...


def measure(contenders: Sequence[Contender], plan: Plan, gauge: Gauge) -> Iterator[Measured | str]:
    """Each repetition as it finishes. A string is what is being done next, for whoever watches.

    Stops once every contender has the least repetitions and seconds, or the time is up; one repetition of
    each is measured in any case.
    """
    for contender in contenders:
        for turn in range(plan.warmup_repetitions):
            yield f"{contender.name}: warm-up {turn + 1} of {plan.warmup_repetitions}"
            contender.repetition(plan.steps)
    start, turn, measured_ns = time.monotonic(), 0, dict.fromkeys((one.name for one in contenders), 0)
    while turn == 0 or not _finished(plan, turn, min(measured_ns.values()), time.monotonic() - start):
        for contender in contenders if turn % 2 == 0 else reversed(contenders):
            yield f"{contender.name}: repetition {turn + 1}"
            found = _one(contender, plan.steps, gauge)
            measured_ns[contender.name] += sum(found.ran.step_ns)
            yield found
        turn += 1


def _finished(plan: Plan, turns: int, measured_ns: int, elapsed_s: float) -> bool:
    enough = turns >= plan.least_repetitions and measured_ns >= plan.least_seconds * 1e9
    return enough or elapsed_s + elapsed_s / turns > plan.most_seconds


def _one(contender: Contender, steps: int, gauge: Gauge) -> Measured:
    before = gauge.read_bandwidth()
    start_j = gauge.energy_j()
    watch = OthersBusy()
    ran = contender.repetition(steps)
    busy = watch.cores()
    end_j = gauge.energy_j()
    after = gauge.read_bandwidth()
    used_j = None if start_j is None or end_j is None else max(0.0, round(end_j - start_j, 3))
    return Measured(contender.name, Repetition(tuple(ran.step_ns), None, before, after, busy, used_j), ran)


class OthersBusy:
    """How many cores other processes kept busy since this was made: all busy time less our own and our children's."""

    def __init__(self) -> None:
        self.start = time.monotonic(), *_busy_seconds()

    def cores(self) -> float:
        """Cores, as a mean over the time; never below 0."""
        then, all_then, own_then = self.start
        everything, own = _busy_seconds()
        elapsed = max(time.monotonic() - then, 1e-9)
        return round(max(0.0, (everything - all_then) - (own - own_then)) / elapsed, 4)


def _busy_seconds() -> tuple[float, float]:
    """Seconds of processor time so far: (the machine's, our own processes'). Time stolen by a host is others'."""
    times = psutil.cpu_times()
    counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    everything = sum(times) - times.idle - getattr(times, "iowait", 0.0) - counted_twice
    me = psutil.Process()
    own = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            used = process.cpu_times()
        except psutil.Error:
            continue
        own += used.user + used.system
        own += getattr(used, "children_user", 0.0) + getattr(used, "children_system", 0.0)
    return everything, own


def samples(plan: Plan, repetitions: Sequence[Repetition], compile_s: float | None) -> DecodeSamples:
    """The repetitions as a result file keeps them."""
    return DecodeSamples("per_step", plan.steps, plan.warmup_repetitions, compile_s, tuple(repetitions))
