"""The CUDA runner through cuda.core itself, on a driver that tells what it is asked for: no GPU is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from runners.step import decode_step
from tests.runners.tiny import tiny_model

pytest.importorskip("cuda.core", reason="cuda-core has no wheel for this platform")
if not sys.platform.startswith("linux"):
    pytest.skip("the driver is a library of Linux's", allow_module_level=True)

REPOSITORY = Path(__file__).parents[2]
DRIVER = Path(__file__).parent / "fakes" / "cuda_driver.c"
LAUNCHES = len(decode_step(tiny_model(), "bf16", 1).launches)
STEPS = 2
DECODE = f"""
from runners.cuda import CudaDevice
from runners.device import RunnerError
from runners.step import decode_step
from runners.weights import Synthetic, first_contents
from tests.runners.tiny import emitted, tiny_model

device, model = CudaDevice(1), tiny_model()
try:
    identity = device.open()
    step = decode_step(model, "bf16", 11)
    kernels = emitted(step, "cuda")
    device.compile(list(kernels.values()))
    device.load(step, kernels, first_contents(model, step, Synthetic(3, "bf16"), 5, seed=3))
    print("--- run", flush=True)
    device.run({STEPS})
    print("--- trace", flush=True)
    device.trace({STEPS})
    print("--- close", flush=True)
    device.read_bandwidth()
except RunnerError as error:
    print("error:", error, flush=True)
device.close()
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the driver's library."""
    folder = tmp_path_factory.mktemp("driver")
    library = folder / "libcuda.so.1"
    compiler = shutil.which("cc") or pytest.skip("no C compiler found: install gcc")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, DRIVER], check=True)
    return folder


def decoded(driver: Path, fails: str = "") -> list[list[str]]:
    """Each call of the driver in words, and what the runner says: loading, running and tracing a step, and closing."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(driver), "FAILS": fails}
    command = [sys.executable, "-W", "error", "-c", DECODE]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def calls(driver: Path) -> list[list[str]]:
    return decoded(driver)


def during(part: str, calls: list[list[str]]) -> list[list[str]]:
    """What was called in this part of the run."""
    first = calls.index(["---", part]) + 1
    return calls[first : next((i for i in range(first, len(calls)) if calls[i][0] == "---"), None)]


def named(name: str, calls: list[list[str]]) -> list[list[str]]:
    return [values for found, *values in calls if found == name]


def test_the_gpu_is_the_chosen_one(calls: list[list[str]]) -> None:
    assert named("cuDevicePrimaryCtxRetain", calls) == [["1"]]


def test_a_step_is_recorded_in_order_and_then_with_all_launches_but_the_first_early(
    calls: list[list[str]],
) -> None:
    (in_order,), (overlapping,) = named("cuStreamBeginCapture", calls)
    launches = named("cuLaunchKernelEx", calls)
    early = {stream: [one[3] for one in launches if one[0] == stream] for stream in (in_order, overlapping)}
    assert early == {in_order: ["0"] * (LAUNCHES + 1), overlapping: ["0", *["1"] * LAUNCHES]}


def test_a_step_is_one_launch_and_one_wait(calls: list[list[str]]) -> None:
    ran = during("run", calls)
    ((_, stream),) = {tuple(values) for values in named("cuGraphLaunch", ran)}
    graph = ran[0][1]
    assert ran == [["cuGraphLaunch", graph, stream], ["cuStreamSynchronize", stream]] * STEPS


def test_each_launch_is_timed_between_two_events_one_after_the_other(calls: list[list[str]]) -> None:
    traced = during("trace", calls)
    nodes = [(name, *values) for name, *values in traced if name.startswith("cuGraphAdd")]
    kinds = ["cuGraphAddEventRecordNode", *["cuGraphAddKernelNode", "cuGraphAddEventRecordNode"] * LAUNCHES]
    assert [node[0] for node in nodes] == [*kinds, "cuGraphAddKernelNode"]
    assert nodes[0][2] == "0"
    assert all(later[2:] == ("1", earlier[1]) for earlier, later in pairwise(nodes))
    assert named("cuEventCreate", traced) == [["0"]] * (LAUNCHES + 1)  # with a time, which 2 would leave out


def test_all_that_was_taken_is_given_back_at_the_end(calls: list[list[str]]) -> None:
    for taken, given in (
        ("cuMemAlloc", "cuMemFree"),
        ("cuMemAllocHost", "cuMemFreeHost"),
        ("cuGraphInstantiateWithParams", "cuGraphExecDestroy"),
    ):
        assert sorted(named(taken, calls)) == sorted(named(given, during("close", calls))) != []


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("cuMemAlloc 0 2", "error: cuda: loading the step: failed (got 'CUDA_ERROR_OUT_OF_MEMORY'); close what "),
        ("cuLibraryGetKernel 0 999", "error: cuda: cuda.cu: loading cuda.cu: failed (got 'CUDA_ERROR_UNKNOWN: "),
        ("cuGraphLaunch 61 719", "error: cuda: running the step: failed (got 'CUDA_ERROR_LAUNCH_FAILED: "),
    ],
)  # fmt: skip
def test_what_the_driver_fails_at_is_one_line(driver: Path, fails: str, told: str) -> None:
    (said,) = [line for line in map(" ".join, decoded(driver, fails)) if line.startswith("error:")]
    assert said.startswith(told)


def test_where_no_early_launch_is_recorded_the_step_runs_in_order(driver: Path) -> None:
    calls = decoded(driver, fails=f"cuLaunchKernelEx {LAUNCHES + 2} 801")  # the first of them
    assert not [words for words in calls if words[0] == "error:"]
    assert len(named("cuGraphLaunch", during("run", calls))) == STEPS
    begun, ended = (named(f"cuStream{what}Capture", calls) for what in ("Begin", "End"))
    assert begun == ended
    assert len(begun) == 2
