"""CUDA C++, self-contained: no header, no dynamic shared memory, plain pointers, C linkage.

So the text compiles with nvcc and with NVRTC alike, from compute capability 7.5 on, and a recorded graph of
such launches can be replayed for many tokens without the host: the token, the position and the cache are
read and written in the device's memory.

The second number of ``__launch_bounds__`` asks for one resident block only. Without it the compiler keeps to 32
registers for the sake of occupancy, and of the loads that could be in flight together only a few are.
"""

from __future__ import annotations

from runners.kernels.emit import simt
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage

DIALECT = simt.Dialect(
    target="cuda",
    opening='extern "C" __global__ void __launch_bounds__({threads}, 1) {name}(\n    {parameters}) {{',  # 1: see above
    parameter="{constant}{type} *__restrict__ {name}",
    capacity="int capacity",
    position_parameters={},
    indices={"thread": "const int thread = threadIdx.x;", "block": "const int block = blockIdx.x;"},
    stored={"bf16": "unsigned short", "f16": "unsigned short", "f32": "float"},
    functions={"exp": "expf", "rsqrt": "rsqrtf", "larger": "fmaxf", "fma": "fmaf"},
    shuffle_xor="__shfl_xor_sync(0xffffffffu, {value}, {distance})",
    barrier="__syncthreads();",
    function="static __device__ __forceinline__",
    device="",
    shared="__shared__",
    private="",
    wide="long long",
    as_float="__uint_as_float",
    as_unsigned="__float_as_uint",
    shared_bytes=32 << 10,
)


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one CUDA file."""
    return simt.emit(DIALECT, kernel, sizes, storage)


TARGET = Target("cuda", "CUDA C++", ".cu", ("bf16", "f16", "f32"), emit)
