"""The first index of the largest element: each lane keeps the best that it has met, and where it met it.

Lanes meet their elements in order, so that of equals they keep the first; at the end the least index of the lanes
that hold the largest value is the first of all. Indices are f32 numbers, which vector units compare and select.
"""

from __future__ import annotations

from runners.kernels.emit import tile
from runners.kernels.emit.tile_body import LOWEST, ONE, Span
from runners.kernels.emit.tile_place import Combined, Index, Tile
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Reduce

MOST_LANES = 4096
ALIGN = 256  # bits of the comparison of so many fill 32 bytes
MOST_INDEX = 1 << 24  # f32 counts exactly up to there


def write(body: Values, node: Reduce) -> None:
    """Let ``body`` know the number that is the index of the first largest element of ``node.x``."""
    length = body.length(node.axis)
    if length > MOST_INDEX or node.axes != tuple(axis for axis in node.axes if axis in body.where):
        raise NotImplementedError(f"{body.kernel.name}: an argmax over {length} elements, or along rows")
    many = min(length, MOST_LANES)
    lanes = body.constant("LANES", many, "that each keep the best they have met")
    whole = Span(0, lanes, many, ALIGN)
    best, index, place = (body.tile(name, "f32", whole.cols) for name in ("best", "index", "place"))
    body.add(tile.Fill(best, LOWEST, lanes), tile.Count(index, 0, lanes), tile.Count(place, 0, lanes))
    end, extent = length // many * many, body.extent(node.axis)
    stop = (
        extent if end == length else body.constant("WHOLE", end, "elements: all lanes have as many of them")
    )
    with body.loop("start", 0, stop, lanes, end // many) as start:
        _meet(body, node, start, whole)
        body.add(tile.Scalar(place, "+", place, float(many), lanes))
    if end < length:
        body.add(tile.Scalar(place, "+", place, float(length - many - end), lanes))
        _meet(body, node, Combined("-", extent, lanes), whole)
    del body.spans[node.axis]
    body.results[node] = _first(body, whole, lanes)


def _meet(body: Values, node: Reduce, start: Index, whole: Span) -> None:
    """Each lane meets one more element from ``start`` on. What it met before does no harm: its index is the same."""
    best, index, place = (body.tiles[name] for name in ("best", "index", "place"))
    mask, lanes, known = body.tile("better", "mask", whole.cols), whole.count, dict(body.results)
    body.spans[node.axis] = Span(start, lanes, whole.most, ALIGN)
    x = body.row(node.x)
    body.add(
        tile.Compare(mask, ">", x, best, lanes),
        tile.Select(best, mask, x, best, lanes),
        tile.Select(index, mask, place, index, lanes),
    )
    body.results = known


def _first(body: Values, whole: Span, lanes: Index) -> Tile:
    """The least index of those lanes that hold the largest value."""
    best, index, place = (body.tiles[name] for name in ("best", "index", "place"))
    largest, first, mask = body.pick(ONE), body.pick(ONE), body.tiles["better"]
    work = body.reduce_work(whole)
    body.add(
        tile.Reduce(largest, "max", best, work, lanes),
        tile.RowExpand(
            place, "max", best, largest, body.expand_work(), lanes
        ),  # no lane has more: all are equal
        tile.Compare(mask, "==", best, place, lanes),
        tile.Fill(place, float(MOST_INDEX), lanes),
        tile.Select(index, mask, index, place, lanes),
        tile.Reduce(first, "min", index, work, lanes),
    )
    return first
