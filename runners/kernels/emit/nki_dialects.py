"""The two NKI dialects: how one tile instruction is written in each.

An instruction has the same name and the same arguments in both; they differ in where its result goes, in how
memory is reached, and in the loops:

- ``neuronxcc.nki`` (trn1; Neuron SDK 2.25, the first to document parameters that are changed, to 2.27, the
  last): instructions return their tile, in the type of their operands unless ``dtype`` says otherwise;
  ``nl.load`` and ``nl.store`` reach memory; a matrix product is added to a zeroed PSUM tile;
  ``nl.affine_range`` is a loop without dependencies, whose counter is a symbol;
- ``nki`` (trn2 and newer; version 0.5, Neuron SDK 2.31, and later: ``broadcast`` and ``vector_select`` are new
  there): instructions write the tile ``dst``, which ``nl.ndarray`` allocates; ``nisa.dma_copy`` reaches memory;
  ``accumulate`` adds to a PSUM tile; every ``range`` is unrolled as the kernel is traced.
"""

from __future__ import annotations

from runners.kernels.emit.nki_program import Program, Shape, Tile, tuple_text


class Trn1(Program):
    """``neuronxcc.nki``."""

    imports = """\
import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl"""
    updated_parameter = "{}: nt.mutable_tensor"
    reuses = False
    range_word, unrolled_word = "nl.affine_range", "nl.static_range"

    def load(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        self.call(f"{name} = nl.load(", source)
        return Tile(name, shape, dtype)

    def load_for_all(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        self.call(f"{name} = nl.broadcast_to(", f"nl.load({source})", f"shape={tuple_text(shape)}")
        return Tile(name, shape, dtype)

    def load_rows(self, name: str, source: str, rows: Tile, column: str, shape: Shape, dtype: str) -> Tile:
        chosen = f"{rows.text}[nl.arange({shape[0]})[:, None], {column}]"
        return self.load(name, f"{source}[{chosen}, nl.arange({shape[1]})[None, :]]", shape, dtype)

    def store(self, target: str, value: Tile) -> None:
        self.call("nl.store(", target, f"value={value.text}")

    def store_rows(self, target: str, rows: Tile, value: Tile) -> None:
        self.store(f"{target}[{rows.text}, nl.arange({value.shape[1]})[None, :]]", value)

    def result(self, call: str, *arguments: str, tile: Tile, default: str, into: bool = False) -> Tile:
        dtype = f"dtype=nl.{tile.dtype}" if tile.dtype != default else ""
        target = f"{tile.text}[...]" if into and tile.text.isidentifier() else tile.text
        self.call(f"{target} = nisa.{call}(", *arguments, dtype)
        return tile

    def product(self, name: str, shape: Shape, stationary: str, moving: str) -> Tile:
        self.call(f"{name} = nisa.nc_matmul(", f"stationary={stationary}", f"moving={moving}")
        return Tile(name, shape, in_psum=True)

    def sums(self, name: str, shape: Shape) -> Tile:
        self.call(f"{name} = nl.zeros(", tuple_text(shape), "dtype=nl.float32", "buffer=nl.psum")
        return Tile(name, shape, in_psum=True)

    def add_product(self, sums: Tile, stationary: str, moving: str, turn: str) -> None:
        del turn  # the tile began with zeros
        self.call(f"{sums.text} += nisa.nc_matmul(", f"stationary={stationary}", f"moving={moving}")

    def transposed(self, name: str, data: Tile) -> Tile:
        self.call(f"{name} = nisa.nc_transpose(", f"data={data.text}")
        return Tile(name, (data.shape[1], data.shape[0]), data.dtype, in_psum=True)

    def filled(self, name: str, shape: Shape, value: str, dtype: str = "float32") -> Tile:
        self.call(
            f"{name} = nisa.memset(", f"shape={tuple_text(shape)}", f"value={value}", f"dtype=nl.{dtype}"
        )
        return Tile(name, shape, dtype)

    def counted(self, name: str, shape: Shape, dtype: str, row: str, column: str) -> Tile:
        steps = [
            f"{'' if step == '1' else f'{step} * '}nl.arange({extent})[{place}]"
            for step, extent, place in zip((row, column), shape, (":, None", "None, :"), strict=True)
            if step != "0"
        ]
        arguments = " + ".join(steps), f"dtype=nl.{dtype}"
        if row == "0":  # then one partition counts for all
            counted = f"nisa.iota({', '.join(arguments)})"
            self.call(f"{name} = nl.broadcast_to(", counted, f"shape={tuple_text(shape)}")
        else:
            self.call(f"{name} = nisa.iota(", *arguments)
        return Tile(name, shape, dtype)


class Trn2(Program):
    """``nki`` 0.x."""

    imports = "import nki\nimport nki.isa as nisa\nimport nki.language as nl"
    updated_parameter = "{}"
    reuses = True
    range_word = unrolled_word = "range"

    def load(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        tile = self.allocate(name, shape, dtype)
        self.call("nisa.dma_copy(", f"dst={name}", f"src={source}")
        return tile

    def load_for_all(self, name: str, source: str, shape: Shape, dtype: str) -> Tile:
        return self.load(name, f"{source}.broadcast(0, {shape[0]})", shape, dtype)

    def load_rows(self, name: str, source: str, rows: Tile, column: str, shape: Shape, dtype: str) -> Tile:
        chosen = rows.text if rows.shape[1] == "1" else rows.columns(column, "1").text
        return self.load(name, f"{source}.vector_select(0, {chosen})", shape, dtype)

    def store(self, target: str, value: Tile) -> None:
        self.call("nisa.dma_copy(", f"dst={target}", f"src={value.text}")

    def store_rows(self, target: str, rows: Tile, value: Tile) -> None:
        self.store(f"{target}.vector_select(0, {rows.text})", value)

    def result(self, call: str, *arguments: str, tile: Tile, default: str, into: bool = False) -> Tile:
        del default  # the tile has a type
        if not into:
            self.allocate(tile.text, tile.shape, tile.dtype)
        self.call(f"nisa.{call}(", f"dst={tile.text}", *arguments)
        return tile

    def product(self, name: str, shape: Shape, stationary: str, moving: str) -> Tile:
        product = self.sums(name, shape)
        self.call("nisa.nc_matmul(", f"dst={name}", f"stationary={stationary}", f"moving={moving}")
        return product

    def sums(self, name: str, shape: Shape) -> Tile:
        return self.allocate(name, shape, buffer="psum")

    def add_product(self, sums: Tile, stationary: str, moving: str, turn: str) -> None:
        operands = f"stationary={stationary}", f"moving={moving}"
        self.call("nisa.nc_matmul(", f"dst={sums.text}", *operands, f"accumulate={turn} > 0")

    def transposed(self, name: str, data: Tile) -> Tile:
        tile = self.allocate(name, (data.shape[1], data.shape[0]), data.dtype, "psum")
        self.call("nisa.nc_transpose(", f"dst={name}", f"data={data.text}")
        return tile

    def filled(self, name: str, shape: Shape, value: str, dtype: str = "float32") -> Tile:
        tile = self.allocate(name, shape, dtype)
        self.call("nisa.memset(", f"dst={name}", f"value={value}")
        return tile

    def counted(self, name: str, shape: Shape, dtype: str, row: str, column: str) -> Tile:
        tile = self.allocate(name, shape, dtype)
        pattern, down = f"pattern=[[{column}, {shape[1]}]]", f"channel_multiplier={row}"
        self.call("nisa.iota(", f"dst={name}", pattern, down)
        return tile
