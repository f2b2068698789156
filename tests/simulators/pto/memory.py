"""Tiles and tensor views as they are when the program runs. What was never written is no number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.simulators.pto.tile_types import HELD, Refused, TileType

POISON: dict[str, Any] = {
    "f32": np.float32(np.nan), "f16": np.float16(np.nan), "bf16": np.uint16(0x7FC0),
    "i32": np.int32(-0x5A5A5A5B), "i8": np.int8(-0x5B),
}  # fmt: skip


class Buffer:
    """A place in the unified buffer; ``mask`` stands in for packed bits, in a layout that is the machine's own."""

    __slots__ = ("flat", "mask")

    def __init__(self, kind: TileType) -> None:
        self.flat = np.full(kind.rows * kind.cols, POISON[kind.dtype], HELD[kind.dtype])
        self.mask: Any = None


class Tile:
    """A buffer seen with a shape and a valid region. Another tile may be the same buffer seen otherwise."""

    __slots__ = ("_valid", "buffer", "grid", "kind", "start", "whole")

    def __init__(self, kind: TileType, buffer: Buffer, start: int = 0) -> None:
        self.kind, self.buffer, self.start = kind, buffer, start
        self._valid: tuple[int, int] | None = None
        self.whole = False
        self.grid = buffer.flat[start : start + kind.rows * kind.cols].reshape(kind.rows, kind.cols)
        if kind.valid_rows is not None and kind.valid_cols is not None:
            self.see(kind.valid_rows, kind.valid_cols)

    def see(self, rows: int, cols: int) -> None:
        """From now on so many rows and columns count."""
        if not (1 <= rows <= self.kind.rows and 1 <= cols <= self.kind.cols):
            raise Refused(f"{rows} x {cols} of {self.kind.rows} x {self.kind.cols} cannot be valid")
        self._valid = rows, cols
        self.whole = self._valid == (self.kind.rows, self.kind.cols)

    @property
    def valid(self) -> tuple[int, int]:
        """Rows and columns that count."""
        if self._valid is None:
            raise Refused("a tile's valid region was never set")
        return self._valid

    def read(self) -> Any:
        """The valid region, as numbers that NumPy computes with."""
        if self.buffer.mask is not None:
            raise Refused("packed bits are read by tsel alone")
        rows, cols = self.valid
        found = self.grid if self.whole else self.grid[:rows, :cols]
        return widened(found) if self.kind.dtype == "bf16" else found

    def write(self, numbers: Any) -> None:
        """The valid region becomes ``numbers``; what lies beyond it in the tile may be anything."""
        rows, cols = self.valid
        self.buffer.mask = None
        if self.whole:
            self.grid[...] = numbers
            return
        self.grid[:rows, :cols] = numbers
        self.grid[rows:], self.grid[:rows, cols:] = (POISON[self.kind.dtype],) * 2


def widened(bits: Any) -> Any:
    """bf16 in bits as f32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def narrowed(numbers: Any, mode: str) -> Any:
    """f32 as the bits of bf16, rounded as ``mode`` says."""
    bits: Any = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    to_even = ((bits >> 16) & 1) + np.uint32(0x7FFF)
    extra: dict[str, Any] = {"CAST_RINT": to_even, "ROUND": np.uint32(0x8000), "TRUNC": np.uint32(0)}
    rounded = ((bits + extra[mode]) >> 16).astype(np.uint16)
    return np.where(np.isnan(numbers), np.uint16(0x7FC0), rounded)


@dataclass(slots=True)
class View:
    """A tensor in the device's memory: ``numbers`` is its array, flat; every extent lies inside it."""

    numbers: Any
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        last = sum((extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True))
        if min(self.shape) < 1 or min(self.strides) < 0 or last >= len(self.numbers):
            raise Refused(f"a view of {self.shape} by {self.strides} on an array of {len(self.numbers)}")

    def window(self, offsets: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
        """The part as an array that shares its memory."""
        for offset, size, extent in zip(offsets, sizes, self.shape, strict=True):
            if offset < 0 or size < 1 or offset + size > extent:
                raise Refused(f"a window of {sizes} at {offsets} leaves a view of {self.shape}")
        start = sum(offset * stride for offset, stride in zip(offsets, self.strides, strict=True))
        step = self.numbers.itemsize
        return np.lib.stride_tricks.as_strided(
            self.numbers[start:], sizes, tuple(stride * step for stride in self.strides)
        )
