"""The body of an AscendC kernel: the statements of a tile program as calls.

What is loaded or stored passes through a queue, whose ``EnQue`` and ``DeQue`` order the copies and the vector unit; a
tensor is taken out of its queue before its first use and freed after its last, so that the next copy may begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from runners.kernels.emit import tile
from runners.kernels.emit.ascendc_order import Order, used
from runners.kernels.emit.ascendc_text import OPERATIONS
from runners.kernels.emit.clike import Lines, float_text
from runners.kernels.emit.tile import For, Program, Statement
from runners.kernels.emit.tile_place import BLOCK, BLOCKS, Combined, Dtype, Index, Symbol, Tile
from runners.kernels.expr import Array

TYPES: dict[Dtype, str] = {
    "f32": "float",
    "bf16": "bfloat16_t",
    "f16": "half",
    "i32": "int32_t",
    "mask": "uint8_t",
}
BARRIER = "PipeBarrier<PIPE_V>();"
REFRESH = "DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>"
MOST_REPEATS = 255
_MODES = {">": "GT", "==": "EQ"}
_BINDS = {"+": 1, "-": 1, "*": 2, "//": 2, "%": 2}


def camel(name: str, ending: str) -> str:
    """A name as AscendC's samples spell theirs: ``gate_weight`` as ``gateWeightLocal``."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others)) + ending


class AscendBody(Lines):
    """The lines of a program's statements."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.read = {s.name: camel(s.name, "Value") for s in program.body if isinstance(s, tile.Read)}
        self.order = Order()
        self.allocated: set[Tile] = set()

    # --- indices ----------------------------------------------------------------------------------

    def index(self, index: Index, binds: int = 0) -> str:
        """An index as text, in parentheses where an operator that ``binds`` tighter takes it."""
        match index:
            case int():
                return str(index)
            case Symbol(name):
                known = {BLOCK.name: "GetBlockIdx()", BLOCKS.name: "GetBlockNum()"} | self.read
                return known.get(name, name)
            case Combined("min", left, right):
                a, b = self.index(left), self.index(right)
                return f"({b} < {a} ? {b} : {a})" if binds else f"{b} < {a} ? {b} : {a}"
            case Combined(op, left, right):
                own = _BINDS[op]
                sign = "/" if op == "//" else op
                spelled = f"{self.index(left, own)} {sign} {self.index(right, own + 1)}"
                return f"({spelled})" if own < binds else spelled

    def place(self, array: Array, offset: Index) -> str:
        """The part of an array from ``offset`` on."""
        name = camel(array.name, "Gm")
        return f"{name}[{self.index(offset)}]" if offset != 0 else name

    # --- order ------------------------------------------------------------------------------------

    def block_of(self, statements: Sequence[Statement]) -> None:
        """Statements in order; tensors leave their queues late, and are freed early."""
        waiting = [s.out for s in statements if isinstance(s, tile.Load)]
        last = {found: n for n, s in enumerate(statements) for found in waiting if found in used(s)}
        for number, statement in enumerate(statements):
            for found in [found for found in waiting if found in used(statement)]:
                self.take(found)
                waiting.remove(found)
            self.statement(statement)
            for found in [found for found, end in last.items() if end == number]:
                self.add(f"{camel(found.name, 'Queue')}.FreeTensor({self.local(found)});")

    def take(self, found: Tile) -> None:
        """Take a loaded tensor out of its queue: whatever was done to its buffer before is done."""
        kind = TYPES[found.dtype]
        self.add(f"LocalTensor<{kind}> {self.local(found)} = {camel(found.name, 'Queue')}.DeQue<{kind}>();")
        self.order.forget(found)

    def local(self, found: Tile) -> str:
        return camel(found.name, "Local")

    def statement(self, statement: Statement) -> None:
        """One statement, with its barrier."""
        match statement:
            case For():
                self.for_loop(statement)
            case tile.Let(name, value):
                self.add(f"const int64_t {name} = {self.index(value)};")
            case tile.Read(name, array):
                self.add(f"{REFRESH}({camel(array.name, 'Gm')});")
                self.add(f"const int64_t {self.read[name]} = {camel(array.name, 'Gm')}.GetValue(0);")
            case tile.Load():
                self.load(statement)
            case tile.Store(x, array, offset, cols):
                queue = camel(x.name, "Queue")
                self.allocated.remove(x)
                self.add(f"{queue}.EnQue({self.local(x)});")
                self.add(f"CopyOut({self.place(array, offset)}, {queue}, {self.index(cols)});")
            case _:
                self.compute(statement)

    def for_loop(self, loop: For) -> None:
        """A loop. What its last operations touch, its first ones may meet again: it is written down twice."""
        head = f"int64_t {loop.name} = {self.index(loop.start)}; {loop.name} < {self.index(loop.stop)}"
        before, lines = self.order.copy(), len(self.lines)
        for _ in range(2):
            self.order.add(before)
            del self.lines[lines:]
            with self.block(f"for ({head}; {loop.name} += {self.index(loop.step)})"):
                self.block_of(loop.body)
        if loop.start != 0:  # from 0 on, a loop runs once at least
            self.order.add(before)

    def load(self, load: tile.Load) -> None:
        out, cols = load.out, self.index(load.cols)
        places = f"{camel(out.name, 'Queue')}, {self.place(load.array, load.offset)}"
        if out.rows == 1:
            self.add(f"CopyIn({places}, {cols});")
            return
        rows, stride = self.index(load.rows), self.index(load.stride)
        self.add(f"CopyRowsIn<{out.cols}>({places}, {rows}, {cols}, {stride});")

    def compute(self, statement: tile.Compute) -> None:
        """A vector operation, behind a barrier where it needs one."""
        out = statement.out
        if out.role == "output" and out not in self.allocated:
            kind, queue = TYPES[out.dtype], camel(out.name, "Queue")
            self.add(f"LocalTensor<{kind}> {self.local(out)} = {queue}.AllocTensor<{kind}>();")
            self.allocated.add(out)
            self.order.forget(out)
        if self.order.needs_barrier(statement):
            self.add(BARRIER)
            self.order.barrier()
        self.add(*self.spelled(statement))
        self.order.done(statement)

    # --- operations -------------------------------------------------------------------------------

    def spelled(self, statement: tile.Compute) -> list[str]:
        """The calls of a vector operation."""
        cols = self.index(statement.cols)
        match statement:
            case tile.Cast():
                return [self.cast(statement)]
            case tile.Fill(out, value) if value == -inf:
                bits = f"Duplicate({self.local(out)}.ReinterpretCast<uint32_t>(), 0xff800000u, {cols});"
                return ["// minus infinity", bits]
            case tile.Scalar(out, "over", x, value):
                name = self.local(out)
                divided = f"Div({name}, {name}, {self.local(x)}, {cols});"
                return [f"Duplicate({name}, {float_text(value)}, {cols});", BARRIER, divided]
            case tile.RowDots() | tile.RowExpand() | tile.ColumnSum():
                return [self.rowwise(statement, cols)]
        name, tensors, *values = self.named(statement, cols)
        return [f"{name}({', '.join([*map(self.local, tensors), *values])});"]

    def named(self, statement: tile.Compute, cols: str) -> tuple[str, tuple[Tile, ...], *tuple[str, ...]]:
        """The name of the call that does all of a row's operation, its tensors, and what comes behind them."""
        match statement:
            case tile.Binary(out, op, left, right):
                return OPERATIONS[op], (out, left, right), cols
            case tile.Scalar(out, op, x, value):
                return f"{OPERATIONS[op]}s", (out, x), float_text(value), cols
            case tile.Unary(out, function, x):
                return function.capitalize(), (out, x), cols
            case tile.Fill(out, value):
                return "Duplicate", (out,), float_text(value), cols
            case tile.Count(out):
                return "CreateVecIndex", (out,), float_text(0.0), cols
            case tile.Reduce(out, fold, x, work):
                return f"Reduce{fold.capitalize()}", (out, x, work), cols
            case tile.Compare(out, relation, left, right):
                whole = f"({cols} + 63) / 64 * 64"  # 256 bytes are compared at once
                return "Compare", (out, left, right), f"CMPMODE::{_MODES[relation]}", whole
            case tile.Select(out, mask, left, right):
                return "Select", (out, mask, left, right), "SELMODE::VSEL_TENSOR_TENSOR_MODE", cols
        raise TypeError(f"no text for {type(statement).__name__}")

    def cast(self, cast: tile.Cast) -> str:
        out, x, cols = cast.out, cast.x, self.index(cast.cols)
        tensors = f"{self.local(out)}, {self.local(x)}"
        if out.dtype == x.dtype:  # between any two places of the buffer, which DataCopy does not reach
            return f"Muls({tensors}, 1.0f, {cols});"
        count = cols if out.rows == 1 else f"{self.index(cast.rows, 2)} * {out.cols}"
        mode = "CAST_NONE" if out.dtype == "f32" else "CAST_RINT"
        return f"Cast({tensors}, RoundMode::{mode}, {count});"

    def rowwise(self, statement: tile.Compute, cols: str) -> str:
        """A call of one of the file's own functions."""
        match statement:
            case tile.RowDots(out, x, row, start, rows):
                part = f"{self.local(row)}[{self.index(start)}]" if start != 0 else self.local(row)
                tensors = f"{self.local(out)}, {self.local(x)}, {part}"
                return f"RowDots<{x.cols}>({tensors}, {self.index(rows)}, {cols});"
            case tile.ColumnSum(out, x, rows):
                return f"ColumnSum<{x.cols}>({self.local(out)}, {self.local(x)}, {self.index(rows)});"
            case tile.RowExpand(out, op, x, numbers, work, _, rows):
                tensors = ", ".join(map(self.local, (out, x, numbers, work)))
                if x.rows > 1:
                    return f"{OPERATIONS[op]}Numbers<{x.cols}>({tensors}, {self.index(rows)}, {cols});"
                if x.cols // 64 > MOST_REPEATS:
                    raise NotImplementedError(f"{self.program.kernel.name}: a row of {x.cols} and a number")
                return f"{OPERATIONS[op]}Number({tensors}, {cols});"
        raise TypeError(f"no text for {type(statement).__name__}")
