"""Places of a tile program: index expressions and what names them, and the tiles in a core's buffer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from runners.kernels.expr import Array

Dtype = Literal["f32", "bf16", "f16", "i32", "mask"]
Role = Literal["input", "output", "work"]
IndexOp = Literal["+", "-", "*", "//", "%", "min"]
ELEMENT_BITS: dict[Dtype, int] = {"f32": 32, "i32": 32, "bf16": 16, "f16": 16, "mask": 1}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A constant of the program, a loop's variable, a :class:`Let`, a :class:`Read`, or ``capacity``."""

    name: str


@dataclass(frozen=True, slots=True)
class Combined:
    """Integer arithmetic on indices, none of which is negative."""

    op: IndexOp
    left: Index
    right: Index


Index = int | Symbol | Combined
"""Counts elements, rows or tiles. 64 bits."""

CAPACITY, BLOCK, BLOCKS = Symbol("capacity"), Symbol("block"), Symbol("blocks")
"""The tokens that an array has room for; the number of this core, and how many cores run the program."""


def plus(left: Index, right: Index) -> Index:
    """The sum, without a zero."""
    return right if left == 0 else left if right == 0 else Combined("+", left, right)


def times(left: Index, right: Index) -> Index:
    """The product, without a zero or a one."""
    if left == 0 or right == 0:
        return 0
    return right if left == 1 else left if right == 1 else Combined("*", left, right)


def times_all(lengths: Iterable[Index]) -> Index:
    """All of them multiplied."""
    product: Index = 1
    for length in lengths:
        product = times(product, length)
    return product


@dataclass(frozen=True, slots=True)
class Read:
    """The symbol ``name`` becomes the first element of ``array``, an i32, read where the program runs."""

    name: str
    array: Array


@dataclass(frozen=True, slots=True)
class Let:
    """The symbol ``name`` stands for ``value`` from here on, inside the present loop."""

    name: str
    value: Index


@dataclass(frozen=True, slots=True)
class Tile:
    """A place in the buffer. ``cols`` are padded so that each row begins at a multiple of 32 bytes.

    An ``input`` is what a :class:`Load` fills, and it counts to the end of the loop that loads it; an ``output`` is
    computed and then leaves by one :class:`Store`. With two ``buffers`` the next tile is copied while this one is
    worked on. Of ``work`` there is one, and it lasts.
    """

    name: str
    dtype: Dtype
    rows: int
    cols: int
    role: Role = "work"
    buffers: int = 1

    @property
    def bytes(self) -> int:
        """What all its buffers take."""
        return self.buffers * self.rows * self.cols * ELEMENT_BITS[self.dtype] // 8
