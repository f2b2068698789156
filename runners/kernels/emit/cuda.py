"""CUDA C++, self-contained: no header, no dynamic shared memory, plain pointers, C linkage.

So the text compiles with nvcc and with NVRTC alike, from compute capability 7.5 on, and a recorded graph of
such launches can be replayed for many tokens without the host: the token, the position and the cache are
read and written in the device's memory.

The second number of ``__launch_bounds__`` asks for one resident block only. Without it the compiler keeps to 32
registers for the sake of occupancy, and of the loads that could be in flight together only a few are.

From compute capability 9.0 on a launch may begin while the one before it still runs (programmatic dependent
launch), where whoever launches it allows that. So every thread of every kernel first waits until all launches
before have ended and what they wrote is there to see, and only then reads or writes an array. As each launch
waits for the one before, and ends after it, no order of two launches' memory is left to chance. Once it has
waited, a block lets the next launch's blocks come and wait in their turn; they come when this one's last blocks
have begun, and so take room from none. Launched without that leave, a kernel waits for nothing.

No array is ``__restrict__``: that would promise that what is read stays as it is while the kernel runs, its wait
included, and the compiler could read before the wait, or through a cache that is not kept coherent.
"""

from __future__ import annotations

from runners.kernels.emit import simt
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage

_OVERLAP = {
    "wait_for_launches_before": """\
$function void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}""",
    "ask_ahead": """\
$function void ask_ahead(const void *from) { // for a line of the cache, which comes while the thread waits
#if __CUDA_ARCH__ >= 900
    asm volatile("prefetch.global.L2 [%0];" ::"l"(from));
#endif
}""",
}

DIALECT = simt.Dialect(
    target="cuda",
    opening='extern "C" __global__ void __launch_bounds__({threads}, 1) {name}(\n    {parameters}) {{',  # 1: see above
    parameter="{constant}{type} *{name}",
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
    wait="wait_for_launches_before();",
    ahead="ask_ahead({place});",
    overlap=_OVERLAP,
)


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one CUDA file."""
    return simt.emit(DIALECT, kernel, sizes, storage)


TARGET = Target("cuda", "CUDA C++", ".cu", ("bf16", "f16", "f32"), emit)
