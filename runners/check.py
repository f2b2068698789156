"""Checked before timed: every emitted kernel at its true shape, against the reference in float64.

Bounds are the protocol's: relative L2 error of at most 1e-5 for f32 storage and 1e-2 for 16 bits. Outputs are
poisoned first, so that an element that was not written shows. A token must be the very one, and of a cache a
kernel may touch the position's row and no other. The whole step has :mod:`runners.check_step`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.device import Device, Numbers, RunnerError, element_type
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.expr import Array
from runners.kernels.reference import evaluate_in_blocks
from runners.weights import CACHE, MATRIX, Synthetic
from schemas.contract import MOST_REL_L2_ERROR

_WRONG = "has elements that are wrong, not numbers, not written, or not to be written"


@dataclass(frozen=True, slots=True)
class KernelCheck:
    """How one kernel did: the largest relative L2 error of its outputs, or what kept it from running."""

    kernel: str
    rel_l2_error: float | None
    error: str | None

    @property
    def passed(self) -> bool:
        """Whether the kernel may be timed."""
        return self.error is None


def check_kernels(
    device: Device, kernels: Mapping[str, Emitted], position: int, capacity: int, seed: int
) -> Iterator[KernelCheck]:
    """Each kernel at its true shape on fresh inputs. A kernel that raises RunnerError has failed its check."""
    for emitted in kernels.values():
        arrays = _inputs(emitted, position, capacity, seed)
        expected = {array.name: arrays[array.name].astype(_wide(array)) for array in emitted.kernel.outputs}
        evaluate_in_blocks(emitted.kernel, emitted.sizes, arrays | expected, [{}])
        try:
            device.call(emitted, arrays, capacity)
        except RunnerError as failed:
            yield KernelCheck(emitted.kernel.name, None, line(str(failed)))
            continue
        yield _judged(
            emitted,
            {
                array.name: _error(array, expected[array.name], arrays[array.name], position)
                for array in emitted.kernel.outputs
            },
        )


def _error(array: Array, expected: Numbers, got: Numbers, position: int) -> float:
    """The error of one output; infinite where it may have none, or where what was not to be touched was."""
    if array.element == "i32":
        return 0.0 if np.array_equal(expected, got) else float("inf")
    if not has_dynamic(array.axes):
        return relative_l2_error(expected, got)
    axis = next(place for place, axis in enumerate(array.axes) if axis.dynamic)
    others = (np.delete(numbers, position, axis) for numbers in (expected, got.astype(np.float64)))
    if not np.array_equal(*others):
        return float("inf")
    return relative_l2_error(expected.take(position, axis), got.take(position, axis))


def _judged(emitted: Emitted, errors: dict[str, float]) -> KernelCheck:
    worst, bound = max(errors, key=lambda name: errors[name]), MOST_REL_L2_ERROR[emitted.storage]
    found = errors[worst] if np.isfinite(errors[worst]) else None
    if errors[worst] <= bound:
        return KernelCheck(emitted.kernel.name, found, None)
    said = f"relative L2 error above {bound:.0e} (got {found:.2e})" if found is not None else _WRONG
    return KernelCheck(emitted.kernel.name, found, f"{worst}: {said}")


def relative_l2_error(expected: Numbers, got: Numbers) -> float:
    """||got - expected|| / ||expected|| in float64; infinite where an element is not a number."""
    difference = got.astype(np.float64) - expected
    norm = float(np.linalg.norm(expected.astype(np.float64)))
    error = float(np.linalg.norm(difference)) / max(norm, 1e-30)
    return error if np.isfinite(error) else float("inf")


# --- inputs of one kernel -------------------------------------------------------------------------


def _inputs(emitted: Emitted, position: int, capacity: int, seed: int) -> dict[str, Numbers]:
    """Fresh inputs, and poisoned outputs: of a cache the row that is due, as the step leaves its rest alone."""
    draw = Synthetic(seed, emitted.storage)
    last_token = emitted.sizes.lengths.get("vocab", 1) - 1
    arrays = {}
    for array in emitted.kernel.arrays:
        shape = emitted.sizes.shape(array.axes, capacity)
        written = array in emitted.kernel.outputs
        if written and not has_dynamic(array.axes):
            poison: Any = -1 if array.element == "i32" else np.nan
            arrays[array.name] = np.full(shape, poison, element_type(array.element, emitted.storage))
        elif array.element == "i32":
            arrays[array.name] = np.array(position if array.name == "position" else last_token, np.int32)
        else:
            arrays[array.name] = _drawn(draw, emitted, array, shape)
        if written and has_dynamic(array.axes):
            row = tuple(position if axis.dynamic else slice(None) for axis in array.axes)
            arrays[array.name][row] = np.nan
    return arrays


def _drawn(draw: Synthetic, emitted: Emitted, array: Array, shape: tuple[int, ...]) -> Numbers:
    """Numbers of the size that weights have, or activations."""
    kind = MATRIX if array.element == "stored" and len(shape) == 2 else CACHE
    flat = (int(np.prod(shape[:-1])), shape[-1]) if len(shape) > 1 else shape
    numbers = draw.drawn(f"{emitted.kernel.name}.{array.name}", kind, flat, 0, flat[0])
    return numbers.reshape(shape).astype(element_type(array.element, emitted.storage), copy=False)


def _wide(array: Array) -> Any:
    return np.int32 if array.element == "i32" else np.float64
