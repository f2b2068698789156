"""Tiles as PTO-MLIR has them: allocated once, and seen with the valid region that a statement works on.

A tile's valid region is part of its type, so a tile of which different parts count is reshaped: the same place
in the buffer under another type. A region that is known only when the program runs is set where it is used.
The numbers of a tile's rows lie as a row; what reads or writes them by row sees them as a column.
"""

from __future__ import annotations

from dataclasses import replace

from runners.kernels.emit import tile as ir
from runners.kernels.emit.pto_shapes import shapes, used
from runners.kernels.emit.pto_text import BYTES, ELEMENT, TileType
from runners.kernels.emit.pto_writer import Writer
from runners.kernels.emit.tile_place import Index, Tile

BUFFER_BYTES = 184 << 10
"""Of the unified buffer's 192 KB the last eight are scratch of the instruction set's library."""
Seen = tuple[str, str]
"""A value's name and its type's."""


class Tiles:
    """The types, allocations and views of a program's tiles."""

    def __init__(self, program: ir.Program, writer: Writer) -> None:
        self.program, self.writer = program, writer
        self.types: dict[TileType, None] = {}
        self.names: dict[str, Seen] = {}
        self.base: dict[str, TileType] = {}
        self._bytes = 0
        regions: dict[Tile, set[tuple[int | None, int | None]]] = {}
        for tile, rows, cols in used(program.body):
            regions.setdefault(tile, set()).add((writer.static(rows), writer.static(cols)))
        for tile, shape in shapes(program.body).items():
            seen = regions.get(tile, {shape})
            (valid,) = seen if len(seen) == 1 else (shape,)
            self.allocate(tile.name, TileType(ELEMENT[tile.dtype], *shape, shape if None in valid else valid))

    def allocate(self, name: str, kind: TileType) -> Seen:
        """A tile of this name, which is allocated unless it is there."""
        if name not in self.base:
            self._bytes += kind.rows * kind.cols * BYTES[kind.dtype]
            if self._bytes > BUFFER_BYTES:
                raise ValueError(
                    f"{self.program.kernel.name}: its tiles take more than {BUFFER_BYTES} bytes of the buffer"
                )
            self.base[name] = kind
            text = f"pto.alloc_tile : {self.alias(kind)}"
            self.names[name] = self.writer.head(("tile", name), name, text), self.alias(kind)
        return self.names[name]

    def alias(self, kind: TileType) -> str:
        """The type's short name, which the text then defines."""
        self.types[kind] = None
        return kind.alias

    def view(self, tile: Tile, rows: Index, cols: Index) -> Seen:
        """The tile, of which ``rows`` x ``cols`` count."""
        base = self.base[tile.name]
        valid = self.writer.static(rows), self.writer.static(cols)
        return self._seen(self.names[tile.name], base, self._dynamic(replace(base, valid=valid)), rows, cols)

    def column(self, tile: Tile, rows: Index) -> Seen:
        """The first ``rows`` numbers of a row, as a column."""
        base = self.base[tile.name]
        kind = TileType(base.dtype, base.cols, 1, (self.writer.static(rows), 1), column=True)
        return self._seen(self.names[tile.name], base, self._dynamic(kind), rows, 1)

    def window(self, row: Tile, start: Index, width: int, cols: Index) -> Seen:
        """``cols`` elements of a longer row from ``start`` on: as many of ``width`` as the row then has."""
        base, (name, alias), known = self.base[row.name], self.names[row.name], self.writer.static(start)
        if known == 0 and base.cols == width:
            return self.view(row, 1, cols)
        whole = base.valid[1] or base.cols
        part = replace(
            base, cols=width, valid=(1, None if known is None else min(width, whole - known % whole))
        )
        offsets = f"{self.writer.index(0)}, {self.writer.index(start)}"
        text = f"pto.subset {name}[{offsets}] sizes [1, {width}] : {alias}"
        return self.writer.value((row.name, start, width), f"{row.name}_from", text), self.alias(part)

    def _dynamic(self, kind: TileType) -> TileType:
        """A valid region that is set when the program runs is dynamic in both extents."""
        return replace(kind, valid=(None, None)) if None in kind.valid else kind

    def _seen(self, source: Seen, base: TileType, kind: TileType, rows: Index, cols: Index) -> Seen:
        """The same place under another type."""
        alias = self.alias(kind)
        if kind == base:
            return source
        text = f"pto.treshape {source[0]} : {source[1]} -> {alias}"
        wish = f"{source[0][1:]}_{'column' if kind.column else 'part'}"
        if None not in kind.valid:
            static = source in self.names.values()
            write = self.writer.head if static else self.writer.value
            return write((source[0], kind), wish, text), alias
        key = source[0], kind, rows, cols
        if not (found := self.writer.find(key)):
            extents = f"{self.writer.index(rows)}, {self.writer.index(cols)}"
            found = self.writer.value(key, wish, text)
            self.writer.line(f"pto.set_validshape {found}, {extents} : {alias}")
        return found, alias
