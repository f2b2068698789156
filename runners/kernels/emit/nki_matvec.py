"""Matrix times vector on the Tensor Engine, without rounding the vector.

**The weight stands still.** Of the two operands of a product one is loaded into the array, 128 by 128, and the
other streams past it, a column a cycle. By the documented cost, max(min(64, columns of the stationary), columns
of the moving), 128 by 128 weights take 64 cycles as the stationary operand and 128 as the moving one. At 1.4
GHz that is 0.7 TB/s of bf16: more than a core's memory gives, where the other way about is less.

**A panel of 128 outputs is one run of memory.** The host lays the weight out in panels ``[out / 128, in, 128]``;
partition p holds the inputs ``p * steps`` to ``(p + 1) * steps``, so each partition's share of a panel is one
run, and so is its share of x. The sums come out one output to a partition, one panel to a column, and are
transposed once for up to 128 panels; then bias, residual and gate go over whole rows, as they lie in memory.

**x is not rounded.** A bf16 weight needs a 16-bit partner, but x is f32. A f32 has 24 bits and a bf16 has 8:
x is the exact sum of three of bf16, x = high + middle + low, each the rounding of what is left. (Below 2^-110
the low part is less than bf16's smallest number; from 2^128 - 2^119 on the high part is infinite.) They are
three columns of one moving operand, which takes no longer than one (64 cycles are the floor). Each product of
two bf16 numbers is exact in f32 and PSUM adds in f32, so what is lost is what f32 sums lose. f32 weights take x
as it is, at four times the cycles. f16 weights are widened to f32 first: bf16 parts of x would be as exact, but
trn1's documentation does not say that f16 may meet bf16.

Lengths that 128 does not divide are dealt to as many partitions as divide them, so nothing is ragged.
"""

from __future__ import annotations

from dataclasses import dataclass

from runners.kernels.emit.clike import result_names
from runners.kernels.emit.layout import Layout
from runners.kernels.emit.nki_body import Body
from runners.kernels.emit.nki_frame import PARTITION_BYTES, PARTITIONS, Frame, Lowering, lanes, tiled
from runners.kernels.emit.nki_program import Tile, tuple_text
from runners.kernels.emit.schedule import matrices
from runners.kernels.expr import Array, Axis, Expr, Load, Reduce

_PARTS = 3
_BYTES = 6
"""Of SBUF for an element of a panel, at most: of f16 and, widened, of f32."""


def layouts(lowering: Lowering) -> dict[str, Layout]:
    """The weights in panels, as wide as the partitions that their outputs are dealt to."""
    (out,) = lowering.kernel.parallel
    panels = Layout("panels", lanes(lowering.length(out)))
    return {array.name: panels for array in matrices(lowering.kernel)}


def lower(lowering: Lowering) -> None:
    """All products of one vector, panel by panel, then what is done with the sums."""
    _Matvec(lowering).write()


@dataclass(frozen=True, slots=True)
class _Product:
    """A sum over ``matrix`` times the vector, its name, and the matrix's panels as text."""

    node: Reduce
    matrix: Array
    name: str
    panels: str


class _Matvec:
    def __init__(self, lowering: Lowering) -> None:
        self.lowering, self.program, kernel = lowering, lowering.program, lowering.kernel
        operands = [part for node in kernel.reductions for part in node.x.parts if isinstance(part, Load)]
        vectors = {load.array for load in operands if len(load.index) == 1 and load.array.element == "f32"}
        whole = all(load.index == load.array.axes for load in operands)
        if len(vectors) != 1 or len(matrices(kernel)) != len(kernel.reductions) or not whole:
            raise lowering.refused("not the products of one f32 vector alone")
        (self.vector,), (self.out,) = vectors, kernel.parallel
        self.inner = kernel.reductions[0].axis
        self.split = lowering.stored == "bfloat16"
        self.constants()

    def constants(self) -> None:
        out, inner = self.out.name.upper(), self.inner.name.upper()
        self.out_lanes, self.tiles = f"{out}_LANES", f"{out}_TILES"
        self.in_lanes, self.steps = f"{inner}_LANES", f"{inner}_STEPS"
        self.dealt(self.out, self.out_lanes, self.tiles, "panels")
        self.dealt(self.inner, self.in_lanes, self.steps, "elements on each")
        if self.split:
            self.lowering.constant("PARTS", _PARTS, "of bf16, whose sum is an element of f32")
        panel = lanes(self.lowering.length(self.out))
        held = self.lowering.constants[self.steps][0] * panel * _BYTES * len(self.lowering.kernel.reductions)
        if held > PARTITION_BYTES // 2:
            raise self.lowering.refused(f"a panel of {held} bytes a partition leaves no room for the next")
        self.lowering.walk = f"Panels of {panel} outputs."

    def dealt(self, axis: Axis, partitions: str, rest: str, word: str) -> None:
        length = self.lowering.length(axis)
        self.lowering.constant(partitions, lanes(length), f"partitions that {axis.name.upper()} is dealt to")
        self.lowering.constant(rest, length // lanes(length), word)

    def write(self) -> None:
        """x once; then panels in groups that one transposition takes."""
        vector, products = self.vector_tile(), self.products()
        length = self.lowering.constants[self.tiles][0]
        if length > PARTITIONS:
            self.lowering.constant("GROUP", PARTITIONS, "panels that are transposed together")
        with tiled(self.program, self.tiles, length, "GROUP", "tiles") as (count, place, first):
            known = self.group(products, vector, count, "" if first == "0" else f"{first} + ")
            shape = (self.tiles, self.out_lanes)
            body = Body(self.lowering, Frame(None, self.out, (count, shape[1]), place, folded=shape), known)
            for store in self.lowering.kernel.stores:
                body.store(store)

    def products(self) -> list[_Product]:
        names, found = result_names(self.lowering.kernel.reductions), []
        for node in self.lowering.kernel.reductions:
            matrix = node.x.parts[0]
            assert isinstance(matrix, Load), node
            shape = ", ".join((self.tiles, self.in_lanes, self.steps, self.out_lanes))
            panels = f"{matrix.array.name}_panels"
            self.program.add(f"{self.program.unique(panels)} = {matrix.array.name}.reshape(({shape}))")
            found.append(_Product(node, matrix.array, names[node], panels))
        return found

    def group(self, products: list[_Product], vector: Tile, tiles: str, first: str) -> dict[Expr, Tile]:
        """The sums of ``tiles`` panels, a panel to a row."""
        columns = [
            self.program.allocate(self.program.unique(f"{product.name}_columns"), (self.out_lanes, tiles))
            for product in products
        ]
        with self.program.loop("t", tiles):
            for product, column in zip(products, columns, strict=True):
                self.panel(product, vector, column.columns("t", "1"), f"{first}t")
        return {
            product.node: self.program.transposed(self.program.unique(product.name), column)
            for product, column in zip(products, columns, strict=True)
        }

    def panel(self, product: _Product, vector: Tile, column: Tile, place: str) -> None:
        """One panel's sums as a column."""
        stored, width = self.lowering.stored, vector.shape[2]
        name = self.program.unique(f"{product.matrix.name}_tile")
        shape = (self.in_lanes, self.steps, self.out_lanes)
        tile = self.program.load(name, f"{product.panels}[{place}, :, :, :]", shape, stored)
        if stored == "float16":
            wide = Tile(self.program.unique(f"{product.matrix.name}_wide"), shape)
            tile = self.program.result("tensor_copy", f"src={name}", tile=wide, default=stored)
        sums = self.program.sums(self.program.unique(f"{product.name}_sums"), (self.out_lanes, width))
        with self.program.loop("k", self.steps):
            self.program.add_product(sums, f"{tile.text}[:, k, :]", f"{vector.text}[:, k, :]", "k")
        if self.split:
            added = "op=nl.add", f"data={sums.text}", "axis=1", "keepdims=True"
            self.program.result("tensor_reduce", *added, tile=column, default="float32", into=True)
        else:
            self.program.result("tensor_copy", f"src={sums.text}", tile=column, default="float32", into=True)

    def vector_tile(self) -> Tile:
        """The moving operand: the vector as it is, or its three parts."""
        name, deep = self.vector.name, (self.in_lanes, self.steps, "1")
        if not self.split:
            source = f"{name}.reshape({tuple_text(deep)})"
            return self.program.load(self.program.unique(f"{name}_tile"), source, deep, "float32")
        self.program.add(f"# {name}, exactly, as the sum of a high, a middle and a low part")
        source = f"{name}.reshape({tuple_text(deep[:2])})"
        left = self.program.load(self.program.unique(f"{name}_left"), source, deep[:2], "float32")
        shape = (*deep[:2], "PARTS")
        parts = self.program.allocate(self.program.unique(f"{name}_parts"), shape, "bfloat16")
        for part in range(_PARTS):
            one = Tile(f"{parts.text}[:, :, {part}]", left.shape, "bfloat16")
            if part:
                taken = Tile(f"{parts.text}[:, :, {part - 1}]", left.shape, "bfloat16")
                arguments = f"data1={left.text}", f"data2={taken.text}", "op=nl.subtract"
                into = self.program.reuses
                tile = left if into else Tile(self.program.unique(f"{name}_left"), left.shape)
                left = self.program.result(
                    "tensor_tensor", *arguments, tile=tile, default="float32", into=into
                )
            self.program.result("tensor_copy", f"src={left.text}", tile=one, default="float32", into=True)
        return Tile(parts.text, shape, "bfloat16")
