"""The CPU device: the whole step from emitted C agrees with the null device, however many threads run it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from runners.cpu import CpuDevice, usable_cores
from runners.device import Identity, RunnerError
from runners.kernels.emit.layout import Layout
from runners.kernels.sizes import Storage
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import Synthetic
from tests.runners import steps
from tests.runners.steps import DEPTH, STEPS, assert_same, decoded
from tests.runners.tiny import tiny_model

MODEL = tiny_model(hidden_size=130, intermediate_size=200)
loaded = partial(steps.loaded, model=MODEL)


@pytest.fixture(scope="module")
def expected() -> dict[Storage, tuple[list[int], Any]]:
    return {storage: decoded(loaded(NullDevice(), storage)) for storage in CpuDevice.storages}


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("storage", CpuDevice.storages)
def test_logits_and_tokens_are_those_of_the_null_device(
    storage: Storage, threads: int, expected: dict[Storage, tuple[list[int], Any]]
) -> None:
    assert_same(decoded(loaded(CpuDevice(threads), storage)), expected[storage], storage)


def test_logits_do_not_depend_on_the_number_of_threads() -> None:
    assert len({decoded(loaded(CpuDevice(threads)))[1].tobytes() for threads in (1, 2, 5)}) == 1


def test_steps_run_together_are_steps_run_singly() -> None:
    device = loaded(CpuDevice(2))
    together = device.run(STEPS)
    assert together.tokens == decoded(loaded(CpuDevice(2)))[0]
    assert len(together.step_ns) == STEPS
    assert min(together.step_ns) > 0
    assert int(device.read("position")) == DEPTH + STEPS


def test_a_trace_has_a_time_for_each_launch_of_each_step_and_decodes_the_same() -> None:
    traced, plain = loaded(CpuDevice(3)), loaded(CpuDevice(3))
    times = traced.trace(2)
    plain.run(2)
    assert [len(column) for column in times] == [2] * len(decode_step(MODEL, "bf16", 1).launches)
    assert min(min(column) for column in times) > 0
    assert np.array_equal(traced.read("logits"), plain.read("logits"))


def test_a_weight_lies_in_the_panels_that_its_emitter_asks_for() -> None:
    device = loaded(CpuDevice(2))
    assert isinstance(device, CpuDevice)
    step = decode_step(MODEL, "bf16", 1)
    for name in ("0.q_proj", "lm_head", "1.down_proj"):
        buffer = step.buffers[name]
        rows = Synthetic(3, "bf16").rows(buffer.tensor, buffer.shape, 0, buffer.shape[0])
        packed = Layout("panels", 64).pack(rows)
        assert np.array_equal(device.arrays[name].view(np.uint16), packed.view(np.uint16))


@pytest.mark.parametrize("shape", [(64, 32), (65, 33), (1, 1), (200, 67)])
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_packing_natively_is_packing_by_numpy(shape: tuple[int, int], dtype: Any) -> None:
    device = loaded(CpuDevice(3))
    assert isinstance(device, CpuDevice)
    rows = np.random.default_rng(0).standard_normal(shape, np.float32).astype(dtype)
    layout = Layout("panels", 64)
    packed = np.zeros(layout.shape(shape), rows.dtype)
    device.team.pack(rows, packed, 64, first=0)
    assert packed.tobytes() == layout.pack(rows).tobytes()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list its memory")
def test_the_arena_is_private_memory_which_alone_is_given_huge_pages() -> None:
    device = loaded(CpuDevice(1))
    assert isinstance(device, CpuDevice)
    address = device.arrays["lm_head"].ctypes.data
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        bounds, access = line.split()[:2]
        first, last = (int(bound, 16) for bound in bounds.split("-"))
        if first <= address < last:
            assert access == "rw-p"
            return
    raise AssertionError("the arena is nowhere in this process")


def test_the_probe_reads_a_believable_bandwidth() -> None:
    rate = loaded(CpuDevice(1)).read_bandwidth()
    assert rate is not None
    assert 0.1 < rate < 10_000


def test_the_device_says_what_it_is() -> None:
    identity = CpuDevice().open()
    assert isinstance(identity, Identity)
    assert identity.name
    assert [package.name for package in identity.toolchain][1:] == ["threads"]
    assert identity.toolchain[1].version == str(usable_cores())


def test_a_step_that_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 1000

    monkeypatch.setattr("runners.cpu.psutil.virtual_memory", lambda: Memory)
    with pytest.raises(RunnerError, match=r"memory: too little is free \(got 0.0 GB"):
        loaded(CpuDevice(1))


def test_threads_that_cannot_be_started_are_told() -> None:
    with pytest.raises(RunnerError, match="threads: 2000 could not be started"):
        loaded(CpuDevice(2000)).run(1)
