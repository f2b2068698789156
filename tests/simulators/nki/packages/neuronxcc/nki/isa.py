"""``neuronxcc.nki.isa`` on the simulator: each instruction returns its tile.

Its type is that of the data, or of the more precise of two, unless ``dtype`` says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.simulators.nki import instructions as engines
from tests.simulators.nki.instructions import tensor_copy_predicated as _tensor_copy_predicated
from tests.simulators.nki.memory import Tensor, check

from .language import Arange, ndarray, psum, tensor


def _wider(data1: Tensor, data2: Tensor) -> Any:
    return data1.dtype if data1.dtype == data2.dtype else np.float32


def tensor_copy(src: Tensor, *, dtype: Any = None) -> tensor:
    found = ndarray(src.shape, dtype or src.dtype)
    engines.tensor_copy(found, src)
    return found


def memset(shape: tuple[int, ...], value: float, dtype: Any) -> tensor:
    found = ndarray(shape, dtype)
    engines.memset(found, value)
    return found


def iota(expr: Arange, dtype: Any) -> tensor:
    found = ndarray(expr.values.shape, dtype)
    engines.counted(found, expr.values)
    return found


def tensor_tensor(data1: Tensor, data2: Tensor, op: Any, *, dtype: Any = None) -> tensor:
    found = ndarray(data1.shape, dtype or _wider(data1, data2))
    engines.tensor_tensor(found, data1, data2, op)
    return found


def tensor_scalar(
    data: Tensor,
    op0: Any,
    operand0: Any,
    reverse0: bool = False,
    op1: Any = None,
    operand1: Any = None,
    reverse1: bool = False,
    *,
    dtype: Any = None,
) -> tensor:
    found = ndarray(data.shape, dtype or data.dtype)
    steps = [(op0, operand0, reverse0), (op1, operand1, reverse1)]
    engines.tensor_scalar(found, data, steps if op1 else steps[:1])
    return found


def scalar_tensor_tensor(
    *,
    data: Tensor,
    op0: Any,
    operand0: Any,
    op1: Any,
    operand1: Tensor,
    reverse0: bool = False,
    reverse1: bool = False,
    dtype: Any = None,
) -> tensor:
    found = ndarray(data.shape, dtype or _wider(data, operand1))
    engines.scalar_tensor_tensor(found, data, (op0, operand0, reverse0), (op1, operand1, reverse1))
    return found


def activation(op: Any, data: Tensor, *, scale: Any = 1.0, dtype: Any = None) -> tensor:
    found = ndarray(data.shape, dtype or data.dtype)
    engines.activation(found, op, data, scale)
    return found


def reciprocal(data: Tensor, *, dtype: Any = None) -> tensor:
    found = ndarray(data.shape, dtype or data.dtype)
    engines.reciprocal(found, data)
    return found


def tensor_reduce(
    op: Any, data: Tensor, axis: Any, *, dtype: Any = None, negate: bool = False, keepdims: bool = False
) -> tensor:
    check(keepdims, "a tile keeps a column")
    found = ndarray((data.shape[0], 1), dtype or data.dtype)
    engines.tensor_reduce(found, op, data, axis, negate)
    return found


def tensor_copy_predicated(*, src: Any, dst: Tensor, predicate: Tensor) -> None:
    _tensor_copy_predicated(dst, src, predicate)


def nc_matmul(stationary: Tensor, moving: Tensor) -> tensor:
    found = ndarray((stationary.shape[-1], moving.shape[-1]), np.float32, buffer=psum)
    engines.nc_matmul(found, stationary, moving, accumulate=False)
    return found


def nc_transpose(data: Tensor) -> tensor:
    found = ndarray(data.shape[::-1], data.dtype, buffer=psum)
    engines.nc_transpose(found, data)
    return found
