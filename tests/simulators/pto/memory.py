"""Tiles and tensor views as they are when the program runs. What was never written is no number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tests.simulators.pto.tile_types import HELD, Refused, TileType

POISON: dict[str, Any] = {
    "f32": np.float32(np.nan), "f16": np.float16(np.nan), "bf16": np.uint16(0x7FC0),
    "i32": np.int32(-0x5A5A5A5B), "i8": np.int8(-0x5B),
}  # fmt: skip


class Buffer:
    """A place in the unified buffer; ``mask`` stands in for packed bits, in a layout that is the machine's own.

    ``scalar``: the scalar pipe has written it, and no barrier of all pipes has come since.
    """

    __slots__ = ("flat", "mask", "scalar")
    written_by_scalar_pipe: ClassVar[list[Buffer]] = []

    def __init__(self, kind: TileType) -> None:
        self.flat = np.full(kind.rows * kind.cols, POISON[kind.dtype], HELD[kind.dtype])
        self.mask: Any = None
        self.scalar = False

    @classmethod
    def barrier(cls) -> None:
        """All pipes wait for each other."""
        for buffer in cls.written_by_scalar_pipe:
            buffer.scalar = False
        cls.written_by_scalar_pipe.clear()


class Tile:
    """A buffer seen with a shape and a valid region. Another tile may be the same buffer seen otherwise."""

    __slots__ = ("_valid", "buffer", "grid", "kind", "part", "start", "whole")

    def __init__(self, kind: TileType, buffer: Buffer, start: int = 0, *, part: bool = False) -> None:
        self.kind, self.buffer, self.start, self.part = kind, buffer, start, part
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
        self._settled()
        if self.buffer.mask is not None:
            raise Refused("packed bits are read by tsel alone")
        rows, cols = self.valid
        found = self.grid if self.whole else self.grid[:rows, :cols]
        return widened(found) if self.kind.dtype == "bf16" else found

    def write(self, numbers: Any) -> None:
        """The valid region becomes ``numbers``; what lies beyond it in the tile may be anything."""
        self._settled()
        rows, cols = self.valid
        self.buffer.mask = None
        if self.whole:
            self.grid[...] = numbers
            return
        self.grid[:rows, :cols] = numbers
        self.grid[rows:], self.grid[:rows, cols:] = (POISON[self.kind.dtype],) * 2

    def write_by_scalar_pipe(self, numbers: Any) -> None:
        """The same by the pipe that the assembler's synchronisation leaves out."""
        self.write(numbers)
        self.buffer.scalar = True
        Buffer.written_by_scalar_pipe.append(self.buffer)

    def _settled(self) -> None:
        if self.buffer.scalar:
            raise Refused("what the scalar pipe writes needs a barrier of all pipes")


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


class Memory:
    """An array in the device's memory, flat, and which core of this launch has written which element."""

    __slots__ = ("numbers", "writers")

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers
        self.writers: Any = None  # for each element the core's number and one; nothing while none is written

    def read(self, part: Part) -> Any:
        """The part; what another core writes in the same launch may or may not be there yet."""
        if self.writers is not None and (part.of(self.writers) > 0).any():
            raise Refused("what is written in a launch is read in it too")
        return part.of(self.numbers)

    def write(self, part: Part, numbers: Any, core: int) -> None:
        """The part becomes ``numbers``; no two cores write one element."""
        if self.writers is None:
            self.writers = np.zeros(len(self.numbers), np.int16)
        writers = part.of(self.writers)
        if ((writers != 0) & (writers != core + 1)).any():
            raise Refused("two cores write the same element")
        writers[...] = core + 1
        part.of(self.numbers)[...] = numbers


@dataclass(frozen=True, slots=True)
class Part:
    """A place in an array: where it begins, and its extents and strides in elements."""

    memory: Memory
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, flat: Any) -> Any:
        """The same place in ``flat``, sharing its memory."""
        strides = tuple(stride * flat.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(flat[self.start :], self.shape, strides)


@dataclass(frozen=True, slots=True)
class View:
    """A tensor in the device's memory; every extent lies inside the array."""

    memory: Memory
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        last, length = self._place(tuple(extent - 1 for extent in self.shape)), len(self.memory.numbers)
        if min(self.shape) < 1 or min(self.strides) < 0 or last >= length:
            raise Refused(f"a view of {self.shape} by {self.strides} on an array of {length}")

    def window(self, offsets: tuple[int, ...], sizes: tuple[int, ...]) -> Part:
        """A part of it."""
        for offset, size, extent in zip(offsets, sizes, self.shape, strict=True):
            if offset < 0 or size < 1 or offset + size > extent:
                raise Refused(f"a window of {sizes} at {offsets} leaves a view of {self.shape}")
        return Part(self.memory, self._place(offsets), sizes, self.strides)

    def _place(self, index: tuple[int, ...]) -> int:
        return sum(place * stride for place, stride in zip(index, self.strides, strict=True))
