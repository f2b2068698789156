"""Matrix times vector: row tiles of the matrix, widened and multiplied by a vector that stays in the buffer.

The vector unit does it, and not the cube that multiplies matrices. At one token the step is bound by memory,
and the vector cores keep up: a weight costs about three lane operations, as it is widened, multiplied and added,
so 48 cores of 64 lanes at 1.8 GHz take 1.8e12 weights in a second; memory brings 0.8e12 of two bytes. The cube
multiplies bf16 by bf16 only, so it would round the activations, and its results reach bias or silu through memory.
"""

from __future__ import annotations

from runners.kernels.emit import tile
from runners.kernels.emit.clike import result_names
from runners.kernels.emit.tile_body import BUFFER_BYTES, CORES, LANES, Span, padded
from runners.kernels.emit.tile_place import BLOCK, BLOCKS, Tile, times, times_all
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Axis, Load, Reduce
from runners.kernels.sizes import STORAGE_BYTES

LEAST_ROWS = 8  # their sums fill 32 bytes
MOST_ROWS = 128
MOST_COLS = 2040  # an instruction steps from row to row by at most 255 times 32 bytes
MOST_WIDE = 56 << 10  # bytes of a tile in f32; both buffers of a tile as it is stored find room beside it
SMALL = 4 << 10  # bytes of the tiles of a row or less


def write(body: Values) -> None:
    """Fill ``body`` for a kernel whose reductions are all products of a matrix and a vector."""
    (out,), inner = body.kernel.parallel, body.kernel.reductions[0].axis
    rows, cols = _sizes(body, out, inner)
    tiles = -(-body.length(out) // rows)
    most_rows = body.constant("TILE_ROWS", rows, "of a matrix that are taken at once")
    count = body.constant("TILES", tiles, "of rows")
    body.launch = min(tiles, CORES)
    body.how = f"The cores take tiles of {rows} rows in turn."
    body.spans[inner] = body.whole(inner)
    for node in body.kernel.reductions:
        body.row(_vector(node))
    with body.loop("tile", BLOCK, count, BLOCKS, -(-tiles // body.launch)) as place:
        first = body.let(out.name, times(place, most_rows))
        span = body.part(out, first, most_rows)
        body.spans[out] = Span(span.start, span.count, span.most, LEAST_ROWS)
        names = result_names(body.kernel.reductions)
        for node in body.kernel.reductions:
            body.results[node] = body.tile(names[node], "f32", rows)
        _sums(body, out, inner, cols)
        body.store(body.kernel.stores)


def _vector(node: Reduce) -> Load:
    _, vector = node.x.parts
    assert isinstance(vector, Load)
    return vector


def _sizes(body: Values, out: Axis, inner: Axis) -> tuple[int, int]:
    """Rows and columns of a tile: whole rows if they find room, else equal parts of them if there are such."""
    count, stored = len(body.kernel.reductions), STORAGE_BYTES[body.storage]
    length = padded(body.length(inner), 16)
    wide = 0 if stored == 4 else 4

    def fits(rows: int, cols: int) -> bool:
        tiles = rows * cols * (2 * count * stored + wide)
        return tiles + 4 * length + SMALL <= BUFFER_BYTES and 4 * rows * cols <= MOST_WIDE

    least = next((n for n in range(1, length + 1) if fits(LEAST_ROWS, _part(length, n))), 0)
    if not least:
        raise ValueError(f"{body.kernel.name}: a vector of {length} finds no room in {BUFFER_BYTES} bytes")
    even = (n for n in range(least, 2 * least) if length % (n * LANES) == 0)
    cols = _part(length, next(even, least))
    most = min(MOST_ROWS, padded(-(-body.length(out) // CORES), LEAST_ROWS))
    return max(rows for rows in range(LEAST_ROWS, most + 1, LEAST_ROWS) if fits(rows, cols)), cols


def _part(length: int, count: int) -> int:
    """Columns of each of ``count`` parts of a row."""
    cols = length if count == 1 else padded(-(-length // count), LANES)
    return cols if cols <= MOST_COLS else length * LANES  # too long to step over: finds no room


def _sums(body: Values, out: Axis, inner: Axis, cols: int) -> None:
    """The rows' products with the vector, over all columns."""
    nodes = body.kernel.reductions
    totals, rows = [body.row(node) for node in nodes], body.spans[out].count
    if cols >= body.length(inner):
        for node, total in zip(nodes, totals, strict=True):
            _dots(body, node, total, body.spans[inner], body.spans[out])
        return
    whole, most = body.spans[inner], body.constant("TILE_COLS", cols, "that are taken at once")
    for total in totals:
        body.add(tile.Fill(total, 0.0, rows))
    with body.loop(inner.name, 0, whole.count, most, 2) as start:
        part = body.part(inner, start, most)
        body.spans[inner] = part
        for node, total in zip(nodes, totals, strict=True):
            partial = body.tile("partial", "f32", total.cols)
            _dots(body, node, partial, part, body.spans[out])
            body.add(tile.Binary(total, "+", total, partial, rows))
    body.spans[inner] = whole


def _dots(body: Values, node: Reduce, out: Tile, along: Span, across: Span) -> None:
    """``out`` = the products of a tile of the matrix with the vector's part."""
    matrix, vector = node.x.parts
    assert isinstance(matrix, Load)
    x = load_rows(body, matrix, along, across)
    body.add(tile.RowDots(out, x, body.row(vector), along.start, across.count, along.count))


def load_rows(body: Values, node: Load, along: Span, across: Span) -> Tile:
    """A tile of a matrix, in f32: ``across`` are its rows, ``along`` its columns, which lie together."""
    spans = [body.spans.get(index) if isinstance(index, Axis) else None for index in node.index]
    if spans[-1] is not along:
        raise NotImplementedError(f"{body.kernel.name}: {node.array.name}, whose rows do not lie together")
    stride = times_all(map(body.extent, node.array.axes[spans.index(across) + 1 :]))
    cols, rows = padded(along.most, 16), across.most
    loaded = body.tile(node.array.name, body.dtype(node.array), cols, rows, "input")
    body.add(tile.Load(loaded, node.array, body.offset(node), along.count, across.count, stride))
    if loaded.dtype == "f32":
        return loaded
    found = body.tile("wide", "f32", cols, rows)
    body.add(tile.Cast(found, loaded, along.count, across.count))
    return found
