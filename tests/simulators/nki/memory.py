"""The simulator's tensors: NumPy arrays that know which memory they are in, and what may be done there.

Fresh memory holds no number. What lies on the chip is counted while anything refers to it.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]
Buffer = Literal["sbuf", "psum", "hbm"]
BUFFERS: dict[str, Buffer] = {
    "sbuf": "sbuf", "psum": "psum", "hbm": "hbm", "private_hbm": "hbm", "shared_hbm": "hbm",
}  # fmt: skip

PARTITIONS = 128
SBUF_BYTES = 176 << 10  # of a partition: 192 KiB on trn1, less 16 that the compiler keeps
PSUM_BANK_BYTES = 2 << 10
PSUM_BANKS = 8
MOST_FROM = {0: PARTITIONS, 32: 32, 64: 64, 96: 32}
"""Where an engine's access may begin, and how many partitions it may have from there."""


class RefusedError(Exception):
    """What the hardware or the compiler would not take."""


@dataclass
class Chip:
    """What is held on the chip, in bytes of a partition and in banks. Each run has its own."""

    current: ClassVar[Chip]
    sbuf_bytes: int = 0
    psum_banks: int = 0

    def take(self, sbuf_bytes: int, psum_banks: int) -> None:
        self.sbuf_bytes += sbuf_bytes
        self.psum_banks += psum_banks
        check(
            self.sbuf_bytes <= SBUF_BYTES,
            f"SBUF holds {SBUF_BYTES} bytes a partition (got {self.sbuf_bytes})",
        )
        check(self.psum_banks <= PSUM_BANKS, f"PSUM has {PSUM_BANKS} banks (got {self.psum_banks})")

    def give_back(self, sbuf_bytes: int, psum_banks: int) -> None:
        self.sbuf_bytes -= sbuf_bytes
        self.psum_banks -= psum_banks


Chip.current = Chip()


@dataclass(eq=False)
class Storage:
    """The memory behind views. ``begun``: a product was written there, so another may be added.

    ``returnable``: it is a parameter's, or was allocated as shared, so a kernel may give it back.
    """

    buffer: Buffer
    updatable: bool = True
    returnable: bool = True
    begun: bool = False


def check(holds: bool, why: str) -> None:
    """Refuse, where a rule does not hold."""
    if not holds:
        raise RefusedError(why)


@dataclass(frozen=True, slots=True)
class Slice:
    """``size`` places from ``start`` on: ``nl.ds``."""

    start: Any
    size: int


class Tensor:
    """A view of memory. ``start`` is its first partition, if it is on the chip."""

    def __init__(self, data: Numbers, storage: Storage, start: int = 0) -> None:
        self.data, self.storage, self.start = data, storage, start

    @classmethod
    def fresh(cls, shape: Sequence[int], dtype: Any, buffer: str) -> Self:
        """Memory that nothing was written to. ``buffer`` is a name of ``nki.language``."""
        check(buffer in BUFFERS, f"{buffer!r} is no memory")
        on_chip, item = BUFFERS[buffer] != "hbm", np.dtype(dtype).itemsize
        check(
            all(isinstance(length, int) and length > 0 for length in shape),
            f"a shape of numbers (got {shape})",
        )
        check(not on_chip or len(shape) > 1, f"a tile has partitions and columns (got {tuple(shape)})")
        check(not on_chip or shape[0] <= PARTITIONS, f"at most {PARTITIONS} partitions (got {shape[0]})")
        held = math.prod(shape[1:]) * item
        check(
            buffer != "psum" or held <= PSUM_BANK_BYTES,
            f"a PSUM tile has {PSUM_BANK_BYTES} bytes (got {held})",
        )
        storage = Storage(BUFFERS[buffer], returnable=buffer == "shared_hbm")
        if on_chip:
            taken = (held, 0) if buffer == "sbuf" else (0, 1)
            Chip.current.take(*taken)
            weakref.finalize(storage, Chip.current.give_back, *taken)
        data = np.empty(shape, dtype)
        data.fill(np.iinfo(dtype).min if data.dtype.kind in "iu" else np.nan)
        return cls(data, storage)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.data.shape)

    @property
    def dtype(self) -> Any:
        return self.data.dtype

    @property
    def buffer(self) -> Buffer:
        return self.storage.buffer

    def reshape(self, shape: tuple[int, ...]) -> Self:
        check(all(isinstance(length, int) for length in shape), f"a shape of numbers (got {shape})")
        check(self.buffer == "hbm" or shape[0] == self.shape[0], "partitions cannot be reshaped")
        check(math.prod(shape) == self.data.size, f"{self.shape} is not {shape}")
        check(self.data.flags.c_contiguous, "only what lies together is reshaped")
        return type(self)(self.data.reshape(shape), self.storage, self.start)

    def __getitem__(self, key: Any) -> Any:
        """A view by numbers, slices and ``nl.ds``; on the chip the partitions stay, and a column at least."""
        keys = (key if isinstance(key, tuple) else (key,)) if key is not Ellipsis else ()
        check(len(keys) <= self.data.ndim, f"too many indices for {self.shape}")
        places: list[Any] = [self._place(at, length) for at, length in zip(keys, self.shape, strict=False)]
        if self.buffer != "hbm" and places:
            places = [
                slice(at, at + 1) if not n and isinstance(at, int) else at for n, at in enumerate(places)
            ]
        start = self.start + (places[0].start or 0 if places and isinstance(places[0], slice) else 0)
        data = self.data[tuple(places)]
        check(self.buffer == "hbm" or data.ndim > 1, "a tile keeps a column")
        return type(self)(data, self.storage, start)

    def _place(self, at: Any, length: int) -> Any:
        if isinstance(at, Slice):
            first = number(at.start)
            check(first >= 0 and first + at.size <= length, f"{first}+{at.size} is out of bounds ({length})")
            return slice(first, first + at.size)
        if isinstance(at, slice):
            first, end = number(at.start or 0), number(length if at.stop is None else at.stop)
            check(0 <= first < end <= length, f"{first}:{end} is out of bounds ({length})")
            return slice(first, end, at.step)
        check(0 <= number(at) < length, f"{at} is out of bounds ({length})")
        return number(at)

    # --- reading and writing ----------------------------------------------------------------------

    def read(self) -> Numbers:
        """The numbers."""
        return self.data

    def write(self, values: Numbers) -> None:
        """Numbers of any type, rounded to this one's; a whole number must be one."""
        check(self.storage.updatable, "a parameter is not written, unless it is marked as mutable")
        check(values.shape == self.shape, f"{values.shape} does not fit {self.shape}")
        if self.dtype.kind in "iu" and values.dtype.kind == "f":
            check(bool(np.all(values == np.rint(values))), "no whole number")
        self.data[...] = values.astype(self.dtype)


class Rows(Tensor):
    """Rows of a matrix in memory, which numbers on the chip choose."""

    def __init__(self, matrix: Tensor, rows: Tensor) -> None:
        check(matrix.buffer == "hbm" and matrix.data.ndim == 2, "rows are chosen of a matrix in memory")
        check(rows.buffer == "sbuf" and rows.dtype == np.int32, "row numbers are i32, in SBUF")
        check(rows.shape[1:] == (1,), f"a row number for each partition (got {rows.shape})")
        self.rows = rows.data[:, 0]
        inside = (self.rows >= 0) & (self.rows < matrix.shape[0])
        check(bool(inside.all()), f"row {self.rows[~inside][:1]} of {matrix.shape[0]}")
        super().__init__(matrix.data[self.rows], matrix.storage)
        self.matrix = matrix

    def write(self, values: Numbers) -> None:
        super().write(values)
        check(len(set(self.rows.tolist())) == len(self.rows), "two partitions write one row")
        self.matrix.data[self.rows] = self.data


def number(at: Any) -> int:
    """A place that is known: a number, or a loop's counter in the turn that it is at."""
    found = getattr(at, "value", at)
    check(isinstance(found, int), f"a place must be a number (got {at!r})")
    return int(found)
