"""The statements on tiles as operations of PTO-MLIR.

A reciprocal root is a root and a division: the operation of that name is an estimate. A row reduction takes scratch,
and so does a selection; what a program's own scratch tiles are for is the same.
"""

from __future__ import annotations

from runners.kernels.emit import tile as ir
from runners.kernels.emit.pto_shapes import reduction_scratch
from runners.kernels.emit.pto_text import TileType, literal
from runners.kernels.emit.pto_tiles import Seen, Tiles
from runners.kernels.emit.pto_writer import Writer
from runners.kernels.emit.tile_place import Tile
from runners.kernels.expr import Kernel

BINARY = {"+": "tadd", "-": "tsub", "*": "tmul", "/": "tdiv", "max": "tmax"}
SCALAR = {"+": "tadds", "*": "tmuls", "over": "tdivs"}
EXPAND = {"+": "trowexpandadd", "-": "trowexpandsub", "*": "trowexpandmul", "/": "trowexpanddiv"}
COMPARE = {">": "greater_than", "==": "equal"}
SELECT_SCRATCH = TileType("i32", 1, 16, (1, 16))


class Compute:
    """Writes the operations."""

    def __init__(self, kernel: Kernel, writer: Writer, tiles: Tiles) -> None:
        self.kernel, self.writer, self.tiles = kernel, writer, tiles

    def operation(self, name: str, ins: list[Seen], out: Seen, attributes: str = "") -> None:
        """``pto.name`` of tiles or numbers, into a tile."""
        operands, kinds = (", ".join(part) for part in zip(*ins, strict=True))
        self.writer.line(f"pto.{name} ins({operands}{attributes} : {kinds}) outs({out[0]} : {out[1]})")

    def compute(self, statement: ir.Compute) -> None:
        """A statement on tiles."""
        match statement:
            case ir.Cast(out, x, cols, rows):
                word = "tmov" if out.dtype == x.dtype else "tcvt"
                self.operation(word, [self.tiles.view(x, rows, cols)], self.tiles.view(out, rows, cols))
            case ir.Count():
                self.count(statement)
            case ir.Reduce(out, op, x, work, cols):
                scratch = self.tiles.view(work, 1, cols) if op == "min" else self.tiles.names[work.name]
                self.operation(
                    f"trow{op}", [self.tiles.view(x, 1, cols), scratch], self.tiles.view(out, 1, 1)
                )
            case ir.RowDots():
                self.row_dots(statement)
            case ir.RowExpand():
                self.row_expand(statement)
            case ir.ColumnSum(out, x, rows, cols):
                self.operation("tcolsum", [self.tiles.view(x, rows, cols)], self.tiles.view(out, 1, cols))
            case _:
                self.row(statement)

    def row(self, statement: ir.Rowwise) -> None:
        """An elementwise statement on rows."""
        cols = statement.cols

        def see(tile: Tile) -> Seen:
            return self.tiles.view(tile, 1, cols)

        match statement:
            case ir.Binary(out, op, left, right):
                self.operation(BINARY[op], [see(left), see(right)], see(out))
            case ir.Scalar(out, op, x, value):
                ins = [see(x), self.number(value)]
                self.operation(SCALAR[op], ins[::-1] if op == "over" else ins, see(out))
            case ir.Unary(out, op, x):
                self.operation(f"t{op}", [see(x)], see(out))
            case ir.Fill(out, value):
                self.operation("texpands", [self.number(value)], see(out))
            case ir.Compare(out, op, left, right):
                mode = f" {{cmpMode = #pto<cmp {COMPARE[op]}>}}"
                self.operation("tcmp", [see(left), see(right)], self.tiles.names[out.name], mode)
            case ir.Select(out, mask, left, right):
                scratch = self.tiles.allocate("select_scratch", SELECT_SCRATCH)
                self.operation(
                    "tsel", [self.tiles.names[mask.name], see(left), see(right), scratch], see(out)
                )

    def number(self, value: float) -> Seen:
        """An f32 constant."""
        return self.writer.constant(literal(value), "f32"), "f32"

    def count(self, statement: ir.Count) -> None:
        """Consecutive numbers are made in i32, then converted.

        On an a3 the scalar pipe writes them, which the assembler's synchronisation takes for the vector pipe.
        """
        out, base = statement.out, self.tiles.base[statement.out.name]
        integers = Tile(f"{out.name}_i32", "i32", base.rows, base.cols)
        self.tiles.allocate(integers.name, TileType("i32", base.rows, base.cols, (base.rows, base.cols)))
        seen = self.tiles.view(integers, 1, statement.cols)
        number = self.writer.constant("0", "i32", wish="c0_i32")
        self.operation("tci", [(number, "i32")], seen)
        self.writer.line("pto.barrier <PIPE_ALL>  // tci runs on the scalar pipe")
        self.operation("tcvt", [seen], self.tiles.view(out, 1, statement.cols))

    def row_expand(self, statement: ir.RowExpand) -> None:
        """A tile and a number for each row; for the larger of the two there is no operation of its own."""
        rows, cols = statement.rows, statement.cols
        x, out = self.tiles.view(statement.x, rows, cols), self.tiles.view(statement.out, rows, cols)
        numbers = self.tiles.column(statement.numbers, rows)
        if statement.op in EXPAND:
            scratch = [] if statement.op == "+" else [self.tiles.names[statement.work.name]]
            self.operation(EXPAND[statement.op], [x, numbers, *scratch], out)
        elif statement.out == statement.x:
            raise NotImplementedError(
                f"{self.kernel.name}: a tile that becomes the larger of itself and numbers"
            )
        else:
            self.operation("trowexpand", [numbers], out)
            self.operation(BINARY[statement.op], [x, out], out)

    def row_dots(self, statement: ir.RowDots) -> None:
        """The products overwrite the matrix's tile, and their sums are a column."""
        x = self.tiles.view(statement.x, statement.rows, statement.cols)
        width = self.tiles.base[statement.x.name].cols
        row = self.tiles.window(statement.row, statement.start, width, statement.cols)
        self.operation("tcolexpandmul", [x, row], x)
        shape = reduction_scratch(self.tiles.base[statement.x.name].rows)
        lanes = self.tiles.allocate("lanes", TileType("f32", *shape, shape))
        self.operation("trowsum", [x, lanes], self.tiles.column(statement.out, statement.rows))
