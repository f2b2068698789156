"""What the GPU reads of its memory at this moment: one kernel that reads a large buffer, timed by the GPU's clock."""

from __future__ import annotations

import numpy as np

from runners.stacks.metal.gpu import Gpu, Memory

LEAST_BYTES = 256_000_000
"""A buffer of so many bytes is larger than any cache of these GPUs."""
GROUPS, THREADS = 2048, 256
_PASSES = 5
MAGIC = 0x1E3779B9
TEXT = f"""\
#include <metal_stdlib>
using namespace metal;

// Reads all of memory, 16 bytes at a time. What is found is written where it hardly ever is: so it must be read.
[[max_total_threads_per_threadgroup({THREADS})]]
kernel void read_all(
    const device int *memory [[buffer(0)]],
    const constant int *sixteens [[buffer(1)]],
    device int *found [[buffer(2)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {{
    uint all = 0;
    for (int i = group_index * {THREADS} + thread_index; i < sixteens[0]; i += {GROUPS * THREADS}) {{
        const uint4 words = *(const device uint4 *)(memory + 4 * (long)i);
        all ^= words.x ^ words.y ^ words.z ^ words.w;
    }}
    if (all == {MAGIC}u) found[0] = (int)all;
}}
"""


class Probe:
    """The compiled kernel, and the memory that it needs besides."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        with gpu.working("compiling the probe of the memory"):
            self._pipeline = gpu.pipeline("read_all", TEXT, THREADS)
            self._count, self._found = (gpu.memory((1,), np.dtype(np.int32)) for _ in range(2))

    def gb_per_s(self, memory: Memory) -> float:
        """GB/s of the fastest pass over all whole 16 bytes of ``memory``."""
        sixteens = memory.array.nbytes // 16
        self._count.array[...] = sixteens
        with self._gpu.working("probing the memory"):
            bound = [memory, self._count, self._found]
            reading = self._gpu.dispatch(self._pipeline, bound, GROUPS, THREADS, wait=False)
            fastest_ns = min(self._gpu.timed_alone(reading) for _ in range(_PASSES))
        return 16.0 * int(sixteens) / fastest_ns
