"""What the engines do, in destination-passing form, with the rules that the vendor's documentation gives.

Arithmetic is in f32. A result is rounded to the type of where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from tests.simulators.nki.memory import MOST_FROM, PARTITIONS, Numbers, RefusedError, Tensor, check

MOVING_COLUMNS = 512
TRANSPOSED_COLUMNS = 128
MATRIX_TYPES = (np.dtype(np.float32), np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
RSQRT_RANGE = (2.0**-87, 2.0**97)


@dataclass(frozen=True, slots=True)
class Op:
    """An operator or a function by its name in ``nki.language``."""

    name: str


ALU: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}
REDUCTIONS = ("add", "subtract", "multiply", "maximum", "minimum")


def f32(tensor: Tensor) -> Numbers:
    return tensor.read().astype(np.float32)


def on_chip(*tensors: Tensor) -> None:
    for tensor in tensors:
        check(tensor.buffer != "hbm", "an engine does not reach memory")
        start, count = tensor.start, tensor.shape[0]
        check(start in MOST_FROM, f"an access begins at partition 0, 32, 64 or 96 (got {start})")
        check(
            count <= MOST_FROM[start], f"at most {MOST_FROM[start]} partitions from {start} on (got {count})"
        )


def alike(*tensors: Tensor) -> None:
    shapes = {tensor.shape for tensor in tensors}
    check(len(shapes) == 1, f"partitions and columns must be the same (got {sorted(shapes)})")


def alu(op: Any) -> Callable[..., Any]:
    check(isinstance(op, Op) and op.name in ALU, f"{op} is no operator of the Vector Engine")
    return ALU[op.name]


def operand(given: Any, data: Tensor) -> Any:
    """The other operand of a row: a number, or one for each partition."""
    if not isinstance(given, Tensor):
        check(isinstance(given, int | float), f"an operand is a tile or a number (got {given!r})")
        return np.float32(given)
    on_chip(given)
    check(given.dtype == np.float32, f"an operand is f32 (got {given.dtype})")
    check(
        given.shape == (data.shape[0], 1), f"one for each of {data.shape[0]} partitions (got {given.shape})"
    )
    return given.read().reshape(-1, *(1,) * (data.read().ndim - 1))


def applied(data: Numbers, op: Any, other: Any, reverse: bool) -> Numbers:
    found = alu(op)(other, data) if reverse else alu(op)(data, other)
    return np.asarray(found, np.float32)


# --- Vector, Scalar and GpSimd Engine ---------------------------------------------------------------


def tensor_copy(dst: Tensor, src: Tensor) -> None:
    on_chip(dst, src)
    alike(dst, src)
    dst.write(src.read())


def memset(dst: Tensor, value: float) -> None:
    on_chip(dst)
    dst.write(np.full(dst.shape, value, np.float32))


def counted(dst: Tensor, numbers: Numbers) -> None:
    check(dst.buffer == "sbuf", "iota writes SBUF")
    dst.write(numbers.astype(np.int32).reshape(dst.shape))


def tensor_tensor(dst: Tensor, data1: Tensor, data2: Tensor, op: Any) -> None:
    on_chip(dst, data1, data2)
    alike(dst, data1, data2)
    check("sbuf" in (data1.buffer, data2.buffer), "both operands in PSUM")
    dst.write(applied(f32(data1), op, f32(data2), False))


def tensor_scalar(dst: Tensor, data: Tensor, steps: Sequence[tuple[Any, Any, bool]]) -> None:
    on_chip(dst, data)
    alike(dst, data)
    values = f32(data)
    for op, other, reverse in steps:
        values = applied(values, op, operand(other, data), reverse)
    dst.write(values)


def scalar_tensor_tensor(
    dst: Tensor, data: Tensor, first: tuple[Any, Any, bool], second: tuple[Any, Tensor, bool]
) -> None:
    op1, other, reverse1 = second
    on_chip(dst, data, other)
    alike(dst, data, other)
    check("sbuf" in (data.buffer, other.buffer), "both operands in PSUM")
    values = applied(f32(data), first[0], operand(first[1], data), first[2])
    dst.write(applied(values, op1, f32(other), reverse1))


def activation(dst: Tensor, op: Any, data: Tensor, scale: Any) -> None:
    on_chip(dst, data)
    alike(dst, data)
    x = f32(data) * operand(scale, data)
    match op:
        case Op("exp"):
            dst.write(np.exp(x))
        case Op("rsqrt"):
            known = x[~np.isnan(x)]
            within = bool(np.all((known >= RSQRT_RANGE[0]) & (known <= RSQRT_RANGE[1])))
            check(within, "rsqrt takes 2^-87 to 2^97")
            dst.write(np.float32(1) / np.sqrt(x))
        case Op("copy"):
            dst.write(x)
        case _:
            raise RefusedError(f"{op} is no function of the Scalar Engine that is known here")


def reciprocal(dst: Tensor, data: Tensor) -> None:
    on_chip(dst, data)
    alike(dst, data)
    dst.write(np.float32(1) / f32(data))


def tensor_reduce(dst: Tensor, op: Any, data: Tensor, axis: Any, negate: bool) -> None:
    on_chip(dst, data)
    check(isinstance(op, Op) and op.name in REDUCTIONS, f"{op} is no reduction")
    check(axis == data.read().ndim - 1 == 1, f"the columns are reduced, not axis {axis} of {data.shape}")
    check(dst.shape == (data.shape[0], 1), f"a reduction is one column (got {dst.shape})")
    found = alu(op).reduce(f32(data), axis=1, keepdims=True)  # type: ignore[attr-defined]
    dst.write(-found if negate else found)


def tensor_copy_predicated(dst: Tensor, src: Any, predicate: Tensor) -> None:
    on_chip(dst, predicate)
    alike(dst, predicate)
    check(
        predicate.dtype in (np.uint8, np.uint16, np.uint32),
        f"a predicate is unsigned (got {predicate.dtype})",
    )
    if isinstance(src, Tensor):
        on_chip(src)
        alike(dst, src)
        check(src.dtype == dst.dtype, "a copy where a predicate holds keeps the type")
        check("sbuf" in (src.buffer, predicate.buffer), "both operands in PSUM")
    else:
        check(isinstance(src, int if dst.dtype.kind in "iu" else float), f"{src!r} into {dst.dtype}")
    dst.write(
        np.where(
            predicate.read() != 0, src.read() if isinstance(src, Tensor) else dst.dtype.type(src), dst.read()
        )
    )


# --- Tensor Engine ----------------------------------------------------------------------------------


def nc_matmul(dst: Tensor, stationary: Tensor, moving: Tensor, accumulate: bool) -> None:
    """``stationary.T @ moving``; adding needs a product that was written before, and nothing else."""
    on_chip(dst, stationary, moving)
    check(stationary.buffer == moving.buffer == "sbuf", "the operands of a product are in SBUF")
    check(dst.buffer == "psum" and dst.dtype == np.float32, "a product goes to PSUM, in f32")
    types = {stationary.dtype, moving.dtype}
    check(all(found in MATRIX_TYPES for found in types), f"no product of {types}")
    check(len(types) == 1 or np.dtype(np.float32) not in types, "f32 meets f32 only")
    check(stationary.read().ndim == moving.read().ndim == 2, "an operand has partitions and columns")
    check(stationary.shape[0] == moving.shape[0], "the operands' partitions differ")
    check(
        stationary.shape[1] <= PARTITIONS,
        f"at most {PARTITIONS} stationary columns (got {stationary.shape[1]})",
    )
    check(
        moving.shape[1] <= MOVING_COLUMNS, f"at most {MOVING_COLUMNS} moving columns (got {moving.shape[1]})"
    )
    check(not accumulate or dst.storage.begun, "nothing to add a product to")
    product = f32(stationary).T @ f32(moving)
    dst.write(dst.read() + product if accumulate else product)
    dst.storage.begun = True


def nc_transpose(dst: Tensor, data: Tensor) -> None:
    """By the Tensor Engine, which multiplies by ones and zeros: so nothing but finite numbers."""
    on_chip(dst, data)
    check(data.buffer == "sbuf" and dst.buffer == "psum", "a transposition goes from SBUF to PSUM")
    check(dst.dtype == data.dtype, "a transposition keeps the type")
    check(
        data.read().ndim == 2 and data.shape[1] <= TRANSPOSED_COLUMNS,
        f"128 columns at most (got {data.shape})",
    )
    check(dst.shape == data.shape[::-1], f"{data.shape} turned is not {dst.shape}")
    check(bool(np.isfinite(f32(data)).all()), "an infinity or NaN does not pass the Tensor Engine")
    dst.write(data.read().T)


# --- DMA --------------------------------------------------------------------------------------------


def dma(dst: Tensor, src: Tensor) -> None:
    """Between memory and SBUF, one way or the other; as many partitions as there are."""
    check({dst.buffer, src.buffer} == {"hbm", "sbuf"}, f"a DMA from {src.buffer} to {dst.buffer}")
    check(dst.dtype == src.dtype, f"a DMA from {src.dtype} to {dst.dtype}")
    dst.write(src.read())
