"""Families of operations on tiles: what they ask of their operands, and what they do.

An operation is a checker, run once on the operands' types, and a function, run on the tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.simulators.pto.lines import require
from tests.simulators.pto.memory import Tile
from tests.simulators.pto.tile_types import TileType, Type

Types = list[Type]
Numeric = ("f32", "f16", "i32")
Floating = ("f32", "f16")
TREES = ((64, 128), (32, 256), (16, 512), (8, 1024))
"""Tiles of f32 whose rows the ISA's library reduces all at once, in scratch of 1024 numbers."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``check`` gets the types; ``run`` the operands (tiles, numbers), and the attributes by their names."""

    check: Callable[[Types], None]
    run: Callable[..., None]
    attributes: tuple[str, ...] = ()


def tiles(types: Types) -> list[TileType]:
    """The types, all of which must be tiles'."""
    found = [kind for kind in types if isinstance(kind, TileType)]
    require(len(found) == len(types), "an operand is no tile")
    return found


def same_region(*operands: Tile) -> None:
    """All have one valid region."""
    require(len({tile.valid for tile in operands}) == 1, "the operands' valid regions differ")


def alike(kinds: list[TileType], dtypes: tuple[str, ...]) -> None:
    """All are row-major tiles of one shape and of one of the element types."""
    require(all(kind.row_major for kind in kinds), "elementwise operands are row-major")
    require(len({(kind.dtype, kind.rows, kind.cols) for kind in kinds}) == 1, "operands of different tiles")
    require(kinds[0].dtype in dtypes, f"not for {kinds[0].dtype}")


def elementwise(function: Any, count: int, dtypes: tuple[str, ...], apart: bool = False) -> Rule:
    """``out = function(ins)``; ``apart``: the output must be another buffer."""

    def check(types: Types) -> None:
        require(len(types) == count + 1, "a wrong number of operands")
        alike(tiles(types), dtypes)

    def run(*operands: Tile) -> None:
        *ins, out = operands
        same_region(*operands)
        require(not apart or all(tile.buffer is not out.buffer for tile in ins), "the output is an input too")
        out.write(function(*(tile.read() for tile in ins)))

    return Rule(check, run)


def with_number(function: Any, dtypes: tuple[str, ...]) -> Rule:
    """``out = function(in, number)`` in either order; the number is of the tile's own type."""

    def check(types: Types) -> None:
        require(len(types) == 3, "a wrong number of operands")
        numbers = [kind for kind in types[:2] if isinstance(kind, str)]
        kinds = tiles([kind for kind in types if not isinstance(kind, str)])
        require(len(numbers) == 1 and len(kinds) == 2, "one tile and one number go in")
        alike(kinds, dtypes)
        require(numbers[0] == kinds[0].dtype, "the number is of another type than the tile")

    def run(first: Any, second: Any, out: Tile) -> None:
        same_region(*(operand for operand in (first, second, out) if isinstance(operand, Tile)))
        left, right = (part.read() if isinstance(part, Tile) else part for part in (first, second))
        out.write(function(left, right))

    return Rule(check, run)


def row_reduction(function: Any, *, like_source: bool = False) -> Rule:
    """``out[r] = function over c of in[r, c]``; scratch of 64 lanes a row, or of the row if that is shorter.

    ``like_source``: the scratch has the source's valid region.
    """

    def check(types: Types) -> None:
        require(len(types) == 3, "a row reduction takes a tile and scratch")
        source, scratch, out = tiles(types)
        require(source.row_major and scratch.row_major, "what is reduced is row-major")
        require(source.dtype == scratch.dtype == out.dtype and source.dtype in Numeric, "types differ")
        tree = (source.rows, source.cols) in TREES
        enough = scratch.rows >= source.rows and scratch.cols >= min(source.cols, 64)
        require(enough and (not tree or scratch.rows * scratch.cols >= 1024), "too little scratch")
        require(out.cols == 1 or out.valid_cols in (1, None), "the result is a single column")

    def run(source: Tile, scratch: Tile, out: Tile) -> None:
        require(source.valid[0] == out.valid[0] and out.valid[1] == 1, "one number for each row")
        require(scratch.buffer is not source.buffer, "the scratch is an operand too")
        require(
            not like_source or scratch.valid == source.valid, "the scratch's valid region is not the source's"
        )
        found = function(source.read())
        scratch.write(np.nan)
        out.write(found)

    return Rule(check, run)


def row_expansion(function: Any, dtypes: tuple[str, ...], scratch: bool) -> Rule:
    """``out[r, c] = function(in[r, c], column[r])``; scratch of 32 bytes a row."""

    def check(types: Types) -> None:
        kinds = tiles(types)
        require(len(kinds) == 3 + scratch, "a wrong number of operands")
        source, column, out = kinds[0], kinds[1], kinds[-1]
        alike([source, out], dtypes)
        require(column.dtype == source.dtype, "types differ")
        require(not column.row_major and column.valid_cols in (1, None), "one number a row is column-major")
        room = -(-source.rows // 8) * 256
        require(not scratch or kinds[2].bytes >= min(room, 8192), "too little scratch")

    def run(source: Tile, column: Tile, *rest: Tile) -> None:
        same_region(source, rest[-1])
        require(column.valid == (source.valid[0], 1), "one number for each row")
        numbers = column.read().copy()
        for work in rest[:-1]:
            require(
                work.buffer not in (source.buffer, column.buffer, rest[-1].buffer), "scratch is an operand"
            )
            work.write(np.nan)
        rest[-1].write(function(source.read(), numbers))

    return Rule(check, run)


def column_expansion(function: Any) -> Rule:
    """``out[r, c] = function(in[r, c], row[c])``."""

    def check(types: Types) -> None:
        source, row, out = tiles(types)
        alike([source, out], Numeric)
        require(row.row_major and row.dtype == source.dtype, "types differ")

    def run(source: Tile, row: Tile, out: Tile) -> None:
        same_region(source, out)
        require(row.valid[1] == out.valid[1], "one number for each column")
        out.write(function(source.read(), row.read()[:1]))

    return Rule(check, run)
