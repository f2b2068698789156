"""``nki.isa`` on the simulator: each instruction writes ``dst``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.simulators.nki import instructions as engines
from tests.simulators.nki.instructions import nc_transpose as nc_transpose
from tests.simulators.nki.instructions import reciprocal as reciprocal
from tests.simulators.nki.instructions import tensor_copy as tensor_copy
from tests.simulators.nki.instructions import tensor_copy_predicated as tensor_copy_predicated
from tests.simulators.nki.instructions import tensor_tensor as tensor_tensor
from tests.simulators.nki.memory import Tensor, check


def dma_copy(dst: Tensor, src: Tensor) -> None:
    engines.dma(dst, src)


def memset(dst: Tensor, value: float) -> None:
    engines.memset(dst, value)


def iota(dst: Tensor, pattern: list[list[int]], offset: int = 0, channel_multiplier: int = 0) -> None:
    check(len(pattern) == 1 and pattern[0][1] == dst.shape[1], f"{pattern} does not fit {dst.shape}")
    (step, count), rows = pattern[0], np.arange(dst.shape[0])[:, None]
    engines.counted(dst, offset + channel_multiplier * rows + step * np.arange(count)[None, :])


def tensor_scalar(
    dst: Tensor,
    data: Tensor,
    op0: Any,
    operand0: Any,
    reverse0: bool = False,
    op1: Any = None,
    operand1: Any = None,
    reverse1: bool = False,
) -> None:
    steps = [(op0, operand0, reverse0), (op1, operand1, reverse1)]
    engines.tensor_scalar(dst, data, steps if op1 else steps[:1])


def scalar_tensor_tensor(
    dst: Tensor,
    data: Tensor,
    op0: Any,
    operand0: Any,
    op1: Any,
    operand1: Tensor,
    reverse0: bool = False,
    reverse1: bool = False,
) -> None:
    engines.scalar_tensor_tensor(dst, data, (op0, operand0, reverse0), (op1, operand1, reverse1))


def activation(dst: Tensor, op: Any, data: Tensor, scale: Any = 1.0) -> None:
    engines.activation(dst, op, data, scale)


def tensor_reduce(
    dst: Tensor, op: Any, data: Tensor, axis: Any, negate: bool = False, keepdims: bool = False
) -> None:
    check(keepdims, "a tile keeps a column")
    engines.tensor_reduce(dst, op, data, axis, negate)


def nc_matmul(dst: Tensor, stationary: Tensor, moving: Tensor, accumulate: bool | None = None) -> None:
    """Unless it is said, the first product overwrites and the next are added."""
    engines.nc_matmul(dst, stationary, moving, dst.storage.begun if accumulate is None else accumulate)
