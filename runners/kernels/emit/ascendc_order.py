"""What orders the vector operations of an AscendC kernel: which of them need a barrier between them.

They are issued in order but overlap. One that needs what another writes, or overwrites what it reads or writes,
must wait for it; copies are ordered by their queues.
"""

from __future__ import annotations

from runners.kernels.emit import tile
from runners.kernels.emit.tile import For, Statement
from runners.kernels.emit.tile_place import Tile

_OWN_BARRIER = tile.RowDots | tile.RowExpand | tile.ColumnSum


class Order:
    """The tiles that vector operations have written, and those that they have to do with, since the last barrier."""

    def __init__(self) -> None:
        self.written: set[Tile] = set()
        self.touched: set[Tile] = set()

    def needs_barrier(self, statement: tile.Compute) -> bool:
        """Whether a statement must wait for those before it."""
        first = begun(statement)
        return bool(self.written & first or self.touched & first & changed(statement))

    def barrier(self) -> None:
        """All is done."""
        self.written, self.touched = set(), set()

    def done(self, statement: tile.Compute) -> None:
        """The statement is on its way."""
        if isinstance(statement, _OWN_BARRIER) or _divides(statement):
            self.barrier()
        self.written |= changed(statement)
        self.touched |= used(statement)

    def copy(self) -> Order:
        """The same, to come back to."""
        order = Order()
        order.add(self)
        return order

    def add(self, other: Order) -> None:
        """What ``other`` says may have been done too."""
        self.written |= other.written
        self.touched |= other.touched

    def forget(self, found: Tile) -> None:
        """A queue gives the tile: nothing is done with it any more."""
        self.written.discard(found)
        self.touched.discard(found)


def _divides(statement: tile.Compute) -> bool:
    return isinstance(statement, tile.Scalar) and statement.op == "over"


def used(statement: Statement) -> set[Tile]:
    """The tiles that a statement computes with, those of a loop's too; not what is loaded."""
    match statement:
        case For(body=body):
            return {found for inner in tile.walk(body) if not isinstance(inner, For) for found in used(inner)}
        case tile.Read() | tile.Let() | tile.Load() | tile.Store():
            return set()
    return {statement.out, *tile.operands(statement)}


def begun(statement: tile.Compute) -> set[Tile]:
    """The tiles that a statement's first operation has to do with; behind that, some have a barrier of their own."""
    match statement:
        case tile.RowDots(x=x, row=row):
            return {x, row}
        case tile.RowExpand(work=work, numbers=numbers):
            return {work, numbers}
        case tile.Scalar(out, "over"):
            return {out}
    return used(statement)


def changed(statement: tile.Compute) -> set[Tile]:
    """What a statement overwrites: what it computes, and what it takes to work in."""
    match statement:
        case tile.Reduce(out=out, work=other) | tile.RowExpand(out=out, work=other):
            return {out, other}
        case tile.RowDots(out=out, x=other) | tile.ColumnSum(out=out, x=other):
            return {out, other}
    return {statement.out}
