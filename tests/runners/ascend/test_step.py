"""A step on an Ascend NPU: right in both languages, as a graph and launch by launch, and all of it given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runners import ascend
from runners.ascend import AscendDevice
from runners.check import check_kernels, relative_l2_error
from runners.device import Contents, RunnerError
from runners.kernels.source import KERNELS
from runners.stacks.ascend import acl
from runners.step import Step
from runners.weights import START_TOKEN
from schemas.names import slug
from schemas.records import Package
from tests.runners.ascend.devices import MATVECS, expected, loaded, opened
from tests.runners.fakes.ascend import Machine
from tests.runners.runs import ROWS


def test_a_step_in_both_languages_gives_the_reference_s_tokens(
    machine: Machine, step: Step, contents: Contents
) -> None:
    device, kernels = opened(step, pto=MATVECS)
    device.load(step, kernels, contents)
    tokens, logits = expected(step, contents, 4)
    assert len(set(tokens)) == 4
    assert device.run(4).tokens == tokens
    assert relative_l2_error(logits, device.read("logits")) < 1e-2
    assert int(device.read("position")) == 9
    assert int(device.read("token")) == tokens[-1]
    languages = [device.language_of(kernels[name]) for name in ("lm_head_matvec", "rms_norm")]
    assert languages == ["PTO-MLIR", "AscendC C++"]
    device.close()
    assert machine.left == 0


@pytest.mark.parametrize("graph", [0, 1])
def test_launches_run_in_the_step_s_order_and_a_graph_is_launched_once(
    machine: Machine, step: Step, contents: Contents, graph: int
) -> None:
    device = loaded(step, contents, graph=graph)
    assert machine.ran == []
    if graph:
        machine.fail("launch", 507899)
    tokens = device.run(2).tokens
    assert tokens == expected(step, contents, 2)[0]
    assert machine.ran == [launch.kernel for launch in step.launches] * 2
    device.close()


def test_each_step_is_timed_from_its_launches_to_its_token(
    machine: Machine, step: Step, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, seen = loaded(step, contents), []

    def clock() -> int:
        seen.append(len(machine.ran))
        return len(seen)

    monkeypatch.setattr("runners.stacks.ascend.step.time.perf_counter_ns", clock)
    assert device.run(2).step_ns == [1, 1]
    count = len(step.launches)
    assert seen == [0, count, count, 2 * count]
    device.close()


def test_a_run_resumes_from_what_is_written(machine: Machine, step: Step, contents: Contents) -> None:
    del machine
    device = loaded(step, contents)
    first = device.run(2).tokens
    for name, number in (("token", START_TOKEN), ("position", 5)):
        device.write(name, np.array(number, np.int32))
    assert device.run(1).tokens + device.run(1).tokens == first
    device.close()


def test_caches_are_written_and_read_in_their_shape(machine: Machine, step: Step, contents: Contents) -> None:
    del machine
    device = loaded(step, contents)
    before = device.read("2.keys")
    assert before.shape == step.buffers["2.keys"].shape
    device.run(2)
    after = device.read("2.keys")
    assert np.array_equal(before[:, :5], after[:, :5])
    assert after[:, 5:7].astype(bool).all()
    assert not after[:, 7:].any()
    device.write("2.keys", before)
    assert np.array_equal(device.read("2.keys"), before)
    device.close()


def test_a_trace_times_each_launch_by_the_device_s_clock_and_moves_on(
    machine: Machine, step: Step, contents: Contents
) -> None:
    device = loaded(step, contents)
    machine.slow = {"lm_head_matvec": 0.02}
    latencies_ns = device.trace(2)
    assert [len(one) for one in latencies_ns] == [2] * len(step.launches)
    slow = [min(one) >= 20_000_000 for one in latencies_ns]
    assert slow == [launch.kernel == "lm_head_matvec" for launch in step.launches]
    assert int(device.read("position")) == 7
    assert device.run(1).tokens == expected(step, contents, 3)[0][2:]
    device.close()
    assert machine.left == 0


def test_a_microbenchmark_has_neither_token_nor_graph(machine: Machine) -> None:
    device = AscendDevice()
    device.open()
    kernel = device.emit(KERNELS["silu"], ROWS, "bf16")
    device.compile([kernel])
    alone = Step("bf16", 1, {"silu": ROWS})
    alone.launch("silu", "x", "y")
    device.load(alone, {"silu": kernel}, lambda *_: pytest.fail("an activation has no contents"))
    assert len(device.trace(3)[0]) == 3
    assert machine.ran == ["silu"] * 3
    device.close()
    assert machine.left == 0


def test_loading_again_frees_what_was_loaded(machine: Machine, step: Step, contents: Contents) -> None:
    device, kernels = opened(step)
    device.load(step, kernels, contents)
    once = machine.left
    device.run(1)
    device.load(step, kernels, contents)
    assert machine.left == once
    device.close()


def test_a_device_that_hangs_is_told_after_a_time(machine: Machine, step: Step, contents: Contents) -> None:
    device = loaded(step, contents)
    machine.fail("aclrtSynchronizeStreamWithTimeout", 507046)
    with pytest.raises(
        RunnerError, match=r"did not finish in time \(got 507046: '.*'\); see whether the device"
    ):
        device.run(1)
    device.close()


# --- one kernel -----------------------------------------------------------------------------------


def test_a_call_writes_its_outputs_in_place_and_frees_all(machine: Machine, step: Step) -> None:
    device, kernels = opened(step)
    sizes, rng = step.sizes["o_proj_matvec"], np.random.default_rng(0)
    arrays = {
        array.name: rng.standard_normal(sizes.shape(array.axes, 1)).astype(np.float32)
        for array in KERNELS["o_proj_matvec"].arrays
    }
    bf16 = kernels["o_proj_matvec"].layout("weight"), step.storage
    assert bf16[1] == "bf16"
    arrays["weight"] = arrays["weight"].astype("bfloat16")
    wanted = arrays["weight"].astype(np.float32) @ arrays["x"]
    device.call(kernels["o_proj_matvec"], arrays, 9)
    assert relative_l2_error(wanted, arrays["y"]) < 1e-5
    assert machine.left == 0


def test_an_error_of_before_is_not_told_of_a_launch(machine: Machine, step: Step) -> None:
    machine.fail("aclmdlRICaptureBegin", 207000)
    device, kernels = opened(step)
    assert device.graph == 0
    (check,) = check_kernels(device, {"rms_norm": kernels["rms_norm"]}, 5, 9, 1)
    assert check.passed, check.error


# --- what the machine is --------------------------------------------------------------------------


def test_a_device_says_what_it_is(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del machine
    (tmp_path / "version.info").write_text("Version=25.2.0\nascendhal_version=7.35\n", "utf-8")
    monkeypatch.setattr(ascend, "DRIVER", tmp_path / "version.info")
    found = AscendDevice().open()
    assert (found.name, slug(found.name), found.driver) == ("Ascend910B2", "ascend910b2", "25.2.0")
    assert found.toolchain == (
        Package("CANN", "8.5.0"),
        Package("bisheng", "clang version 15.0.5 (fake)"),
        Package("ptoas", "0.27"),
        Package("launches", "a captured graph"),
    )


def test_without_graphs_launches_go_one_by_one(
    machine: Machine, step: Step, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older CANN lacks the functions; or has them, and this device cannot."""
    one_by_one = Package("launches", "one by one")
    machine.fail("aclmdlRICaptureBegin", 207000)
    assert AscendDevice().open().toolchain[-1] == one_by_one
    assert AscendDevice(graph=0).open().toolchain[-1] == one_by_one
    monkeypatch.setitem(acl.CAPTURE, "aclmdlRIUnheardOf", ())
    device = loaded(step, contents)
    assert device.graph == 0
    assert device.run(2).tokens == expected(step, contents, 2)[0]
    device.close()


@pytest.mark.parametrize(("function", "after"), [("aclmdlRICaptureEnd", 1), ("launch", 5)])
def test_a_step_that_cannot_be_captured_is_told(
    machine: Machine, step: Step, contents: Contents, function: str, after: int
) -> None:
    machine.fail(function, 507903, after)
    refusal = rf"^--graph: the step cannot be captured \(got '.*507903: .*{function}.*'\); .*: --graph 0$"
    with pytest.raises(RunnerError, match=refusal):
        loaded(step, contents)


@pytest.mark.parametrize("name", ["Ascend910_9391", "Ascend910B4"])
def test_chips_of_the_same_architecture_are_taken(
    machine: Machine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    monkeypatch.setenv("FAKE_SOC", name)
    assert AscendDevice().open().name == name


@pytest.mark.parametrize("name", ["Ascend910A", "Ascend310P3", "Ascend950PR_9599", "Ascend910_9599"])
def test_chips_of_another_architecture_are_refused(
    machine: Machine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    monkeypatch.setenv("FAKE_SOC", name)
    with pytest.raises(RunnerError, match=rf"for the 910B and 910C \(got {name}\)"):
        AscendDevice().open()


def test_importing_the_runner_loads_nothing_of_the_vendor_s() -> None:
    code = "import runners.ascend, sys; print(sorted(m for m in sys.modules if 'torch' in m or m == 'acl'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
