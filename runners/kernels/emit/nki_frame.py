"""How a kernel's arrays lie on the partitions, and in which turns: frames, and what divides into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from runners.kernels.emit.nki_program import Program, Shape, Tile, tuple_text
from runners.kernels.expr import Axis, Expr, Kernel, Load
from runners.kernels.sizes import Sizes

Lie = Literal["whole", "column", "row"]
PARTITIONS = 128
PARTITION_BYTES = 176 << 10
"""Of SBUF: 192 KiB a partition on trn1, less what the compiler keeps. trn2 has more."""


def lanes(length: int) -> int:
    """The most partitions that ``length`` elements can be dealt to evenly."""
    return max(count for count in range(1, PARTITIONS + 1) if length % count == 0)


@dataclass(frozen=True, slots=True)
class Frame:
    """A tile's partitions and columns, as axes of the kernel and as text.

    ``folded`` is the whole shape that one axis, ``cols``, is laid out in, where it runs along the partitions as
    well. ``place`` is the part of the rows that the turn is at. ``still`` are axes that stand at a counter.
    """

    rows: Axis | None
    cols: Axis
    shape: Shape
    place: str = ":"
    folded: Shape | None = None
    still: dict[Axis, str] = field(default_factory=dict)

    def lies(self, load: Load) -> Lie | None:
        """How an array meets the frame: over all of it, one column, or one row that every partition gets."""
        if self.cols.dynamic or chosen(load):
            return None
        axes = tuple(axis for axis in load.axes if axis not in self.still)
        if self.folded:
            return "whole" if axes[-1:] == (self.cols,) and set(axes[:-1]) <= {self.rows} else None
        lying: dict[tuple[Axis | None, ...], Lie] = {(self.rows, self.cols): "whole"}
        if load.axes == load.array.axes:
            lying |= {(self.rows,): "column", (self.cols,): "row"}
        return lying.get(axes)

    def view(self, load: Load) -> str:
        """The elements of ``load`` in memory, with two axes."""
        name, place = load.array.name, "" if self.place == ":" else f"[{self.place}, :]"
        match self.lies(load):
            case "row":
                return f"{name}.reshape((1, {self.cols.name.upper()}))"
            case "column" if self.rows:
                return f"{name}.reshape(({self.rows.name.upper()}, 1)){place}"
        if self.folded:
            return f"{name}.reshape({tuple_text(self.folded)}){place}"
        index = [self._index(index) for index in load.index]
        return name if set(index) == {":"} else f"{name}[{', '.join(index)}]"

    def _index(self, index: Axis | Expr | int) -> str:
        if isinstance(index, Axis):
            return self.still.get(index) or (self.place if index == self.rows else ":")
        return str(index)


def chosen(load: Load) -> tuple[int, Load] | None:
    """The place of the axis that a run-time number fixes, and the number."""
    for place, index in enumerate(load.index):
        if isinstance(index, Load):
            return place, index
    return None


def length_of(load: Load, place: int) -> str:
    """The length of an axis as text; that of the tokens is the capacity, which the array's shape tells."""
    axis = load.array.axes[place]
    return f"{load.array.name}.shape[{place}]" if axis.dynamic else axis.name.upper()


def number_for_all(program: Program, number: Load, rows: str) -> Tile:
    """A run-time number in each of ``rows`` partitions."""
    name, source, shape = number.array.name, f"{number.array.name}.reshape((1, 1))", (rows, "1")
    if rows == "1":
        return program.load(program.unique(f"{name}_tile"), source, shape, "int32")
    return program.load_for_all(program.unique(f"{name}_for_{rows.lower()}"), source, shape, "int32")


@contextmanager
def tiled(program: Program, total: str, length: int, limit: str, count: str) -> Iterator[Shape]:
    """Turns over ``length`` rows in tiles of up to 128: the tile's rows, the place of them, the first, as text.

    One tile needs no loop, equal ones are a loop of the device's, and unequal ones are unrolled.
    """
    if length <= PARTITIONS:
        yield total, ":", "0"
    elif length % PARTITIONS == 0:
        with program.loop("i", f"{total} // {limit}"):
            yield limit, f"nl.ds(i * {limit}, {limit})", f"i * {limit}"
    else:
        with program.unrolled("first", f"0, {total}, {limit}"):
            program.add(f"{count} = min({limit}, {total} - first)")
            yield count, f"nl.ds(first, {count})", "first"


@dataclass(slots=True)
class Lowering:
    """What a lowering is given, and what it leaves beside the program's lines.

    ``constants`` are named numbers with a word on each; ``walk`` says how the work is laid out.
    """

    kernel: Kernel
    sizes: Sizes
    stored: str
    program: Program
    constants: dict[str, tuple[int, str]] = field(default_factory=dict)
    walk: str = ""

    def length(self, axis: Axis) -> int:
        return self.sizes.lengths[axis.name]

    def constant(self, name: str, value: int, comment: str) -> str:
        self.constants[name] = (value, comment)
        return name

    def dtype(self, load: Load) -> str:
        return {"stored": self.stored, "f32": "float32", "i32": "int32"}[load.array.element]

    def refused(self, why: str) -> NotImplementedError:
        return NotImplementedError(f"{self.kernel.name}: {why}")
