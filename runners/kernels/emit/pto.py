"""PTO-MLIR, level 2: tile buffers without addresses, and no synchronisation.

The tiles' places in the buffer and the waits between loads, arithmetic and stores are the assembler's affair
(``ptoas --pto-arch=a3 --enable-insert-sync``). The level has no word for a tile of two buffers, so each tile is one:
a 16-bit input is free for the next load once it is widened, and that load runs beside the arithmetic.

The text keeps to the dialect of April 2026, with an alias for each type.
"""

from __future__ import annotations

import textwrap
from math import prod

from runners.kernels.emit import tile as ir
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.pto_text import ELEMENT, TileType, literal
from runners.kernels.emit.pto_tiles import Seen, Tiles
from runners.kernels.emit.pto_writer import Writer
from runners.kernels.emit.tile_lower import lower
from runners.kernels.emit.tile_place import CAPACITY, Combined, Index, Symbol, Tile, plus, times
from runners.kernels.expr import Array, Kernel
from runners.kernels.sizes import Sizes, Storage

HEAD = """\
// {doc}
// {arrays}
// {how}
// ptoas --pto-arch=a3 --enable-insert-sync places the tiles and inserts the synchronisation.

{types}

module attributes {{pto.target_arch = "a3"}} {{
  func.func @{name}({parameters}) attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{
{body}
    return
  }}
}}
"""
BINARY = {"+": "tadd", "-": "tsub", "*": "tmul", "/": "tdiv", "max": "tmax"}
EXPAND = {"+": "trowexpandadd", "-": "trowexpandsub", "*": "trowexpandmul", "/": "trowexpanddiv"}
COMPARE = {">": "greater_than", "==": "equal"}


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

    def text(self) -> str:
        """The module."""
        self.block(self.program.body)
        kernel, body = self.program.kernel, self.writer.heads + self.writer.regions[0].lines
        arrays = "; ".join(f"{a.name}[{', '.join(x.name for x in a.axes)}]" if a.axes else a.name for a in kernel.arrays)
        parameters = [f"%{array.name}_ptr: !pto.ptr<{self.element(array)}>" for array in kernel.arrays]
        if any(axis.dynamic for axis in kernel.axes):
            parameters.append("%capacity: index")
        return HEAD.format(
            doc=kernel.doc,
            arrays="\n// ".join(textwrap.wrap(arrays, 100)),
            how="\n// ".join(textwrap.wrap(f"{self.program.how} Launch: {self.program.launch} cores.", 100)),
            types="\n".join(kind.definition for kind in self.tiles.types),
            name=kernel.name,
            parameters=", ".join(parameters),
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
                    self.compute(statement)

    def operation(self, name: str, ins: list[Seen], out: Seen, attributes: str = "") -> None:
        """``pto.name`` of tiles or numbers, into a tile."""
        operands, kinds = (", ".join(part) for part in zip(*ins, strict=True))
        self.writer.line(f"pto.{name} ins({operands}{attributes} : {kinds}) outs({out[0]} : {out[1]})")

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
        width = statement.stride if isinstance(statement, ir.Load) and statement.rows != 1 else self.width(statement)
        view, kind, place = self.view(array, width, statement.offset)
        sizes = ", ".join(self.writer.index(size) for size in (rows, cols))
        known = "x".join("?" if found is None else str(found) for found in map(self.writer.static, (rows, cols)))
        part = f"!pto.partition_tensor_view<{known}x{self.element(array)}>"
        offsets = ", ".join(self.writer.index(offset) for offset in place)
        window = self.writer.value(
            (array.name, width, statement.offset, rows, cols),
            f"{array.name}_window",
            f"pto.partition_view {view}, offsets = [{offsets}], sizes = [{sizes}] : {kind} -> {part}",
        )
        seen = self.tiles.view(tile, rows, cols)
        if isinstance(statement, ir.Load):
            self.operation("tload", [(window, part)], seen)
        else:
            self.operation("tstore", [seen], (window, part))

    def width(self, statement: ir.Load | ir.Store) -> Index:
        """Of the two-dimensional view of an array of which a row is copied: its last axis, or all of it."""
        array, cols = statement.array, self.writer.static(statement.cols)
        last = self.program.sizes.lengths[array.axes[-1].name] if array.axes else 1
        if len(array.axes) > 1 and cols is not None and cols <= last:
            row, col = split(statement.offset, last, self.writer)
            inside = self.writer.static(col)
            if inside is not None and inside + cols <= last:
                return last
        return 0

    def view(self, array: Array, width: Index, offset: Index) -> tuple[str, str, tuple[Index, Index]]:
        """The array in rows of ``width`` (0: as one row): the view's name, its type, the offset's row and column."""
        across = self.writer.static(width) or 0
        row, col = split(offset, across, self.writer) if across else (0, offset)
        extents = [self.extent(array, across), self.writer.index(width)] if across else [self.writer.index(1), self.extent(array, 1)]
        kind = f"!pto.tensor_view<?x?x{self.element(array)}>"
        text = f"pto.make_tensor_view %{array.name}_ptr, shape = [{', '.join(extents)}], "
        text += f"strides = [{extents[1]}, {self.writer.index(1)}] : {kind}"
        return self.writer.head((array.name, across), f"{array.name}_view", text), kind, (row, col)

    def extent(self, array: Array, across: int) -> str:
        """How many rows of ``across`` elements an array has."""
        lengths = [self.program.sizes.lengths.get(axis.name) for axis in array.axes]
        static = prod(length for length in lengths if length is not None) // across
        if None not in lengths or static == 0:
            return self.writer.index(static)
        if static == 1:
            return self.writer.index(CAPACITY)
        text = f"arith.muli %{CAPACITY.name}, {self.writer.index(static)} : index"
        return self.writer.head((CAPACITY, static), f"{array.name}_rows", text)

    # --- arithmetic -------------------------------------------------------------------------------

    def compute(self, statement: ir.Compute) -> None:
        """A statement on tiles."""
        see, names = self.tiles.view, self.tiles.names
        match statement:
            case ir.Cast(out, x, cols, rows):
                word = "tmov" if out.dtype == x.dtype else "tcvt"
                self.operation(word, [see(x, rows, cols)], see(out, rows, cols))
            case ir.Binary(out, op, left, right, cols):
                self.operation(BINARY[op], [see(left, 1, cols), see(right, 1, cols)], see(out, 1, cols))
            case ir.Scalar(out, op, x, value, cols):
                self.scalar(op, see(x, 1, cols), self.number(value), see(out, 1, cols))
            case ir.Unary(out, op, x, cols):
                self.operation(f"t{op}", [see(x, 1, cols)], see(out, 1, cols))
            case ir.Fill(out, value, cols):
                self.operation("texpands", [self.number(value)], see(out, 1, cols))
            case ir.Count(out, start, cols):
                self.count(out, start, cols)
            case ir.Reduce(out, op, x, work, cols):
                self.operation(f"trow{op}", [see(x, 1, cols), names[work.name]], see(out, 1, 1))
            case ir.RowDots():
                self.row_dots(statement)
            case ir.RowExpand():
                self.row_expand(statement)
            case ir.ColumnSum(out, x, rows, cols):
                self.operation("tcolsum", [see(x, rows, cols)], see(out, 1, cols))
            case ir.Compare(out, op, left, right, cols):
                mode = f" {{cmpMode = #pto<cmp {COMPARE[op]}>}}"
                self.operation("tcmp", [see(left, 1, cols), see(right, 1, cols)], names[out.name], mode)
            case ir.Select(out, mask, left, right, cols):
                scratch = [self.tiles.allocate("select_scratch", TileType("i32", 1, 16, (1, 16)))]
                ins = [names[mask.name], see(left, 1, cols), see(right, 1, cols), *scratch]
                self.operation("tsel", ins, see(out, 1, cols))

    def number(self, value: float) -> Seen:
        """An f32 constant."""
        return self.writer.constant(literal(value), "f32"), "f32"

    def scalar(self, op: str, x: Seen, value: Seen, out: Seen) -> None:
        """A tile and a number."""
        word = {"+": "tadds", "*": "tmuls", "over": "tdivs"}[op]
        self.operation(word, [value, x] if op == "over" else [x, value], out)

    def count(self, out: Tile, start: Index, cols: Index) -> None:
        """Consecutive numbers are made in i32, then converted."""
        kind = self.tiles.base[out.name]
        name = f"{out.name}_i32"
        whole = TileType("i32", kind.rows, kind.cols, (kind.rows, kind.cols))
        self.tiles.allocate(name, whole)
        integers = self.tiles.view(Tile(name, "i32", kind.rows, kind.cols), 1, cols)
        first = self.writer.index(start)
        number = self.writer.value((start, "i32"), f"{first[1:]}_i32", f"arith.index_cast {first} : index to i32")
        self.operation("tci", [(number, "i32")], integers)
        self.operation("tcvt", [integers], self.tiles.view(out, 1, cols))

    def row_expand(self, statement: ir.RowExpand) -> None:
        """A tile and a number for each row; for the larger of the two there is no operation of its own."""
        rows, cols = statement.rows, statement.cols
        x, out = self.tiles.view(statement.x, rows, cols), self.tiles.view(statement.out, rows, cols)
        numbers = self.tiles.column(statement.numbers, rows)
        if statement.op in EXPAND:
            scratch = [] if statement.op == "+" else [self.tiles.names[statement.work.name]]
            self.operation(EXPAND[statement.op], [x, numbers, *scratch], out)
        elif statement.out == statement.x:
            raise NotImplementedError(f"{self.program.kernel.name}: a tile that becomes the larger of itself and numbers")
        else:
            self.operation("trowexpand", [numbers], out)
            self.operation(BINARY[statement.op], [x, out], out)

    def row_dots(self, statement: ir.RowDots) -> None:
        """The products overwrite the matrix's tile, and their sums are a column."""
        x = self.tiles.view(statement.x, statement.rows, statement.cols)
        width = self.tiles.base[statement.x.name].cols
        row = self.tiles.window(statement.row, statement.start, width, statement.cols)
        self.operation("tcolexpandmul", [x, row], x)
        scratch = self.tiles.names[statement.work.name]
        self.operation("trowsum", [x, scratch], self.tiles.column(statement.out, statement.rows))


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
