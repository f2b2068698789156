"""What each operation on tiles does, and what its operands must be: by the manual of PTOAS and the ISA's docs.

An operation is a checker, run once on the operands' types, and a function, run on the tiles. Arithmetic is in
the tile's own type; a sum of a row is NumPy's pairwise one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.simulators.pto.memory import Tile, narrowed
from tests.simulators.pto.types import Refused, TileType, Type

Types = list[Type]
Attributes = dict[str, str]
Numeric = ("f32", "f16", "i32")
Floating = ("f32", "f16")
ESTIMATE = np.float32(1 + 2**-10)
"""trsqrt is the hardware's estimate on an a3: it is off by more than f32 rounds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``check`` gets the types; ``run`` the operands (tiles, numbers) and the attributes."""

    check: Callable[[Types], None]
    run: Callable[..., None]
    attributes: tuple[str, ...] = ()


def require(holds: bool, complaint: str) -> None:
    """Refuse with ``complaint`` unless it holds."""
    if not holds:
        raise Refused(complaint)


def tiles(types: Types) -> list[TileType]:
    """The types, all of which must be tiles'."""
    found = [kind for kind in types if isinstance(kind, TileType)]
    require(len(found) == len(types), "an operand is no tile")
    return found


def same_region(*operands: Tile) -> None:
    """All have one valid region."""
    require(len({tile.valid for tile in operands}) == 1, "the operands' valid regions differ")


def _alike(kinds: list[TileType], dtypes: tuple[str, ...]) -> None:
    require(all(kind.row_major for kind in kinds), "elementwise operands are row-major")
    require(len({(kind.dtype, kind.rows, kind.cols) for kind in kinds}) == 1, "operands of different tiles")
    require(kinds[0].dtype in dtypes, f"not for {kinds[0].dtype}")


def elementwise(function: Any, count: int, dtypes: tuple[str, ...], apart: bool = False) -> Rule:
    """``out = function(ins)``; ``apart``: the output must be another buffer."""

    def check(types: Types) -> None:
        require(len(types) == count + 1, "a wrong number of operands")
        _alike(tiles(types), dtypes)

    def run(attributes: Attributes, *operands: Tile) -> None:
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
        _alike(kinds, dtypes)
        require(numbers[0] == kinds[0].dtype, "the number is of another type than the tile")

    def run(attributes: Attributes, first: Any, second: Any, out: Tile) -> None:
        same_region(*(operand for operand in (first, second, out) if isinstance(operand, Tile)))
        left, right = (part.read() if isinstance(part, Tile) else part for part in (first, second))
        out.write(function(left, right))

    return Rule(check, run)


def row_reduction(function: Any) -> Rule:
    """``out[r] = function over c of in[r, c]``; scratch of 64 lanes a row, or of the row if that is shorter."""

    def check(types: Types) -> None:
        require(len(types) == 3, "a row reduction takes a tile and scratch")
        source, scratch, out = tiles(types)
        require(source.row_major and scratch.row_major, "what is reduced is row-major")
        require(source.dtype == scratch.dtype == out.dtype and source.dtype in Numeric, "types differ")
        enough = scratch.rows >= source.rows and scratch.cols >= min(source.cols, 64)
        require(enough, "too little scratch")
        require(out.cols == 1 or out.valid_cols in (1, None), "the result is a single column")

    def run(attributes: Attributes, source: Tile, scratch: Tile, out: Tile) -> None:
        require(source.valid[0] == out.valid[0] and out.valid[1] == 1, "one number for each row")
        require(scratch.buffer is not source.buffer, "the scratch is an operand too")
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
        _alike([source, out], dtypes)
        require(column.dtype == source.dtype, "types differ")
        require(not column.row_major and column.valid_cols in (1, None), "one number a row is column-major")
        room = -(-source.rows // 8) * 256
        require(not scratch or kinds[2].bytes >= min(room, 8192), "too little scratch")

    def run(attributes: Attributes, source: Tile, column: Tile, *rest: Tile) -> None:
        same_region(source, rest[-1])
        require(column.valid == (source.valid[0], 1), "one number for each row")
        numbers = column.read().copy()
        for work in rest[:-1]:
            require(work.buffer not in (source.buffer, column.buffer, rest[-1].buffer), "scratch is an operand")
            work.write(np.nan)
        rest[-1].write(function(source.read(), numbers))

    return Rule(check, run)


def _expand_check(types: Types) -> None:
    column, out = tiles(types)
    require(out.row_major and column.dtype == out.dtype, "types or layouts differ")
    require(not column.row_major, "one number a row is column-major")


def _expand(attributes: Attributes, column: Tile, out: Tile) -> None:
    require(column.valid == (out.valid[0], 1), "one number for each row")
    out.write(column.read())


def column_expansion(function: Any) -> Rule:
    """``out[r, c] = function(in[r, c], row[c])``."""

    def check(types: Types) -> None:
        source, row, out = tiles(types)
        _alike([source, out], Numeric)
        require(row.row_major and row.dtype == source.dtype, "types differ")

    def run(attributes: Attributes, source: Tile, row: Tile, out: Tile) -> None:
        same_region(source, out)
        require(row.valid[1] == out.valid[1], "one number for each column")
        out.write(function(source.read(), row.read()[:1]))

    return Rule(check, run)


def _colsum_check(types: Types) -> None:
    source, out = tiles(types)
    require(source.row_major and out.row_major and source.dtype == out.dtype, "types or layouts differ")
    require(source.dtype in Numeric, f"not for {source.dtype}")


def _colsum(attributes: Attributes, source: Tile, out: Tile) -> None:
    require(out.valid == (1, source.valid[1]), "one number for each column")
    require(source.buffer is not out.buffer, "the output is the input too")
    out.write(source.read().sum(axis=0, keepdims=True))


def _fill_check(types: Types) -> None:
    require(len(types) == 2 and isinstance(types[1], TileType), "a number fills a tile")
    require(types[0] == types[1].dtype and types[1].row_major, "the number is of another type")  # type: ignore[union-attr]


def _fill(attributes: Attributes, number: Any, out: Tile) -> None:
    out.write(number)


def _count_check(types: Types) -> None:
    _fill_check(types)
    require(types[0] == "i32" and isinstance(types[1], TileType) and types[1].rows == 1, "a row of i32 is counted")


def _count(attributes: Attributes, start: int, out: Tile) -> None:
    out.write(np.arange(start, start + out.valid[1], dtype=np.int32))


CONVERSIONS = {("bf16", "f32"), ("f16", "f32"), ("f32", "bf16"), ("f32", "f16"), ("f32", "i32"), ("i32", "f32")}


def _convert_check(types: Types) -> None:
    source, out = tiles(types)
    require((source.dtype, out.dtype) in CONVERSIONS, f"no conversion of {source.dtype} to {out.dtype}")
    require((source.rows, source.cols) == (out.rows, out.cols), "tiles of different shapes")
    require(source.row_major and out.row_major, "what is converted is row-major")


def _convert(attributes: Attributes, source: Tile, out: Tile) -> None:
    same_region(source, out)
    mode = attributes.get("rmode", "#pto<round_mode CAST_RINT>").removeprefix("#pto<round_mode ").rstrip(">")
    require(mode in ("CAST_RINT", "TRUNC", "ROUND"), f"no rounding mode {mode}")
    numbers = source.read()
    with np.errstate(over="ignore", invalid="ignore"):
        if out.kind.dtype == "bf16":
            out.write(narrowed(numbers, mode))
        elif out.kind.dtype == "f16":
            require(mode == "CAST_RINT", f"f16 is not rounded by {mode} here")
            out.write(numbers.astype(np.float16))
        elif out.kind.dtype == "i32":
            out.write(np.rint(numbers).astype(np.int32))
        else:
            out.write(numbers.astype(np.float32))


COMPARISONS = {"greater_than": np.greater, "equal": np.equal, "less_than": np.less, "greater_equal": np.greater_equal}


def _compare_check(types: Types) -> None:
    left, right, mask = tiles(types)
    _alike([left, right], Floating)
    bits = mask.cols * 8 >= left.cols and mask.rows >= left.rows
    require(mask.dtype == "i8" and mask.row_major and bits, "the mask is a bit an element, in i8")


def _compare(attributes: Attributes, left: Tile, right: Tile, mask: Tile) -> None:
    same_region(left, right)
    mode = attributes.get("cmpMode", "").removeprefix("#pto<cmp ").rstrip(">")
    require(mode in COMPARISONS, f"no comparison {mode}")
    require(left.valid[0] == mask.valid[0], "a row of bits for each row")
    one, other = left.read(), right.read()
    unknown = np.isnan(one) | np.isnan(other)
    mask.buffer.mask = np.where(unknown, -1, COMPARISONS[mode](one, other))


def _select_check(types: Types) -> None:
    require(len(types) == 5, "tsel takes a mask, two tiles and scratch")
    mask, left, right, scratch, out = tiles(types)
    _alike([left, right, out], Numeric)
    require(mask.dtype == "i8" and scratch.dtype == "i32" and scratch.bytes >= 8, "mask of i8, scratch of i32")


def _select(attributes: Attributes, mask: Tile, left: Tile, right: Tile, scratch: Tile, out: Tile) -> None:
    same_region(left, right, out)
    bits = mask.buffer.mask
    require(bits is not None and bits.shape == left.valid, "the mask is not of a comparison of such tiles")
    poison = np.nan if out.kind.dtype != "i32" else -(2**31)
    out.write(np.where(bits == -1, poison, np.where(bits == 1, left.read(), right.read())))


def _copied(x: Any) -> Any:
    return x


def _estimate(x: Any) -> Any:
    return ESTIMATE / np.sqrt(x)


def _reciprocal(x: Any) -> Any:
    return (1 / x).astype(x.dtype)


RULES: dict[str, Rule] = {
    "pto.tadd": elementwise(np.add, 2, Numeric),
    "pto.tsub": elementwise(np.subtract, 2, Numeric),
    "pto.tmul": elementwise(np.multiply, 2, Numeric),
    "pto.tdiv": elementwise(np.divide, 2, Floating),
    "pto.tmax": elementwise(np.maximum, 2, Numeric),
    "pto.texp": elementwise(np.exp, 1, Floating),
    "pto.tsqrt": elementwise(np.sqrt, 1, Floating),
    "pto.trsqrt": elementwise(_estimate, 1, Floating),
    "pto.trecip": elementwise(_reciprocal, 1, Floating, apart=True),
    "pto.tmov": elementwise(_copied, 1, ("f32", "f16", "bf16", "i32")),
    "pto.tadds": with_number(np.add, Numeric),
    "pto.tmuls": with_number(np.multiply, Numeric),
    "pto.tdivs": with_number(np.divide, Floating),
    "pto.texpands": Rule(_fill_check, _fill),
    "pto.tci": Rule(_count_check, _count),
    "pto.tcvt": Rule(_convert_check, _convert, ("rmode",)),
    "pto.trowsum": row_reduction(lambda x: x.sum(axis=1, keepdims=True)),
    "pto.trowmax": row_reduction(lambda x: x.max(axis=1, keepdims=True)),
    "pto.trowmin": row_reduction(lambda x: x.min(axis=1, keepdims=True)),
    "pto.trowexpandmul": row_expansion(np.multiply, Floating, scratch=True),
    "pto.trowexpanddiv": row_expansion(np.divide, Floating, scratch=True),
    "pto.trowexpandsub": row_expansion(np.subtract, Floating, scratch=True),
    "pto.trowexpandadd": row_expansion(np.add, Floating, scratch=False),
    "pto.trowexpand": Rule(_expand_check, _expand),
    "pto.tcolexpandmul": column_expansion(np.multiply),
    "pto.tcolsum": Rule(_colsum_check, _colsum),
    "pto.tcmp": Rule(_compare_check, _compare, ("cmpMode",)),
    "pto.tsel": Rule(_select_check, _select),
}  # fmt: skip
