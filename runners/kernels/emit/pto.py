"""PTO-MLIR, level 2: tile buffers without addresses, and no synchronisation.

The tiles' places in the buffer and the waits between loads, arithmetic and stores are the assembler's affair
(``ptoas --pto-arch=a3 --enable-insert-sync``); only where it mistakes an operation's pipe is there a barrier. The level
has no word for a tile of two buffers, so each tile is one: a 16-bit input is free for the next load once it is
widened, and that load runs beside the arithmetic.

The text keeps to the dialect of April 2026, with an alias for each type.
"""

from __future__ import annotations

from math import prod

from runners.kernels.emit import tile as ir
from runners.kernels.emit.clike import length_name
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.pto_compute import Compute
from runners.kernels.emit.pto_text import ELEMENT
from runners.kernels.emit.pto_tiles import Tiles
from runners.kernels.emit.pto_writer import Writer
from runners.kernels.emit.tile_lower import lower
from runners.kernels.emit.tile_place import CAPACITY, Combined, Index, Symbol, plus, times
from runners.kernels.expr import Array, Axis, Kernel
from runners.kernels.sizes import Sizes, Storage

MOST_ELEMENTS = 2**31 - 1
"""An index of the dialect becomes an integer of 32 bits, and a place in an array is one."""
HEAD = """\
{head}
// ptoas --pto-arch=a3 --enable-insert-sync places the tiles and inserts the synchronisation.

{types}

module attributes {{pto.target_arch = "a3"}} {{
  func.func @{name}(
      {parameters}
  ) attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{
{body}
    return
  }}
}}
"""


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one PTO-MLIR module."""
    program = lower(kernel, sizes, storage)
    return Emitted(kernel, "pto", sizes, storage, Printer(program).text(), {"blocks": program.launch})


class Printer:
    """A tile program's text."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.writer = Writer(program.constants)
        for array in program.kernel.arrays:
            self.writer.name(f"{array.name}_ptr")
        self.writer.know(CAPACITY, self.writer.name(CAPACITY.name))
        self.tiles = Tiles(program, self.writer)
        self.work = Compute(program.kernel, self.writer, self.tiles)

    def text(self) -> str:
        """The module."""
        self.block(self.program.body)
        kernel, body = self.program.kernel, self.writer.lines()
        parameters = [f"%{array.name}_ptr: !pto.ptr<{self.element(array)}>" for array in kernel.arrays]
        if any(axis.dynamic for axis in kernel.axes):
            parameters.append("%capacity: index")
        return HEAD.format(
            head="\n".join(self.program.head),
            types="\n".join(kind.definition for kind in self.tiles.types),
            name=kernel.name,
            parameters=",\n      ".join(parameters),
            body="\n".join(body),
        )

    def element(self, array: Array) -> str:
        """The type of an array's elements."""
        return ELEMENT[self.program.storage if array.element == "stored" else array.element]

    def block(self, body: tuple[ir.Statement, ...]) -> None:
        """The statements of one region."""
        for statement in body:
            match statement:
                case ir.For(name, start, stop, step, inner):
                    with self.writer.loop(Symbol(name), start, stop, step):
                        self.block(inner)
                case ir.Let(name, value):
                    self.writer.know(Symbol(name), self.writer.index(value, name))
                case ir.Read(name, array):
                    self.read(name, array)
                case ir.Load() | ir.Store():
                    self.copy(statement)
                case _:
                    self.work.compute(statement)

    # --- memory -----------------------------------------------------------------------------------

    def read(self, name: str, array: Array) -> None:
        """An i32 in the device's memory, as an index."""
        zero = self.writer.index(0)
        number = self.writer.name(f"{name}_i32")
        self.writer.line(f"{number} = pto.load_scalar %{array.name}_ptr[{zero}] : !pto.ptr<i32> -> i32")
        text = f"arith.index_cast {number} : i32 to index"
        self.writer.value(Symbol(name), name, text)

    def copy(self, statement: ir.Load | ir.Store) -> None:
        """A window of an array becomes a tile, or a tile becomes a window."""
        array, cols = statement.array, statement.cols
        tile, rows = (statement.out, statement.rows) if isinstance(statement, ir.Load) else (statement.x, 1)
        width = (
            statement.stride
            if isinstance(statement, ir.Load) and statement.rows != 1
            else self.width(statement)
        )
        view, kind, place = self.view(array, width, statement.offset)
        sizes = ", ".join(self.writer.index(size) for size in (rows, cols))
        known = "x".join(
            "?" if found is None else str(found) for found in map(self.writer.static, (rows, cols))
        )
        part = f"!pto.partition_tensor_view<{known}x{self.element(array)}>"
        words = (f"{array.name}_row", f"{array.name}_first")
        offsets = ", ".join(
            self.writer.index(offset, word) for offset, word in zip(place, words, strict=True)
        )
        window = self.writer.value(
            (array.name, width, statement.offset, rows, cols),
            f"{array.name}_window",
            f"pto.partition_view {view}, offsets = [{offsets}], sizes = [{sizes}] : {kind} -> {part}",
        )
        seen = self.tiles.view(tile, rows, cols)
        if isinstance(statement, ir.Load):
            self.work.operation("tload", [(window, part)], seen)
        else:
            self.work.operation("tstore", [seen], (window, part))

    def width(self, statement: ir.Load | ir.Store) -> Index:
        """Of the view of an array of which a part of a row is copied: its last axis, or 0 for all of it as one row."""
        array, cols = statement.array, self.writer.static(statement.cols)
        if len(array.axes) > 1 and cols is not None:
            last = self.length(array.axes[-1])
            across = self.program.sizes.lengths[array.axes[-1].name]
            first = self.writer.static(split(statement.offset, across, self.writer)[1])
            if first is not None and first + cols <= across:
                return last
        return 0

    def view(self, array: Array, width: Index, offset: Index) -> tuple[str, str, tuple[Index, Index]]:
        """The array in rows of ``width`` (0: as one row): the view's name, its type, the offset's row and column."""
        across = self.writer.static(width) or 0
        if prod(self.program.sizes.lengths.get(axis.name, 1) for axis in array.axes) > MOST_ELEMENTS:
            raise ValueError(f"{self.program.kernel.name}: {array.name} has more elements than 32 bits count")
        row, col = split(offset, across, self.writer) if across else (0, offset)
        shape = [self.extent(array, across), width] if across else [1, self.extent(array, 1)]
        rows, cols = (self.writer.index(extent) for extent in shape)
        kind = f"!pto.tensor_view<?x?x{self.element(array)}>"
        one = self.writer.index(1)
        text = f"pto.make_tensor_view %{array.name}_ptr, shape = [{rows}, {cols}], strides = [{cols}, {one}] : {kind}"
        return self.writer.head((array.name, across), f"{array.name}_view", text), kind, (row, col)

    def extent(self, array: Array, across: int) -> Index:
        """How many rows of ``across`` elements an array has."""
        static = [axis for axis in array.axes if not axis.dynamic]
        rows = prod(self.program.sizes.lengths[axis.name] for axis in static) // across
        if len(static) == len(array.axes):
            alike = [axis for axis in static if self.program.sizes.lengths[axis.name] == rows]
            return self.length(alike[0]) if alike else rows
        if rows == 1:
            return CAPACITY
        found = Combined("*", CAPACITY, rows)
        text = f"arith.muli %{CAPACITY.name}, {self.writer.index(rows)} : index"
        self.writer.head(found, f"{array.name}_rows", text)
        return found

    def length(self, axis: Axis) -> Index:
        """The length of a static axis, by its name if the program has one for it."""
        name, length = length_name(axis), self.program.sizes.lengths[axis.name]
        return Symbol(name) if self.program.constants.get(name, (0, ""))[0] == length else length


def split(offset: Index, width: int, writer: Writer) -> tuple[Index, Index]:
    """Row and column of the element ``offset`` of an array in rows of ``width``."""
    known = writer.static(offset)
    if known is not None:
        return known // width, known % width
    if isinstance(offset, Combined):
        if offset.op == "+":
            left, right = split(offset.left, width, writer), split(offset.right, width, writer)
            return plus(left[0], right[0]), plus(left[1], right[1])
        if offset.op == "*":
            for one, other in ((offset.right, offset.left), (offset.left, offset.right)):
                if (factor := writer.static(one)) is not None and factor % width == 0:
                    return times(other, factor // width), 0
                row, col = split(one, width, writer)
                if col == 0 and row != 0:
                    return times(row, other), 0
    return 0, offset


TARGET = Target("pto", "PTO-MLIR", ".pto", ("bf16", "f16", "f32"), emit)
