"""The types of the PTO dialect that the emitted texts use, read from their spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

BYTES = {"f32": 4, "i32": 4, "bf16": 2, "f16": 2, "i8": 1, "i64": 8}
HELD: dict[str, Any] = {
    "f32": np.float32, "i32": np.int32, "bf16": np.uint16, "f16": np.float16, "i8": np.int8,
}  # fmt: skip
"""What an element type is held as; bf16 as its bits."""
_TILE = re.compile(
    r"!pto\.tile_buf<loc=(\w+), dtype=(\w+), rows=(\d+), cols=(\d+), v_row=(\d+|\?), v_col=(\d+|\?), "
    r"blayout=(\w+), slayout=(\w+), fractal=(\d+), pad=(\d+)>"
)
_POINTER = re.compile(r"!pto\.ptr<(\w+)>")
_VIEW = re.compile(r"!pto\.(partition_)?tensor_view<((?:(?:\d+|\?)x)+)(\w+)>")


class Refused(Exception):
    """What the dialect, its assembler or the machine would not take, or leave undefined."""


@dataclass(frozen=True, slots=True)
class TileType:
    """A tile in the unified buffer; a valid extent of None is known when it runs only."""

    dtype: str
    rows: int
    cols: int
    valid_rows: int | None
    valid_cols: int | None
    row_major: bool

    @property
    def bytes(self) -> int:
        """What it takes of the buffer."""
        return self.rows * self.cols * BYTES[self.dtype]

    @property
    def valid(self) -> tuple[int | None, int | None]:
        """Rows and columns that count."""
        return self.valid_rows, self.valid_cols


@dataclass(frozen=True, slots=True)
class PointerType:
    """An address in the device's memory."""

    dtype: str


@dataclass(frozen=True, slots=True)
class ViewType:
    """A tensor view, or (``part``) a window of one; an extent of None is known when it runs only."""

    dtype: str
    shape: tuple[int | None, ...]
    part: bool


Type = TileType | PointerType | ViewType | str
"""A string: a type of MLIR itself, such as ``index`` or ``f32``."""


def parse(text: str) -> Type:
    """The type with this spelling.

    Raises:
        Refused: it is not one that the texts use, or a tile that cannot be.
    """
    if found := _TILE.fullmatch(text):
        return _tile(*found.groups())
    if found := _POINTER.fullmatch(text):
        return PointerType(_known(found[1]))
    if found := _VIEW.fullmatch(text):
        shape = tuple(_extent(part) for part in found[2][:-1].split("x"))
        return ViewType(_known(found[3]), shape, bool(found[1]))
    if text in ("index", "f32", "i32", "i64", "i1"):
        return text
    raise Refused(f"no such type: {text}")


def _extent(text: str) -> int | None:
    return None if text == "?" else int(text)


def _known(dtype: str) -> str:
    if dtype not in HELD:
        raise Refused(f"no such element type: {dtype}")
    return dtype


def _tile(loc: str, dtype: str, rows: str, cols: str, v_row: str, v_col: str, *layout: str) -> TileType:
    blayout, slayout, fractal, pad = layout
    found = TileType(
        _known(dtype), int(rows), int(cols), _extent(v_row), _extent(v_col), blayout == "row_major"
    )
    if (loc, slayout, fractal, pad) != ("vec", "none_box", "512", "0") or blayout not in (
        "row_major",
        "col_major",
    ):
        raise Refused("a tile of the vector unit is in vec, without boxes or padding")
    together = found.cols if found.row_major else found.rows
    if together * BYTES[dtype] % 32:
        raise Refused(f"what lies together in a {rows} x {cols} tile of {dtype} is no multiple of 32 bytes")
    if not found.row_major and found.cols != 1:
        raise Refused("a column-major tile is a single column")
    for valid, physical in ((found.valid_rows, found.rows), (found.valid_cols, found.cols)):
        if valid is not None and not 1 <= valid <= physical:
            raise Refused(f"{valid} of {physical} rows or columns cannot be valid")
    if found.rows > 4095:
        raise Refused("a tile has 4095 rows at most")
    return found
