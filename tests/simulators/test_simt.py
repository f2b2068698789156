"""The SIMT simulator does what a GPU promises, and reports what a GPU leaves undefined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.kernels.emit import Emitted
from runners.kernels.expr import Load, Store, f32, kernel
from runners.kernels.sizes import Sizes
from tests.simulators.simt import SimulationError, Simulator

FIBERS = {"own switch": ("-O2",), "ucontext": ("-O2", "-DSIMT_UCONTEXT")}


@kernel()
def probe(y: Load = f32()) -> Store:
    """y, as the text under test likes."""
    return y.set(y)


def results(
    body: str, folder: Path, *, flags: Sequence[str] = ("-O1",), reverse: bool = False, grid: int = 1
) -> Any:
    """y[0..127] after ``body`` has run in blocks of 64 threads."""
    text = f'extern "C" __global__ void probe(float *y) {{ const int thread = threadIdx.x; {body} }}'
    emitted = Emitted(probe, "cuda", Sizes({}), "f32", text, {"grid": grid, "block": 64})
    y = np.full(128, -7, np.float32)
    Simulator([emitted], folder, flags=flags).run(emitted, {"y": y}, reverse=reverse)
    return y


@pytest.mark.parametrize("flags", FIBERS.values(), ids=FIBERS)
@pytest.mark.parametrize("reverse", [False, True])
def test_barriers_and_shuffles_meet_with_either_kind_of_fiber(
    flags: Sequence[str], reverse: bool, tmp_path: Path
) -> None:
    body = """
    __shared__ float shared[64];
    for (int round = 0; round < 5; round++) {
        shared[thread] = thread + round;
        __syncthreads();
        y[thread] = shared[63 - thread] + __shfl_xor_sync(0xffffffffu, (float)thread, 1);
        __syncthreads();
    }
    """
    threads = np.arange(64)
    right = 63 - threads + 4 + (threads ^ 1)
    assert results(body, tmp_path, flags=flags, reverse=reverse)[:64].tolist() == right.tolist()


def test_each_block_begins_with_shared_memory_that_is_no_number(tmp_path: Path) -> None:
    body = "__shared__ float shared[64]; y[blockIdx.x * 64 + thread] = shared[thread]; shared[thread] = 1;"
    assert np.isnan(results(body, tmp_path, grid=2)).all()


def test_threads_and_blocks_run_in_order_or_in_reverse(tmp_path: Path) -> None:
    body = "y[0] = blockIdx.x * 64 + thread;"
    assert results(body, tmp_path, grid=2)[0] == 127
    assert results(body, tmp_path, grid=2, reverse=True)[0] == 0


@pytest.mark.parametrize(
    ("body", "report"),
    {
        "a thread that ended is waited for": (
            "if (thread == 3) return; __syncthreads();",
            "block 0: deadlock: 63 threads wait at a barrier, 0 for their warp, 1 have ended",
        ),
        "a lane stays away from a shuffle": (
            "if (thread != 40) y[0] = __shfl_xor_sync(0xffffffffu, 1.0f, 1); __syncthreads();",
            "block 0: deadlock: 33 threads wait at a barrier, 31 for their warp, 0 have ended",
        ),
        "two barriers in two branches": (
            "if (thread < 32) {\n __syncthreads(); } else {\n __syncthreads(); }",
            "block 0: threads 0 and 32 meet at different places: lines 2 and 3",
        ),
        "a mask of some lanes": ("__shfl_xor_sync(1u, 1.0f, 1);", "line 1: a shuffle among some lanes only"),
    }.values(),
)
def test_what_a_gpu_leaves_undefined_is_reported(body: str, report: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=report):
        results(body, tmp_path)


def test_what_the_compiler_says_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no_such_name"):
        results("y[0] = no_such_name;", tmp_path)


def test_an_array_that_a_16_byte_load_could_not_read_is_refused(tmp_path: Path) -> None:
    text = 'extern "C" __global__ void probe(float *y) { y[0] = 1; }'
    emitted = Emitted(probe, "cuda", Sizes({}), "f32", text, {"grid": 1, "block": 32})
    with pytest.raises(SimulationError, match="multiple of 16 bytes"):
        Simulator([emitted], tmp_path).run(emitted, {"y": np.zeros(9, np.float32)[1:]})
