"""What one kernel call moves and computes at a shape: the ground of effective GB/s and GFLOP/s."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from generator.dataset import Dataset
from generator.rows import FUSED
from schemas.metrics import kernel_bytes, kernel_flops
from schemas.records import Dtype, Kernel, Model


@dataclass(frozen=True, slots=True)
class CallSize:
    """Size of one call, NaN where the shape is not fully stated; ``rate`` names the kernel's one rate."""

    label: str
    elements: float
    rate: str
    bytes_moved: float
    flops: float
    calls_per_token: float


def call_size(
    data: Dataset,
    kernel: str,
    shape: tuple[tuple[str, int], ...] | None,
    dtype: str,
    model: str | None,
    depth_tokens: float | None,
) -> CallSize:
    """Size of a call of ``kernel`` (several joined where fused) at a shape, or at the shape of a model."""
    depth = None if depth_tokens is None or math.isnan(depth_tokens) else int(depth_tokens)
    key = (kernel, shape, dtype, model if isinstance(model, str) else None, depth)
    if key not in data.sizes:  # thousands of rows share a few shapes
        data.sizes[key] = _call_size(data, *key)
    found: CallSize = data.sizes[key]
    return found


def _call_size(
    data: Dataset,
    kernel: str,
    shape: tuple[tuple[str, int], ...] | None,
    dtype: str,
    model: str | None,
    depth: int | None,
) -> CallSize:
    parts = [data.kernels[name] for name in kernel.split(FUSED)]
    known_model = data.models.get(model) if model else None
    shapes = [dict(shape) if shape is not None else model_shape(part, known_model, depth) for part in parts]
    calls = [_calls_per_token(part, known_model, axes) for part, axes in zip(parts, shapes, strict=True)]
    sizes = [_size(part, axes, cast(Dtype, dtype)) for part, axes in zip(parts, shapes, strict=True)]
    return CallSize(
        label=shape_label(parts[0], shapes[0]) if len(parts) == 1 else "shapes of the model",
        elements=float(math.prod(length for axes in shapes for length in axes.values() if length)),
        rate=parts[0].rate,
        bytes_moved=_per_call([moved for moved, _ in sizes], calls),
        flops=_per_call([flops for _, flops in sizes], calls),
        calls_per_token=max(calls),
    )


def model_shape(kernel: Kernel, model: Model | None, depth_tokens: int | None) -> dict[str, int | None]:
    """The length of each axis at the shapes of ``model``; None where depth is not stated."""
    if model is None:
        return dict.fromkeys(kernel.axes)
    return {axis: model.dimension(name, depth_tokens) for axis, name in kernel.model_shape.items()}


def _calls_per_token(kernel: Kernel, model: Model | None, shape: Mapping[str, int | None]) -> int:
    """How often a decode step makes this call: never, where the shape is another than the step's."""
    if model is None:
        return 0
    of_step = model_shape(kernel, model, None)
    fits = all(length is None or shape.get(axis) == length for axis, length in of_step.items())
    return kernel.calls_per_token(model) if fits else 0


def shape_label(kernel: Kernel, shape: Mapping[str, int | None]) -> str:
    """A shape in the order of the kernel's axes: ``rows 64 x cols 4096``."""
    lengths = ((axis, shape.get(axis)) for axis in kernel.axes)
    return (
        " × ".join(f"{axis} {'not stated' if length is None else length}" for axis, length in lengths) or "–"
    )


def _size(kernel: Kernel, shape: Mapping[str, int | None], dtype: Dtype) -> tuple[float, float]:
    if any(shape.get(axis) is None for axis in kernel.axes):
        return math.nan, math.nan
    lengths = {axis: length for axis, length in shape.items() if length is not None}
    return float(kernel_bytes(kernel, lengths, dtype)), float(kernel_flops(kernel, lengths))


def _per_call(amounts: list[float], calls: list[int]) -> float:
    """The amount of one call of the fused whole, which is called as often as its most frequent part."""
    most = max(calls)
    weights = [count / most for count in calls] if most else [1.0] * len(calls)
    return sum(amount * weight for amount, weight in zip(amounts, weights, strict=True))
