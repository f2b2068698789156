"""The null device runs a whole step as the sum of its launches, and keeps what a step leaves."""

from __future__ import annotations

import numpy as np
import pytest

from runners.device import Contents
from runners.kernels.emit import Emitted
from runners.kernels.source import KERNELS
from runners.null import NullDevice
from runners.step import Step, decode_step
from runners.weights import START_TOKEN, Synthetic, first_contents
from tests.runners.tiny import tiny_model, untexted


@pytest.fixture
def step() -> Step:
    return decode_step(tiny_model(), "bf16", 9)


@pytest.fixture
def contents(step: Step) -> Contents:
    return first_contents(tiny_model(), step, Synthetic(1, "bf16"), 5, 2)


@pytest.fixture
def device(step: Step, contents: Contents) -> NullDevice:
    device = NullDevice()
    device.open()
    assert device.compile(list(untexted(step).values())) == 0
    device.load(step, untexted(step), contents)
    return device


def test_a_run_moves_position_and_token_on(device: NullDevice) -> None:
    ran = device.run(3)
    assert len(ran.step_ns) == len(ran.tokens) == 3
    assert all(step_ns > 0 for step_ns in ran.step_ns)
    assert int(device.read("position")) == 8
    assert int(device.read("token")) == ran.tokens[-1] == int(np.argmax(device.read("logits")))


def test_a_run_is_the_same_however_it_is_cut(device: NullDevice, step: Step, contents: Contents) -> None:
    at_once = device.run(4).tokens
    device.load(step, untexted(step), contents)
    assert device.run(1).tokens + device.run(3).tokens == at_once


def test_a_run_resumes_from_what_is_written(device: NullDevice) -> None:
    first = device.run(2).tokens
    for name, number in (("token", START_TOKEN), ("position", 5)):
        device.write(name, np.array(number, np.int32))
    assert device.run(2).tokens == first


def test_each_step_fills_the_caches_at_its_position(device: NullDevice) -> None:
    before = device.read("2.keys")
    device.run(2)
    after = device.read("2.keys")
    assert np.array_equal(before[:, :5], after[:, :5])
    assert after[:, 5:7].astype(bool).all()
    assert not after[:, 7:].any()


def test_a_trace_has_a_latency_for_each_launch_and_step(device: NullDevice, step: Step) -> None:
    latencies_ns = device.trace(2)
    assert [len(one) for one in latencies_ns] == [2] * len(step.launches)
    assert min(map(min, latencies_ns)) > 0
    assert int(device.read("position")) == 7


def test_what_is_read_is_a_copy(device: NullDevice) -> None:
    device.read("0.keys")[...] = 0
    assert device.read("0.keys").any()


def test_a_call_evaluates_one_kernel_in_place(device: NullDevice, step: Step) -> None:
    sizes = step.sizes["o_proj_matvec"]
    rng = np.random.default_rng(0)
    arrays = {"weight": rng.standard_normal((54, 60)), "x": rng.standard_normal(60), "y": np.empty(54)}
    device.call(Emitted(KERNELS["o_proj_matvec"], "reference", sizes, "bf16", "", {}), arrays, 1)
    assert arrays["y"] == pytest.approx(arrays["weight"] @ arrays["x"])
