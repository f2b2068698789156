"""A file's own throughput beside its latency: which unit it is in, and whether the two agree.

The board has one throughput column for GB/s and GFLOP/s, counts one to four passes over the elements as bytes, and
names the column either way. We store the latency alone, so the rate only tells whether to believe it.
"""

from __future__ import annotations

import math

from schemas.metrics import kernel_bytes, kernel_flops
from schemas.records import BYTES_PER_ELEMENT, Dtype, Kernel

_TOLERANCE = 0.05
_PASSES = (1, 2, 3, 4)
_ROUNDED = 0.05  # rates stand with one decimal


def unit_of(
    rate: float, microseconds: float, kernel: Kernel, shape: dict[str, int], dtype: Dtype
) -> str | None:
    """``GB/s`` or ``GFLOP/s``, whichever ``rate`` is at this latency; None where it is neither."""
    per_us = 1e3 * microseconds
    tensors = [*kernel.reads, *kernel.writes]
    width = BYTES_PER_ELEMENT[dtype]
    largest = max((math.prod(shape[axis] for axis in tensor.axes) for tensor in tensors), default=0)
    moved: list[float] = [
        kernel_bytes(kernel, shape, dtype),
        *(passes * largest * width for passes in _PASSES),
    ]
    flops = kernel_flops(kernel, shape)
    candidates: dict[str, list[float]] = {"GB/s": moved, "GFLOP/s": [flops] if flops else []}
    order = ("GFLOP/s", "GB/s") if kernel.rate == "gflop_per_s" else ("GB/s", "GFLOP/s")
    for unit in order:
        if any(_agree(rate, amount / per_us) for amount in candidates[unit]):
            return unit
    return None


def _agree(said: float, computed: float) -> bool:
    return abs(said - computed) <= max(_TOLERANCE * computed, _ROUNDED * 1.01)
