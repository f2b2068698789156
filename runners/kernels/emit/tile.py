"""A tile program: what a core with a buffer of its own does, tile by tile. AscendC and PTO-MLIR print it.

A core copies tiles of the arrays into its unified buffer, works on them there with a vector unit, and copies
results back. A :class:`Program` says that and no more: no synchronisation, no place in the buffer. A language
derives both from the tiles' roles and from the order of the statements.

A tile is ``rows`` times ``cols`` elements; its rows begin at multiples of 32 bytes. A statement says how much of
a tile counts, from its first row and column on; what lies beyond may be anything, also no number, and
is never part of a result. A *row* is a tile of one row; the *numbers* of a tile's rows lie together as a row; a
*number* is a row of which one element counts. Where a statement does not say ``rows``, its tiles are rows.

A statement's first field is the tile that it writes. It may be an operand too, unless the statement says otherwise.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from runners.kernels.emit.tile_place import Index, Tile
from runners.kernels.emit.tile_place import Let as Let
from runners.kernels.emit.tile_place import Read as Read
from runners.kernels.expr import Array, Kernel
from runners.kernels.sizes import Sizes, Storage

BinaryOp = Literal["+", "-", "*", "/", "max"]


@dataclass(frozen=True, slots=True)
class For:
    """``body`` for ``name`` = ``start``, ``start + step``, ... below ``stop``."""

    name: str
    start: Index
    stop: Index
    step: Index
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """``out[r, c]`` = the element ``offset + r * stride + c`` of ``array``, in C order and of ``out``'s type."""

    out: Tile
    array: Array
    offset: Index
    cols: Index
    rows: Index = 1
    stride: Index = 0


@dataclass(frozen=True, slots=True)
class Store:
    """The elements of ``array`` from ``offset`` on become those of the output row ``x``."""

    x: Tile
    array: Array
    offset: Index
    cols: Index


@dataclass(frozen=True, slots=True)
class Cast:
    """``out`` = ``x`` in ``out``'s type: to the nearest even where it is narrower; to i32 whole numbers only."""

    out: Tile
    x: Tile
    cols: Index
    rows: Index = 1


@dataclass(frozen=True, slots=True)
class Binary:
    """``out`` = ``left`` op ``right``, element by element, in f32."""

    out: Tile
    op: BinaryOp
    left: Tile
    right: Tile
    cols: Index


@dataclass(frozen=True, slots=True)
class Scalar:
    """``out`` = ``x`` + or * ``value``; ``over``: ``value / x``, where ``out`` is not ``x``."""

    out: Tile
    op: Literal["+", "*", "over"]
    x: Tile
    value: float
    cols: Index


@dataclass(frozen=True, slots=True)
class Unary:
    """``out`` = the function of ``x``, element by element, as exact as f32 allows."""

    out: Tile
    op: Literal["exp", "sqrt"]
    x: Tile
    cols: Index


@dataclass(frozen=True, slots=True)
class Fill:
    """``out`` = ``value`` everywhere."""

    out: Tile
    value: float
    cols: Index


@dataclass(frozen=True, slots=True)
class Count:
    """``out[c]`` = ``c``, as f32: below 2^24, so exact."""

    out: Tile
    cols: Index


@dataclass(frozen=True, slots=True)
class Reduce:
    """The number ``out`` = the sum, the largest or the smallest of the row ``x``, which stays as it is.

    ``work`` is another tile of ``x``'s shape for what a language keeps meanwhile.
    """

    out: Tile
    op: Literal["sum", "max", "min"]
    x: Tile
    work: Tile
    cols: Index


@dataclass(frozen=True, slots=True)
class RowDots:
    """``out[r]`` = the sum over c of ``x[r, c] * row[start + c]``: a tile of a matrix times a vector.

    ``x`` may be lost.
    """

    out: Tile
    x: Tile
    row: Tile
    start: Index
    rows: Index
    cols: Index


@dataclass(frozen=True, slots=True)
class RowExpand:
    """``out[r, c]`` = ``x[r, c]`` op ``numbers[r]``. ``work`` has 8 columns for each row of ``x``."""

    out: Tile
    op: BinaryOp
    x: Tile
    numbers: Tile
    work: Tile
    cols: Index
    rows: Index = 1


@dataclass(frozen=True, slots=True)
class ColumnSum:
    """``out[c]`` = the sum over r of ``x[r, c]``. ``x`` may be lost; ``out`` is not ``x``."""

    out: Tile
    x: Tile
    rows: Index
    cols: Index


@dataclass(frozen=True, slots=True)
class Compare:
    """The bits ``out[c]`` = whether ``left[c]`` is greater than, or equal to, ``right[c]``."""

    out: Tile
    op: Literal[">", "=="]
    left: Tile
    right: Tile
    cols: Index


@dataclass(frozen=True, slots=True)
class Select:
    """``out[c]`` = ``left[c]`` where ``mask`` has a one, ``right[c]`` elsewhere."""

    out: Tile
    mask: Tile
    left: Tile
    right: Tile
    cols: Index


Rowwise = Binary | Scalar | Unary | Fill | Count | Compare | Select
"""What is done to each element of a row."""
Compute = Cast | Rowwise | Reduce | RowDots | RowExpand | ColumnSum
Statement = Read | Let | For | Load | Store | Compute


@dataclass(frozen=True, slots=True)
class Program:
    """A kernel as tiles. ``constants``: name to value and what it means, in the order of their use.

    Every core runs it; the loops over tiles take every ``blocks``-th one, so that any number of cores will do.
    ``launch`` is a good number of them. ``how`` says in a sentence how the work is spread.
    """

    kernel: Kernel
    sizes: Sizes
    storage: Storage
    constants: dict[str, tuple[int, str]]
    tiles: tuple[Tile, ...]
    body: tuple[Statement, ...]
    launch: int
    how: str

    @property
    def bytes(self) -> int:
        """What all tiles take of the buffer."""
        return sum(tile.bytes for tile in self.tiles)

    @property
    def head(self) -> list[str]:
        """What a text says first, as ``//`` comments: what it computes, of which arrays, and how it is launched."""
        launch = f"{self.how} Launch: {self.launch} blocks; any number will do."
        if self.launch == 1:
            launch = "Launch: 1 block, as there is no more to do at once."
        parts = (self.kernel.doc, self.kernel.signature, launch)
        return [f"// {line}" for part in parts for line in textwrap.wrap(part, 100)]


def walk(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """All statements, those of a loop after it."""
    for statement in body:
        yield statement
        if isinstance(statement, For):
            yield from walk(statement.body)


def operands(statement: Compute) -> tuple[Tile, ...]:
    """The tiles that a statement reads or keeps something in; what it writes is its first field."""
    values = [getattr(statement, field.name) for field in fields(statement)[1:]]
    return tuple(value for value in values if isinstance(value, Tile))
