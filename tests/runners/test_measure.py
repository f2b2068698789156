"""The protocol's loop: warm-up, turns, stop conditions, probes, and other processes' work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import psutil
import pytest

from runners import measure as module
from runners.device import Ran, RunnerError
from runners.measure import DeviceContender, Measured, OthersBusy, Plan, measure, samples
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import START_TOKEN, Synthetic, first_contents
from schemas.records import Repetition
from tests.runners.tiny import tiny_model, untexted


class Clock:
    """Time that moves when a contender works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))


class Fake:
    """A contender that takes so many seconds a repetition, and keeps a log of its turns."""

    def __init__(self, name: str, clock: Clock, log: list[str], seconds: float = 1.0) -> None:
        self.name, self.clock, self.log, self.seconds = name, clock, log, seconds

    def repetition(self, steps: int) -> Ran:
        self.clock.now += self.seconds
        self.log.append(self.name)
        return Ran([int(self.seconds * 1e9 / steps)] * steps, list(range(steps)))


class Gauge:
    """Reads bandwidths and energies one after the other; without them nothing is told."""

    def __init__(self, bandwidths: Iterable[float] = (), energies: Iterable[float] = ()) -> None:
        self.bandwidths, self.energies = iter(bandwidths), iter(energies)

    def read_bandwidth(self) -> float | None:
        return next(self.bandwidths, None)

    def energy_j(self) -> float | None:
        return next(self.energies, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def plan(**changed: Any) -> Plan:
    fields: dict[str, Any] = {"least_repetitions": 1, "least_seconds": 0.0, "most_seconds": 1e9}
    return Plan(steps=4, **{"warmup_repetitions": 0, **fields, **changed})


def measured(contenders: Sequence[Fake], wanted: Plan) -> list[Measured]:
    return [one for one in measure(contenders, wanted, Gauge()) if isinstance(one, Measured)]


def test_contenders_take_turns_a_b_b_a(clock: Clock) -> None:
    log: list[str] = []
    found = measured([Fake("A", clock, log), Fake("B", clock, log)], plan(least_repetitions=4))
    assert "".join(log) == "ABBAABBA"
    assert [one.contender for one in found] == log


def test_each_contender_warms_up_first_and_no_warm_up_is_kept(clock: Clock) -> None:
    log: list[str] = []
    found = measured([Fake("A", clock, log), Fake("B", clock, log)], plan(warmup_repetitions=2))
    assert "".join(log) == "AABB" + "AB"
    assert len(found) == 2


@pytest.mark.parametrize(
    ("wanted", "repetitions"),
    [
        ({"least_repetitions": 5}, 5),
        ({"least_repetitions": 5, "least_seconds": 21.0}, 11),
        ({"least_repetitions": 5, "least_seconds": 20.0}, 10),
        ({"least_repetitions": 5, "most_seconds": 7.0}, 3),
        ({"least_repetitions": 5, "most_seconds": 10.0}, 5),
        ({"least_seconds": 100.0, "most_seconds": 7.9}, 3),
        ({"most_seconds": 0.5}, 1),
    ],
)
def test_it_stops_when_there_is_enough_or_the_time_is_up(
    clock: Clock, wanted: dict[str, Any], repetitions: int
) -> None:
    assert len(measured([Fake("A", clock, [], seconds=2.0)], plan(**wanted))) == repetitions


def test_the_fastest_contender_too_is_measured_for_the_least_seconds(clock: Clock) -> None:
    contenders = [Fake("fast", clock, [], 1.0), Fake("slow", clock, [], 10.0)]
    found = measured(contenders, plan(least_seconds=30.0))
    assert len(found) == 60


def test_the_probes_before_and_after_a_repetition_are_kept(clock: Clock) -> None:
    probes = [10.0, 11.0, 12.0, 13.0]
    events = measure([Fake("A", clock, [])], plan(least_repetitions=2), Gauge(probes))
    found = [one.repetition for one in events if isinstance(one, Measured)]
    assert [(one.read_gb_per_s_before, one.read_gb_per_s_after) for one in found] == [
        (10.0, 11.0),
        (12.0, 13.0),
    ]


def test_the_energy_of_a_repetition_is_what_was_used_between_its_start_and_its_end(clock: Clock) -> None:
    gauge = Gauge(energies=[100.0, 103.5, 200.0, 200.0])
    events = measure([Fake("A", clock, [])], plan(least_repetitions=2), gauge)
    assert [one.repetition.energy_j for one in events if isinstance(one, Measured)] == [3.5, 0.0]


def test_what_comes_next_is_told(clock: Clock) -> None:
    events = measure([Fake("A", clock, [])], plan(warmup_repetitions=1), Gauge())
    assert [one for one in events if isinstance(one, str)] == ["A: warm-up 1 of 1", "A: repetition 1"]


def test_samples_keep_every_step() -> None:
    repetition = Repetition((1, 2), None, None, None, 0.0)
    found = samples(Plan(steps=2, warmup_repetitions=1), [repetition], 1.5)
    assert (found.timing, found.steps_per_repetition, found.warmup_repetitions) == ("per_step", 2, 1)
    assert (found.compile_s, found.repetitions) == (1.5, (repetition,))


# --- our device -----------------------------------------------------------------------------------


@pytest.fixture
def device() -> NullDevice:
    step = decode_step(tiny_model(), "bf16", 9)
    device = NullDevice()
    device.load(step, untexted(step), first_contents(tiny_model(), step, Synthetic(1, "bf16"), 5, 2))
    return device


def contender(device: NullDevice) -> DeviceContender:
    return DeviceContender("null", device, np.array(START_TOKEN, np.int32), np.array(5, np.int32))


def test_each_repetition_starts_from_the_same_token_at_the_same_depth(device: NullDevice) -> None:
    ours = contender(device)
    first = ours.repetition(3)
    assert int(device.read("position")) == 8
    assert ours.repetition(3).tokens == first.tokens
    assert int(device.read("position")) == 8


def test_a_repetition_with_other_tokens_is_refused(device: NullDevice) -> None:
    ours = contender(device)
    ours.repetition(3)
    device.write("0.keys", -device.read("0.keys"))
    device.write("lm_head", -device.read("lm_head"))
    with pytest.raises(RunnerError, match="gave other tokens than the first one"):
        ours.repetition(3)


# --- other processes ------------------------------------------------------------------------------


class Machine:
    """Processor times that a test sets: of the machine, of ourselves, of a child."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.user, self.guest, self.idle, self.steal = 0.0, 100.0, 0.0, 1000.0, 0.0
        self.own, self.reaped, self.child = 10.0, 0.0, 5.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(psutil, "cpu_times", self.times)
        monkeypatch.setattr(psutil, "Process", lambda: self)

    def times(self) -> Any:
        return Times(self.user + self.guest, self.idle, 0.0, self.steal, self.guest, 0.0)

    def children(self, recursive: bool) -> list[Any]:
        assert recursive
        return [SimpleNamespace(cpu_times=lambda: SimpleNamespace(user=self.child, system=0.0)), _Gone()]

    def cpu_times(self) -> Any:
        return SimpleNamespace(user=self.own, system=0.0, children_user=self.reaped, children_system=0.0)


class _Gone:
    def cpu_times(self) -> Any:
        raise psutil.NoSuchProcess(1)


class Times(NamedTuple):
    """As psutil has them on Linux: guests' time is a part of the user's."""

    user: float
    idle: float
    iowait: float
    steal: float
    guest: float
    guest_nice: float


@pytest.mark.parametrize(
    ("work", "cores"),
    [
        ({"user": 4.0}, 2.0),
        ({"steal": 1.0}, 0.5),
        ({"idle": 4.0}, 0.0),
        ({"guest": 1.0}, 0.5),
        ({"user": 4.0, "own": 4.0}, 0.0),
        ({"user": 4.0, "child": 3.0}, 0.5),
        ({"user": 4.0, "child": -5.0, "reaped": 9.0}, 0.0),
        ({"user": 1.0, "own": 3.0}, 0.0),
    ],
)
def test_others_are_all_busy_time_but_ours_and_our_childrens(
    monkeypatch: pytest.MonkeyPatch, work: dict[str, float], cores: float
) -> None:
    machine = Machine(monkeypatch)
    watch = OthersBusy()
    machine.now = 2.0
    for name, seconds in work.items():
        setattr(machine, name, getattr(machine, name) + seconds)
    assert watch.cores() == pytest.approx(cores)


def test_a_process_that_is_not_ours_is_seen() -> None:
    busy = "import time; end = time.monotonic() + 5\nwhile time.monotonic() < end: pass"
    orphaned = ["sh", "-c", '"$0" -c "$1" >/dev/null 2>&1 & echo $!', sys.executable, busy]
    child = int(subprocess.run(orphaned, capture_output=True, text=True, check=True).stdout)
    try:
        watch = OthersBusy()
        time.sleep(0.5)
        assert watch.cores() > 0.2
    finally:
        os.kill(child, signal.SIGKILL)
