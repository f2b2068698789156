"""Values that a frame's partitions hold: what is read, what is reduced, and where a result goes."""

from __future__ import annotations

from abc import ABC, abstractmethod

from runners.kernels.emit.clike import result_names
from runners.kernels.emit.nki_frame import Frame, Lowering, chosen, length_of, number_for_all
from runners.kernels.emit.nki_numbers import is_number, uses
from runners.kernels.emit.nki_program import Tile
from runners.kernels.expr import Binary, Expr, Load, Reduce, Unary

_REDUCE = {"sum": "add", "max": "maximum"}


class Values(ABC):
    """The values of one frame. ``known`` are tiles for expressions, ``instead`` other expressions for them."""

    def __init__(
        self,
        lowering: Lowering,
        frame: Frame,
        known: dict[Expr, Tile] | None = None,
        instead: dict[Expr, Expr] | None = None,
    ) -> None:
        self.lowering, self.program, self.frame = lowering, lowering.program, frame
        self.tiles, self.instead = dict(known or {}), instead or {}
        self.loaded: dict[tuple[object, ...], Tile] = {}
        self.numbers: dict[object, Tile] = {}
        self.reduced = result_names(lowering.kernel.reductions)
        self.uses = uses(lowering.kernel.stores)

    def tile(self, node: Expr) -> Tile:
        """``node``, which is no number, on the chip."""
        node = self.instead.get(node, node)
        if node not in self.tiles:
            match node:
                case Load():
                    self.tiles[node] = self.load(node)
                case Reduce():
                    self.tiles[node] = self.reduce(node)
                case _ if is_number(node):
                    raise self.lowering.refused("a number is no tile")
                case _:
                    self.tiles[node] = self.compute(node)
        return self.tiles[node]

    @abstractmethod
    def compute(self, node: Expr) -> Tile:
        """A function or an operation."""

    # --- reading and reducing ---------------------------------------------------------------------

    def load(self, node: Load) -> Tile:
        key = (node.array, *node.index)
        if key not in self.loaded:
            self.loaded[key] = self._load(node)
        return self.loaded[key]

    def _load(self, node: Load) -> Tile:
        fixed = "".join(f"_{index}" for index in node.index if isinstance(index, int))
        name, dtype = self.program.unique(f"{node.array.name}{fixed}_tile"), self.lowering.dtype(node)
        if place := chosen(node):
            rows, source = self.rows(node, *place)
            return self.program.load_rows(name, source, rows, "0", self.frame.shape, dtype)
        shape, lies = self.frame.shape, self.frame.lies(node)
        if not lies:
            axes = ", ".join(axis.name for axis in node.array.axes)
            raise self.lowering.refused(
                f"{node.array.name}[{axes}] does not fit {self.frame.cols.name} in rows"
            )
        load = self.program.load_for_all if lies == "row" and shape[0] != "1" else self.program.load
        return load(name, self.frame.view(node), (shape[0], "1") if lies == "column" else shape, dtype)

    def rows(self, node: Load, place: int, number: Load) -> tuple[Tile, str]:
        """Which row each partition takes where a run-time number chooses, and the rows to choose from."""
        leading = (self.frame.rows,) if place else ()
        if node.index != (*leading, number, self.frame.cols) or (place and self.frame.place != ":"):
            raise self.lowering.refused(f"only a row of {node.array.name} can be chosen, in each partition")
        if number.array not in self.numbers:
            self.numbers[number.array] = number_for_all(self.program, number, self.frame.shape[0])
        found = self.numbers[number.array]
        if place == 0:
            return found, node.array.name
        length = length_of(node, place)
        source = f"{node.array.name}.reshape(({self.frame.shape[0]} * {length}, {self.frame.shape[1]}))"
        axes = number.array, node.array.axes[:2]
        if axes not in self.numbers:
            wide = self.result("tensor_copy", f"src={found.text}", data=found, name=f"{found.text}_f32")
            first = self.program.unique(f"{node.array.axes[0].name}_first_row")
            counted = self.program.counted(first, found.shape, "int32", length, "0")
            arguments = f"data={counted.text}", "op0=nl.add", f"operand0={wide.text}"
            name = f"{node.array.axes[0].name}_row"
            self.numbers[axes] = self.result(
                "tensor_scalar", *arguments, data=counted, dtype="int32", name=name
            )
        return self.numbers[axes], source

    def reduce(self, node: Reduce) -> Tile:
        """A row's sum or maximum; folded, each partition's share is added up by a product with ones."""
        if node.axis != self.frame.cols or node.op not in _REDUCE:
            raise self.lowering.refused(f"no {node.op} over {node.axis.name} in this frame")
        data, name = self.tile(node.x), self.reduced[node]
        arguments = f"op=nl.{_REDUCE[node.op]}", f"data={data.text}", "axis=1", "keepdims=True"
        if not self.frame.folded:
            return self.result("tensor_reduce", *arguments, data=data, name=name, columns="1")
        part = self.result("tensor_reduce", *arguments, data=data, name=f"{name}_parts", columns="1")
        lanes = self.frame.shape[0]
        self.program.add("# a product with ones gives every partition the sum of all their shares")
        ones = self.program.filled(self.program.unique("ones"), (lanes, lanes), "1.0")
        return self.program.product(self.program.unique(name), part.shape, ones.text, part.text)

    # --- results ----------------------------------------------------------------------------------

    def spent(self, node: Expr) -> Tile | None:
        """The tile of ``node``, where nothing needs it after this."""
        computed = isinstance(node, Unary | Binary) and self.uses[node] < 2
        return self.tiles.get(node) if computed else None

    def result(
        self,
        call: str,
        *arguments: str,
        data: Tile,
        other: Tile | None = None,
        spent: Tile | None = None,
        dtype: str = "float32",
        name: str = "part",
        into: Tile | None = None,
        columns: str = "",
    ) -> Tile:
        """An instruction's result: ``into`` a tile, in place of a ``spent`` one, or as a new one."""
        default = "float32" if other and other.dtype == "float32" else data.dtype
        shape = (data.shape[0], columns or data.shape[1])
        if not into and self.program.reuses and spent and (spent.shape, spent.dtype) == (shape, dtype):
            into = spent
        tile = into or Tile(self.program.unique(name), shape, dtype)
        return self.program.result(call, *arguments, tile=tile, default=default, into=into is not None)
