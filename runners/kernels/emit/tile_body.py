"""A tile program in the making: its loops, its tiles, and expressions as statements on rows.

A program stands at one point of some axes and runs along others, of each of which it has a :class:`Span` in a row
of the buffer. An expression along one of those is a row, one along none is a number, and one of
constants alone is computed here. Rows that are needed no more are used again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from runners.kernels.emit import tile
from runners.kernels.emit.clike import length_name
from runners.kernels.emit.tile import Program, Statement
from runners.kernels.emit.tile_place import CAPACITY, Combined, Dtype, Index, Role, Symbol, Tile, plus, times
from runners.kernels.expr import (
    Array,
    Axis,
    Expr,
    Kernel,
    Load,
)
from runners.kernels.sizes import Sizes, Storage

BUFFER_BYTES = 184 << 10  # of 192 KiB: the last eight are what instructions such as a select work in
CORES = 40  # vector cores that every model of the 910B has
LANES = 64  # f32 numbers that an instruction takes at once
NUMBER = 8  # f32 numbers in 32 bytes: the least that a tile has room for
LOWEST = -3.4028234e38


def padded(count: int, to: int) -> int:
    """``count`` up to the next multiple of ``to``."""
    return -(-count // to) * to


def loads_first(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The same, with all that is copied in on its way before the first computation."""
    order = {tile.Let: 0, tile.Load: 1}
    return tuple(sorted(statements, key=lambda statement: order.get(type(statement), 2)))


@dataclass(frozen=True, slots=True)
class Span:
    """Of an axis the elements ``[start, start + count)``, at most ``most``: what a row of the buffer holds."""

    start: Index
    count: Index
    most: int
    align: int = 16  # as many elements of any type fill a multiple of 32 bytes

    @property
    def cols(self) -> int:
        """Columns of a row of the buffer."""
        return padded(self.most, self.align)


ONE = Span(0, 1, 1, NUMBER)


class Body:
    """What a strategy fills. ``where`` is the place on the axes that stand, ``spans`` the parts of those that run."""

    def __init__(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> None:
        self.kernel, self.sizes, self.storage = kernel, sizes, storage
        self.constants: dict[str, tuple[int, str]] = {}
        self.tiles: dict[str, Tile] = {}
        self.head: list[Statement] = []
        self.statements: list[Statement] = []
        self.where: dict[Axis, Index] = {}
        self.spans: dict[Axis, Span] = {}
        self.results: dict[Expr, Tile | float] = {}
        self.instead: dict[Expr, Expr] = {}  # an expression and what is computed in its place
        self.buffers = 1
        self.launch, self.how = 1, ""
        nodes = dict.fromkeys(node for store in kernel.stores for node in store.value.walk())
        self._uses = Counter([store.value for store in kernel.stores] + [p for n in nodes for p in n.parts])
        self._idle: dict[int, list[Tile]] = defaultdict(list)
        self._reusable: set[Tile] = set()

    # --- pieces -----------------------------------------------------------------------------------

    def add(self, *statements: Statement) -> None:
        """Add statements to the present loop."""
        self.statements += statements

    @contextmanager
    def loop(self, name: str, start: Index, stop: Index, step: Index, trips: int) -> Iterator[Symbol]:
        """The statements added inside are a loop's body. Of one of several trips, inputs and outputs are doubled."""
        outside, buffers = self.statements, self.buffers
        self.statements, self.buffers = [], 2 if trips > 1 else 1
        yield Symbol(name)
        body, self.statements, self.buffers = loads_first(self.statements), outside, buffers
        self.add(tile.For(name, start, stop, step, body))

    def let(self, name: str, value: Index) -> Symbol:
        """A name for ``value`` in the present loop."""
        self.add(tile.Let(name, value))
        return Symbol(name)

    def constant(self, name: str, value: int, doc: str = "") -> Symbol:
        """A constant of the program; its name is numbered where another value has it."""
        found, numbered = name, 1
        while self.constants.get(found, (value,))[0] != value:
            numbered += 1
            found = f"{name}_{numbered}"
        self.constants[found] = (value, doc)
        return Symbol(found)

    def length(self, axis: Axis) -> int:
        """The length of a static axis."""
        return self.sizes.lengths[axis.name]

    def extent(self, axis: Axis) -> Index:
        """The room that an array has along an axis."""
        return CAPACITY if axis.dynamic else self.constant(length_name(axis), self.length(axis))

    def whole(self, axis: Axis) -> Span:
        """All of a static axis."""
        return Span(0, self.extent(axis), self.length(axis))

    def part(self, axis: Axis, start: Index, most: Symbol) -> Span:
        """``most`` elements from ``start``, or as many as there are; named ``count`` where that is not the same."""
        step, length = self.constants[most.name][0], self.length(axis)
        if length % step == 0:
            return Span(start, most, step)
        left = Combined("-", self.extent(axis), start)
        return Span(start, self.let(f"{axis.name}_count", Combined("min", most, left)), step)

    def tile(self, name: str, dtype: Dtype, cols: int, rows: int = 1, role: Role = "work") -> Tile:
        """The work tile of that name, a new one if there is none like it; an input or an output is always new."""
        cols = padded(cols, 16) if dtype in ("bf16", "f16") else cols
        found = Tile(name, dtype, rows, cols, role, 1 if role == "work" else self.buffers)
        if role != "work" or self.tiles.get(name, found) != found:
            numbered = 1
            while name in self.tiles:
                numbered += 1
                name = f"{found.name}_{numbered}"
            found = replace(found, name=name)
        return self.tiles.setdefault(found.name, found)

    def number(self, name: str) -> Tile:
        """A tile with room for a single f32."""
        return self.tile(name, "f32", NUMBER)

    def dtype(self, array: Array) -> Dtype:
        """The type of an array's elements."""
        return self.storage if array.element == "stored" else array.element

    def read(self, array: Array) -> Symbol:
        """The only element of an i32 array, read once, before all else."""
        if array.axes or array.element != "i32":
            raise NotImplementedError(f"{self.kernel.name}: an index out of {array.name}")
        if tile.Read(array.name, array) not in self.head:
            self.head.insert(0, tile.Read(array.name, array))
        return Symbol(array.name)

    def offset(self, node: Load) -> Index:
        """The place of the first element that a load reads, in C order."""
        offset: Index = 0
        for axis, index in zip(node.array.axes, node.index, strict=True):
            offset = plus(times(offset, self.extent(axis)) if offset != 0 else 0, self._place(index))
        return offset

    def _place(self, index: Axis | Expr | int) -> Index:
        match index:
            case Axis():
                return self.spans[index].start if index in self.spans else self.where[index]
            case Load(array):
                return self.read(array)
            case int():
                return index
        raise NotImplementedError(f"{self.kernel.name}: an index that is computed")

    def program(self) -> Program:
        """All of it, if it finds room in the buffer."""
        body, tiles = (*self.head, *self.statements), tuple(self.tiles.values())
        found = Program(
            self.kernel, self.sizes, self.storage, self.constants, tiles, body, self.launch, self.how
        )
        if found.bytes > BUFFER_BYTES:
            raise ValueError(
                f"{self.kernel.name}: its tiles take {found.bytes} bytes, and the buffer has {BUFFER_BYTES}"
            )
        return found

    # --- rows and numbers -------------------------------------------------------------------------

    def span(self, node: Expr) -> Span:
        """What ``node`` is in the buffer: a row along the one axis of it that runs, or a number."""
        running = [axis for axis in node.axes if axis in self.spans]
        if len(running) > 1:
            raise NotImplementedError(
                f"{self.kernel.name}: an expression along {len(running)} axes of a tile"
            )
        return self.spans[running[0]] if running else ONE

    def pick(self, span: Span) -> Tile:
        """A work tile for a row or a number: one that is needed no more, or a new one."""
        word = "number" if span == ONE else "row"
        if self._idle[span.cols]:
            return self._idle[span.cols].pop()
        numbered = sum(known.name.startswith(f"{word}_") for known in self._reusable) + 1
        found = self.tile(f"{word}_{numbered}", "f32", span.cols)
        self._reusable.add(found)
        return found

    def spend(self, nodes: Sequence[Expr]) -> None:
        """One use of each of ``nodes`` is over."""
        for node in nodes:
            self._uses[node] -= 1
            found = self.results.get(node)
            if self._uses[node] == 0 and isinstance(found, Tile):
                self.drop(found)

    def drop(self, found: Tile) -> None:
        """What the tile holds is needed no more."""
        if found in self._reusable:
            self._idle[found.cols].append(found)

    def reduce_work(self, span: Span) -> Tile:
        """Where a reduction keeps what it has of each 64 elements."""
        return self.tile("reduced", "f32", padded(2 * -(-span.most // LANES), NUMBER))

    def expand_work(self, rows: int = 1) -> Tile:
        """Where numbers are spread, one over each 32 bytes."""
        return self.tile("spread", "f32", NUMBER, padded(rows, NUMBER))
