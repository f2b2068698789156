"""What a GPU's memory delivers: the loaded arrays, read again and again by a kernel that does nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from runners.stacks.cuda.gpu import Call, Gpu
from runners.stacks.cuda.memory import Arena

THREADS = 512  # of a block, as cuda.cu has it
_BLOCKS = 16  # for each multiprocessor
_BLOCK_BYTES = THREADS * 16
_MOST_BYTES = 2 << 30  # several times the largest second-level cache
_PASSES = 5


class Probe:
    """Passes over the arena, recorded once."""

    def __init__(self, gpu: Gpu, read_memory: Any, arena: Arena) -> None:
        whole = min(arena.size_bytes, _MOST_BYTES) // _BLOCK_BYTES
        blocks = max(1, min(whole, _BLOCKS * gpu.multiprocessors))
        times = whole // blocks
        sums = gpu.allocated(blocks * THREADS * 4)
        call = Call(read_memory, blocks, THREADS, (arena.address, sums, np.int32(times)))
        self.size_bytes = times * blocks * _BLOCK_BYTES
        self._gpu, self._timed = gpu, gpu.timed([call] * _PASSES)

    def gb_per_s(self) -> float:
        """Of the fastest pass: an interruption slows one, and nothing makes one faster than the memory is."""
        return self.size_bytes / min(self._gpu.run_timed(self._timed))
