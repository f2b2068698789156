"""``neuronxcc.nki.language`` on the simulator.

A loop of ``affine_range`` has no order, so its turns are taken backwards; its counter is a symbol, which can be
added and multiplied and be a place, but not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import ml_dtypes
import numpy as np

from tests.simulators.nki import instructions as engines
from tests.simulators.nki.instructions import Op
from tests.simulators.nki.memory import RefusedError, Rows, Slice, Tensor, check, number

float32, float16, bfloat16 = np.float32, np.float16, ml_dtypes.bfloat16
int32, uint8, uint16, uint32 = np.int32, np.uint8, np.uint16, np.uint32
sbuf, psum, hbm, private_hbm, shared_hbm = "sbuf", "psum", "hbm", "private_hbm", "shared_hbm"
add, subtract, multiply = Op("add"), Op("subtract"), Op("multiply")
maximum, minimum = Op("maximum"), Op("minimum")
equal, not_equal = Op("equal"), Op("not_equal")
greater, greater_equal, less, less_equal = Op("greater"), Op("greater_equal"), Op("less"), Op("less_equal")
exp, rsqrt, copy = Op("exp"), Op("rsqrt"), Op("copy")
ds = Slice


class Affine:
    """A counter of a loop, or a sum of multiples of counters and numbers."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __add__(self, other: Any) -> Any:
        return Affine(self.value + number(other))

    def __mul__(self, other: Any) -> Any:
        return Affine(self.value * number(other))

    def __rsub__(self, other: Any) -> Any:
        return Affine(number(other) - self.value)

    def __lt__(self, other: Any) -> bool:
        raise RefusedError("a counter's value is not known when the kernel is traced")

    __radd__, __rmul__, __gt__ = __add__, __mul__, __lt__


class Arange:
    """``nl.arange``, laid along one of two axes, and what is added to it and multiplied with it."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __getitem__(self, key: Any) -> Arange:
        check(
            key in ((slice(None), None), (None, slice(None))), "an arange is laid as [:, None] or [None, :]"
        )
        return Arange(self.values[key])

    def __add__(self, other: Any) -> Arange:
        return Arange(self.values + (other.values if isinstance(other, Arange) else number(other)))

    def __mul__(self, other: Any) -> Arange:
        return Arange(self.values * number(other))

    __radd__, __rmul__ = __add__, __mul__


def arange(stop: int) -> Arange:
    return Arange(np.arange(stop))


def affine_range(*bounds: int) -> Iterator[Affine]:
    return (Affine(turn) for turn in reversed(range(*bounds)))


def static_range(*bounds: int) -> Iterator[int]:
    return iter(range(*bounds))


class tensor(Tensor):
    """A tensor that instructions' results are assigned to."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, tuple) or not any(isinstance(at, Arange | Tensor) for at in key):
            return super().__getitem__(key)
        check(len(key) == 2, "an indirect access has two indices")
        rows, columns = key
        if self.buffer == "hbm":
            along = isinstance(columns, Arange) and columns.values.shape == (1, self.shape[1])
            check(isinstance(rows, Tensor) and along, "a tile's numbers choose whole rows")
            check(bool((columns.values == np.arange(self.shape[1])).all()), "whole rows, in order")
            return Rows(self, rows)
        down = isinstance(rows, Arange) and rows.values.shape == (self.shape[0], 1)
        check(
            down and bool((rows.values[:, 0] == np.arange(self.shape[0])).all()), "all partitions, in order"
        )
        return super().__getitem__((slice(None), Slice(columns, 1)))

    def __setitem__(self, key: Any, value: Tensor) -> None:
        target = self[key]
        check(self.buffer != "hbm", "memory is reached by nl.store")
        check(
            target is not value and target.dtype == value.dtype, f"{value.dtype} assigned to {target.dtype}"
        )
        engines.tensor_copy(target, value)

    def __iadd__(self, value: Tensor) -> Self:
        check(
            self.buffer == value.buffer == "psum" and value.storage.begun,
            "only products are added up, in PSUM",
        )
        engines.alike(self, value)
        self.data += value.data
        return self


def ndarray(shape: tuple[int, ...], dtype: Any, *, buffer: str = sbuf) -> tensor:
    return tensor.fresh(shape, dtype, buffer)


def zeros(shape: tuple[int, ...], dtype: Any, *, buffer: str = sbuf) -> tensor:
    found = ndarray(shape, dtype, buffer=buffer)
    found.data.fill(0)
    return found


def load(src: Tensor) -> tensor:
    found = ndarray(src.shape, src.dtype)
    engines.dma(found, src)
    return found


def store(dst: Tensor, value: Tensor) -> None:
    engines.dma(dst, value)


def broadcast_to(src: Tensor, *, shape: tuple[int, ...]) -> tensor:
    """One partition to many."""
    engines.on_chip(src)
    check(src.shape == (1, *shape[1:]), f"{src.shape} is not one partition of {shape}")
    found = ndarray(shape, src.dtype)
    found.write(np.broadcast_to(src.read(), shape))
    return found
