"""What each operation on tiles does, and what its operands must be: by the manual of PTOAS and the ISA's docs.

Arithmetic is in the tile's own type; a sum of a row is NumPy's pairwise one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.simulators.pto.lines import require
from tests.simulators.pto.memory import POISON, Tile, narrowed
from tests.simulators.pto.rules import (
    Floating,
    Numeric,
    Rule,
    Types,
    alike,
    column_expansion,
    elementwise,
    row_expansion,
    row_reduction,
    same_region,
    tiles,
    with_number,
)

ESTIMATE = np.float32(1 + 2**-10)
"""trsqrt is the hardware's estimate on an a3: it is off by more than f32 rounds."""


def _expand_check(types: Types) -> None:
    column, out = tiles(types)
    require(out.row_major and column.dtype == out.dtype, "types or layouts differ")
    require(not column.row_major, "one number a row is column-major")


def _expand(column: Tile, out: Tile) -> None:
    require(column.valid == (out.valid[0], 1), "one number for each row")
    out.write(column.read())


def _colsum_check(types: Types) -> None:
    source, out = tiles(types)
    require(source.row_major and out.row_major and source.dtype == out.dtype, "types or layouts differ")
    require(source.dtype in Numeric, f"not for {source.dtype}")


def _colsum(source: Tile, out: Tile) -> None:
    require(out.valid == (1, source.valid[1]), "one number for each column")
    require(source.buffer is not out.buffer, "the output is the input too")
    out.write(source.read().sum(axis=0, keepdims=True))


def _fill_check(types: Types) -> None:
    number, (out,) = types[0], tiles(types[1:])
    require(number == out.dtype and out.row_major, "the number is of another type")


def _fill(number: Any, out: Tile) -> None:
    out.write(number)


def _count_check(types: Types) -> None:
    _fill_check(types)
    require(types[0] == "i32" and tiles(types[1:])[0].rows == 1, "a row of i32 is counted")


def _count(start: int, out: Tile) -> None:
    out.write_by_scalar_pipe(np.arange(start, start + out.valid[1], dtype=np.int32))


CONVERSIONS = {
    ("bf16", "f32"),
    ("f16", "f32"),
    ("f32", "bf16"),
    ("f32", "f16"),
    ("f32", "i32"),
    ("i32", "f32"),
}


def _convert_check(types: Types) -> None:
    source, out = tiles(types)
    require((source.dtype, out.dtype) in CONVERSIONS, f"no conversion of {source.dtype} to {out.dtype}")
    require((source.rows, source.cols) == (out.rows, out.cols), "tiles of different shapes")
    require(source.row_major and out.row_major, "what is converted is row-major")


def _convert(source: Tile, out: Tile, rmode: str = "#pto<round_mode CAST_RINT>") -> None:
    same_region(source, out)
    mode = rmode.removeprefix("#pto<round_mode ").rstrip(">")
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


COMPARISONS = {
    "greater_than": np.greater,
    "equal": np.equal,
    "less_than": np.less,
    "greater_equal": np.greater_equal,
}


def _compare_check(types: Types) -> None:
    left, right, mask = tiles(types)
    alike([left, right], Floating)
    bits = mask.cols * 8 >= left.cols and mask.rows >= left.rows
    require(mask.dtype == "i8" and mask.row_major and bits, "the mask is a bit an element, in i8")


def _compare(left: Tile, right: Tile, mask: Tile, cmpMode: str = "") -> None:
    same_region(left, right)
    mode = cmpMode.removeprefix("#pto<cmp ").rstrip(">")
    require(mode in COMPARISONS, f"no comparison {mode}")
    require(left.valid[0] == mask.valid[0], "a row of bits for each row")
    one, other = left.read(), right.read()
    unknown = np.isnan(one) | np.isnan(other)
    mask.buffer.mask = np.where(unknown, -1, COMPARISONS[mode](one, other))


def _select_check(types: Types) -> None:
    require(len(types) == 5, "tsel takes a mask, two tiles and scratch")
    mask, left, right, scratch, out = tiles(types)
    alike([left, right, out], Numeric)
    require(
        mask.dtype == "i8" and scratch.dtype == "i32" and scratch.bytes >= 8, "mask of i8, scratch of i32"
    )


def _select(mask: Tile, left: Tile, right: Tile, scratch: Tile, out: Tile) -> None:
    same_region(left, right, out)
    bits = mask.buffer.mask
    require(bits is not None and bits.shape == left.valid, "the mask is not of a comparison of such tiles")
    chosen = np.where(bits == 1, left.read(), right.read())
    scratch.write(POISON["i32"])
    out.write(np.where(bits == -1, POISON[out.kind.dtype], chosen))


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
    "pto.trowmin": row_reduction(lambda x: x.min(axis=1, keepdims=True), like_source=True),
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
