"""The SIMT simulator does what a GPU promises, and reports what a GPU leaves undefined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.kernels.emit import Emitted, emit
from runners.kernels.emit.metal import BODY
from runners.kernels.expr import Load, Store, f32, i32, kernel
from runners.kernels.sizes import Sizes
from runners.kernels.source import KERNELS, rows
from tests.simulators.simt import SimulationError, Simulator
from tests.simulators.simt.languages import mlx_text

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


# --- Metal, and bodies for MLX ----------------------------------------------------------------------------


@kernel()
def add(y: Load = f32(), x: Load = f32(rows), w: Load = f32(rows), position: Load = i32()) -> Store:
    """The text under test writes y; x and w are inputs, w a small one at some lengths."""
    del x, w, position
    return y.set(y)


def metal(body: str, threads: int = 64) -> Emitted:
    """A Metal text with the position attributes and y."""
    text = f"""#include <metal_stdlib>
using namespace metal;
[[max_total_threads_per_threadgroup({threads})]]
kernel void probe(
    device float *y [[buffer(0)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {{
    {body}
}}
"""
    return Emitted(probe, "metal", Sizes({}), "f32", text, {"grid": 2, "block": threads})


def metal_results(body: str, folder: Path, *, reverse: bool = False) -> Any:
    """y[0..127] after ``body`` has run in 2 threadgroups of 64 threads."""
    emitted, y = metal(body), np.full(128, -7, np.float32)
    Simulator([emitted], folder, flags=["-O1"]).run(emitted, {"y": y}, reverse=reverse)
    return y


@pytest.mark.parametrize("reverse", [False, True])
def test_metals_threads_meet_and_exchange_as_cudas_do(reverse: bool, tmp_path: Path) -> None:
    body = """
    threadgroup float shared[64];
    shared[thread_index] = thread_index;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    y[group_index * 64 + thread_index] = shared[63 - thread_index] + simd_shuffle_xor(float(thread_index), 1);
    """
    threads = np.arange(64)
    right = np.tile(63 - threads + (threads ^ 1), 2)
    assert metal_results(body, tmp_path, reverse=reverse).tolist() == right.tolist()


@pytest.mark.parametrize(
    ("body", "report"),
    [
        ("threadgroup_barrier(mem_flags::mem_none);", "line 8: a barrier that orders no threadgroup memory"),
        ("threadgroup_barrier(mem_flags::mem_device);", "orders no threadgroup memory"),
        ("y[0] = simd_shuffle_xor(1.0f, 32);", "line 8: a shuffle beyond the simdgroup"),
        ("if (thread_index) threadgroup_barrier(mem_flags::mem_threadgroup);", "deadlock: 63 threads wait"),
    ],
)
def test_what_metal_leaves_undefined_is_reported(body: str, report: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=report):
        metal_results(body, tmp_path)


@pytest.mark.parametrize(
    ("body", "report"),
    [
        ("y[0] = as_type<float>(1l);", "the sizes differ"),
        ("y[0] = simd_shuffle_xor(1l, 1);", "no such type"),
        ("threadgroup_barrier(1);", "mem_flags"),
        ("y[0] = y[0] * 2.5;", "double"),
        ("y[0] = rsqrt(y[0]);", "rsqrt"),
        ("y[0] = fmax(y[0], y[1]);", "fmax"),
        ("float4 four = y[0];", "conversion"),
    ],
)
def test_what_metal_refuses_does_not_compile(body: str, report: str, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=report):
        metal_results(body, tmp_path)


def test_metal_flushes_subnormal_floats_and_leaves_the_hosts_alone(tmp_path: Path) -> None:
    assert metal_results("y[0] = y[1] * 0x1p-126f * 0x1p-10f;", tmp_path)[0] == 0
    assert np.float32(2.0**-126) * np.float32(2.0**-10) > 0


def body_for_mlx(source: str, length: int) -> Emitted:
    text = f"using namespace metal;\n{BODY}\n{source}\n"
    return Emitted(add, "metal-mlx", Sizes({"rows": length}), "f32", text, {"grid": 1, "block": 32})


def test_mlxs_signature_has_inputs_first_and_small_ones_in_the_constant_address_space(tmp_path: Path) -> None:
    source = "y[0] = x[1] + w[2] + float(position[0]) + float(threadgroup_position_in_grid.x);"
    emitted = body_for_mlx(source, 7)
    assert (
        mlx_text(emitted)
        == f"""using namespace metal;
[[kernel]] void custom_kernel_add(
  const constant float* x [[buffer(0)]],
  const constant float* w [[buffer(1)]],
  const constant int32_t* position [[buffer(2)]],
  device float* y [[buffer(3)]],
  uint3 threadgroup_position_in_grid [[threadgroup_position_in_grid]]) {{
{source}

}}
"""
    )
    assert "const device float* x" in mlx_text(body_for_mlx(source, 8))
    arrays = {"y": np.zeros((), np.float32), "position": np.array(5, np.int32)}
    arrays |= {"x": np.arange(7, dtype=np.float32), "w": np.arange(7, dtype=np.float32)}
    Simulator([emitted], tmp_path).run(emitted, arrays)
    assert arrays["y"] == 1 + 2 + 5


def test_what_would_make_mlx_add_parameters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="add: MLX would add parameters for x"):
        Simulator([body_for_mlx("y[0] = x_shape[0];", 8)], tmp_path)


def test_a_cache_that_mlx_would_put_elsewhere_is_refused(tmp_path: Path) -> None:
    sizes = Sizes({"kv_heads": 1, "group": 1, "head_dim": 2})
    text = emit(KERNELS["attention_decode_gqa"], "metal-mlx", sizes, "f32")
    arrays = {name: np.zeros((1, 1, 2), np.float32) for name in ("q", "keys", "values", "y")}
    with pytest.raises(SimulationError, match="keys: must have 8 elements or more"):
        Simulator([text], tmp_path).run(text, {**arrays, "position": np.array(0, np.int32)})
