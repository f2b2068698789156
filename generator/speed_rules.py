"""The speed-of-light gates: no step and no kernel is faster than the memory and the arithmetic of any device."""

from __future__ import annotations

import math
from collections.abc import Iterator

from generator.dataset import Dataset
from generator.kernel_sizes import CallSize, call_size
from generator.rows import FUSED, DecodeRow, KernelRow, RunRows
from schemas.metrics import mbu_percent, mean_depth_tokens
from schemas.problems import Problem
from schemas.records import Device

MOST_TIMES_PEAK = 20
# Where nobody states a device's own: more than any memory and any arithmetic units give.
MOST_GB_PER_S = 1e6
MOST_GFLOP_PER_S = 1e12
RULE = "speed-of-light"


def impossible_step(data: Dataset, entry: RunRows, row: DecodeRow, path: str) -> Iterator[Problem]:
    """No step reads its bytes faster than the memory gives them."""
    device, model = data.devices.get(entry.run.device), data.models.get(row.model)
    if device is None or model is None or row.run in data.retractions:
        return
    depth = mean_depth_tokens(row.depth_tokens, row.steps_per_repetition)
    needed = model.bytes_per_token(row.dtype, depth)  # type: ignore[arg-type]
    mbu = mbu_percent(needed, row.tpot_ns, _most_gb_per_s(device))
    if not math.isnan(mbu) and mbu > 100:
        field = "decode.samples" if row.samples else "decode.figure.tok_per_s"
        of = f"{mbu:.1f} % of {'the memory' if device.peak_bandwidth else 'any memory'} bandwidth"
        said = f"is impossible (got {1e9 / row.tpot_ns:.5g} tok/s, {of})"
        remedy = f"check the measurement, the dtype and {data.paths['device', device.id]}"
        yield Problem(path, field, said, remedy, RULE)


def impossible_rate(data: Dataset, entry: RunRows, row: KernelRow, path: str) -> Iterator[Problem]:
    """A cache may beat the memory, but not by any factor; nothing beats all arithmetic."""
    device = data.devices.get(entry.run.device)
    if device is None or not data.kernels.keys() >= set(row.kernel.split(FUSED)):
        return
    call = call_size(data, row.kernel, row.shape, row.dtype, row.model, row.depth_tokens)
    where, peak = f"kernels.timings[{row.index}]", _most_gb_per_s(device)
    if (gb_per_s := _a_ns(row, call, call.bytes_moved)) > MOST_TIMES_PEAK * peak:
        said = f"is impossible (got {gb_per_s:,.0f} GB/s on {peak:,.0f} GB/s of memory)"
        remedy = f"check it; no cache is {MOST_TIMES_PEAK} times as fast as the memory"
        yield Problem(path, where, said, remedy, RULE)
    elif (gflop_per_s := _a_ns(row, call, call.flops)) > MOST_GFLOP_PER_S:
        said = f"is impossible (got {gflop_per_s:,.0f} GFLOP/s)"
        yield Problem(path, where, said, f"check it; no device does {MOST_GFLOP_PER_S:,.0f}", RULE)


def _most_gb_per_s(device: Device) -> float:
    return device.peak_bandwidth.gb_per_s if device.peak_bandwidth else MOST_GB_PER_S


def _a_ns(row: KernelRow, call: CallSize, amount: float) -> float:
    """``amount`` of one call over the time of it; NaN, which is above nothing, where the shape is not known."""
    calls = call.calls_per_token if row.per == "token" else 1.0
    return amount * calls / (row.latency_ns or math.inf)
