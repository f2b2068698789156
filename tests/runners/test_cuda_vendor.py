"""What the CUDA runner gives to NVRTC and asks of cuda.core, held against both themselves: neither needs a GPU."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners import cuda
from runners.device import KernelError
from runners.kernels.emit import Emitted, emit
from runners.kernels.expr import Array, Axis, Kernel
from runners.kernels.sizes import Sizes
from runners.kernels.source import KERNELS
from runners.stacks.cuda.gpu import machine_code
from tests.runners.fakes import cuda as fakes
from tests.runners.fakes import cuda_device, cuda_streams
from tests.runners.kernels.cases import TRUE
from tests.runners.kernels.executors import EXECUTORS

core = pytest.importorskip("cuda.core", reason="cuda-core has no wheel for this platform")
nvrtc = pytest.importorskip("cuda.bindings.nvrtc", reason="cuda-bindings has no wheel for this platform")
driver = pytest.importorskip("cuda.bindings.driver")
nvml = pytest.importorskip("cuda.bindings.nvml")
TRUE_SIZES = {case.kernel: case for case in TRUE}
NORM = Sizes({"rows": 1, "cols": 54}, {"rms_norm_eps": 1e-6})

# --- the fake is as the packages are ----------------------------------------------------------------

PAIRS: list[tuple[Any, Any]] = [
    (cuda_device.Device, core.Device),
    (cuda_device.Buffer, core.Buffer),
    (cuda_device.Program, core.Program),
    (cuda_streams.Stream, core.Stream),
    (cuda_streams.GraphBuilder, core.graph.GraphBuilder),
    (cuda_streams.Graph, core.graph.Graph),
    (cuda_streams.GraphDefinition, core.graph.GraphDefinition),
    (cuda_streams.Node, core.graph.GraphNode),
    (cuda_streams.Event, core.Event),
]


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda one: one.__name__)
def test_the_fake_has_no_method_and_takes_no_argument_that_cuda_core_has_not(fake: Any, real: Any) -> None:
    methods = {name: one for name, one in vars(fake).items() if callable(one) and not name.startswith("_")}
    for name, method in methods.items():
        positional, by_name = list[None](), dict[str, None]()
        for parameter in inspect.signature(method).parameters.values():
            if parameter.kind == parameter.KEYWORD_ONLY:
                by_name[parameter.name] = None
            elif parameter.kind != parameter.VAR_POSITIONAL:
                positional.append(None)
        inspect.signature(getattr(real, name)).bind(*positional, **by_name)


def test_cuda_core_has_the_names_and_options_that_the_runner_uses() -> None:
    assert vars(fakes.FakeCuda([], lambda *_: None).modules()["cuda.core"]).keys() <= set(dir(core))
    options = {"grid": 3, "block": 32, "programmatic_stream_serialization": True}
    config = core.LaunchConfig(**options)
    assert (config.grid, config.block, config.programmatic_stream_serialization) == (
        (3, 1, 1),
        (32, 1, 1),
        True,
    )
    assert core.EventOptions(timing_enabled=True).timing_enabled
    array = np.zeros(4, np.int32)
    buffer = core.Buffer.from_handle(array.ctypes.data, array.nbytes, owner=array)
    assert (buffer.handle, buffer.size) == (array.ctypes.data, 16)
    for name in ("device_id", "name", "arch", "compute_capability", "properties"):
        assert hasattr(core.Device, name)
    errors = import_module("cuda.core._utils.cuda_utils")  # which no public module of cuda.core has
    assert issubclass(errors.NVRTCError, errors.CUDAError)
    assert issubclass(nvml.NvmlError, Exception)


def test_the_bindings_have_the_functions_that_the_runner_calls() -> None:
    modules = fakes.FakeCuda([], lambda *_: None).modules()
    for name, real in (("driver", driver), ("nvrtc", nvrtc), ("nvml", nvml)):
        assert vars(modules[f"cuda.bindings.{name}"]).keys() <= set(dir(real))
    error, major, minor = nvrtc.nvrtcVersion()
    assert (int(error), error.name) == (0, "NVRTC_SUCCESS")
    assert (major, minor) >= (13, 0)


# --- NVRTC ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRUE_SIZES)
def test_no_kernel_touches_memory_before_it_has_waited(name: str) -> None:
    ptx = ptx_of(emit(KERNELS[name], "cuda", TRUE_SIZES[name].sizes, "bf16").text)
    before, wait, after = ptx.partition("griddepcontrol.wait;")
    assert wait
    assert "ld.global" not in before
    assert "st.global" not in before
    assert "ld.global" in after
    assert "ld.global.nc" not in after


def test_the_steps_end_waits_too() -> None:
    end = ptx_of(cuda.TEXT).partition(".entry end_of_step")[2].partition("read_memory")[0]
    assert "ld.global" not in end.partition("griddepcontrol.wait;")[0]
    assert "st.global" in end.partition("griddepcontrol.wait;")[2]


def ptx_of(text: str) -> str:
    """What NVRTC makes of a text for compute capability 9.0, before the assembler."""
    _, program = nvrtc.nvrtcCreateProgram(text.encode(), b"text.cu", 0, [], [])
    options = [b"--gpu-architecture=compute_90", b"--std=c++17"]
    (error,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    assert error == 0
    _, size = nvrtc.nvrtcGetPTXSize(program)
    ptx = b" " * size
    nvrtc.nvrtcGetPTX(program, ptx)
    nvrtc.nvrtcDestroyProgram(program)
    return str(ptx.decode())


@pytest.mark.parametrize("architecture", ["75", "80", "90", "100"])
def test_nvrtc_takes_our_options_and_our_own_kernels(architecture: str) -> None:
    assert machine_code("cuda.cu", cuda.TEXT, architecture).code
    text = emit(KERNELS["rms_norm"], "cuda", NORM, "bf16")
    assert machine_code("rms_norm", text.text, architecture).code


def test_what_nvrtc_refuses_is_told_by_its_first_complaint() -> None:
    told = r"^NVRTC refuses it \(got 'gelu\(2\): error: .*\); report it, or see"
    with pytest.raises(KernelError, match=told) as failed:
        machine_code("gelu", "#warning odd\n__global__ void gelu( { }", "90")
    assert failed.value.kernel == "gelu"


def test_the_probe_reads_every_word_and_no_other(tmp_path: Path) -> None:
    axis = Axis("words")
    arrays = tuple(Array(name, "i32", (axis,)) for name in ("memory", "sums"))
    kernel, blocks, times = Kernel("read_memory", "", "", (axis,), arrays, ()), 3, 5
    text = Emitted(kernel, "cuda", Sizes({"words": 1}), "f32", cuda.TEXT, {"grid": blocks, "block": 512})
    run = EXECUTORS["cuda"]([text], tmp_path)
    memory = np.random.default_rng(0).integers(0, 1 << 31, (blocks, times, 512, 4), np.int32)
    sums = np.zeros((blocks, 512), np.int32)
    run(text, {"memory": memory, "sums": sums}, times)
    assert np.array_equal(sums, np.bitwise_xor.reduce(memory, axis=(1, 3)))
