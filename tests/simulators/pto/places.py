"""Tiles, views of them, views of the device's memory, and copies between the two."""

from __future__ import annotations

from tests.simulators.pto.lines import CORE, Line, Maker, Step, Values, require, written
from tests.simulators.pto.memory import Buffer, Tile, View
from tests.simulators.pto.tile_types import BYTES, PointerType, Refused, TileType, Type, ViewType

# --- tiles ----------------------------------------------------------------------------------------


def _tile(kind: Type) -> TileType:
    require(isinstance(kind, TileType), "this takes a tile")
    assert isinstance(kind, TileType)
    return kind


def alloc_tile(line: Line) -> Step:
    """``pto.alloc_tile``: whatever lay there is in it."""
    kind = _tile(line.types[0])
    require(None not in kind.valid, "a new tile has a static valid region")
    slot = line.define(kind)

    def run(values: Values) -> None:
        values[slot] = Tile(kind, Buffer(kind))

    return run


def reshape(line: Line) -> Step:
    """``pto.treshape``: the same place under another type."""
    source, kind = map(_tile, line.types)
    written([source], line.given)
    require(source.dtype == kind.dtype and source.bytes == kind.bytes, "another number of bytes")
    (old,), new = line.slots, line.define(kind)

    def run(values: Values) -> None:
        values[new] = Tile(kind, values[old].buffer, values[old].start, part=values[old].part)

    return run


def subset(line: Line) -> Step:
    """``pto.subset``: a part of a row, whose valid region follows as the dialect infers it."""
    source, given = _tile(line.types[0]), line.given
    written([source, "index", "index"], given)
    rows, cols = map(int, line.operation.attributes.removeprefix("sizes [").rstrip("]").split(", "))
    start, whole = given[2].constant, source.valid_cols
    require(source.rows == rows == 1 and given[1].constant == 0, "a part of a row")
    if whole is None:
        raise Refused("a part of a row of which it is not known how much counts")
    counts = None if start is None else min(cols, whole - start % whole)
    kind = TileType(source.dtype, 1, cols, 1, counts, row_major=True)
    old, _, offset = line.slots
    new = line.define(kind)

    def run(values: Values) -> None:
        first = values[offset]
        require(0 <= first <= source.cols - cols, f"columns {first} to {first + cols} of {source.cols}")
        require(first * BYTES[source.dtype] % 32 == 0, "a part begins at a multiple of 32 bytes")
        values[new] = Tile(kind, values[old].buffer, values[old].start + first, part=True)
        values[new].see(1, min(cols, whole - first % whole))

    return run


def set_validshape(line: Line) -> Step:
    """``pto.set_validshape``"""
    kind = _tile(line.types[0])
    written([kind, "index", "index"], line.given)
    require(kind.valid == (None, None), "the tile's valid region is static")
    tile, rows, cols = line.slots

    def run(values: Values) -> None:
        require(not values[tile].part, "a part of a tile is as valid as the tile")
        values[tile].see(values[rows], values[cols])

    return run


# --- the device's memory --------------------------------------------------------------------------


def _view(kind: Type, *, part: bool) -> ViewType:
    require(isinstance(kind, ViewType) and kind.part == part, "another kind of view")
    assert isinstance(kind, ViewType)
    return kind


def tensor_view(line: Line) -> Step:
    """``pto.make_tensor_view``: inside its array, elements of a row together."""
    kind, pointer = _view(line.types[0], part=False), line.given[0].type
    rank = len(kind.shape)
    written([PointerType(kind.dtype), *["index"] * (2 * rank)], line.given)
    assert isinstance(pointer, PointerType)
    require(line.given[-1].constant == 1, "elements of a row lie together")
    base, *slots = line.slots
    slot = line.define(kind)

    def run(values: Values) -> None:
        numbers = [values[place] for place in slots]
        values[slot] = View(values[base], tuple(numbers[:rank]), tuple(numbers[rank:]))

    return run


def partition_view(line: Line) -> Step:
    """``pto.partition_view``: a window inside its view."""
    view, part = _view(line.types[0], part=False), _view(line.types[1], part=True)
    rank = len(view.shape)
    written([view, *["index"] * (2 * rank)], line.given)
    known = [name.constant for name in line.given[1 + rank :]]
    require(view.dtype == part.dtype and len(part.shape) == rank, "another type or rank")
    for wanted, size in zip(part.shape, known, strict=True):
        require(wanted in (None, size), "another size than the type's")
    base, *slots = line.slots
    slot = line.define(part)

    def run(values: Values) -> None:
        numbers = tuple(values[place] for place in slots)
        values[slot] = values[base].window(numbers[:rank], numbers[rank:])

    return run


def _copied(line: Line, memory: int) -> tuple[int, int]:
    """Where the window and the tile are kept, if they fit together."""
    written(line.types, line.given)
    part, kind = _view(line.types[memory], part=True), _tile(line.types[1 - memory])
    require(part.dtype == kind.dtype, "a window and a tile of different element types")
    require(kind.row_major and len(part.shape) == 2, "a row-major tile and a window of two dimensions")
    return line.slots[memory], line.slots[1 - memory]


def tload(line: Line) -> Step:
    """``pto.tload``"""
    window, tile = _copied(line, 0)

    def run(values: Values) -> None:
        require(values[window].shape == values[tile].valid, "a window of another size than the tile's")
        values[tile].write(values[window].memory.read(values[window]))

    return run


def tstore(line: Line) -> Step:
    """``pto.tstore``"""
    window, tile = _copied(line, 1)

    def run(values: Values) -> None:
        rows, cols = values[tile].valid
        require(values[window].shape == (rows, cols), "a window of another size than the tile's")
        require(values[tile].buffer.mask is None, "packed bits are not stored")
        values[window].memory.write(values[window], values[tile].grid[:rows, :cols], core=values[CORE])

    return run


MAKERS: dict[str, Maker] = {
    "pto.alloc_tile": alloc_tile,
    "pto.treshape": reshape,
    "pto.subset": subset,
    "pto.set_validshape": set_validshape,
    "pto.make_tensor_view": tensor_view,
    "pto.partition_view": partition_view,
    "pto.tload": tload,
    "pto.tstore": tstore,
}
