"""The first index of the largest element: each lane keeps the best that it has met, and where it met it.

Lanes meet their elements in order, so that of equals they keep the first; at the end the least index of the lanes
that hold the largest value is the first of all. Indices are f32 numbers, which vector units compare and select.
"""

from __future__ import annotations

from runners.kernels.emit import tile
from runners.kernels.emit.tile_body import LOWEST, ONE, Span
from runners.kernels.emit.tile_place import Symbol, Tile
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
    lanes = body.constant("LANES", min(length, MOST_LANES), "that each keep the best they have met")
    whole = Span(0, lanes, min(length, MOST_LANES), ALIGN)
    best, index, place = (body.tile(name, "f32", whole.cols) for name in ("best", "index", "place"))
    body.add(
        tile.Fill(best, LOWEST, lanes),
        tile.Count(index, 0, lanes),
        tile.Count(place, 0, lanes),
    )
    mask = body.tile("better", "mask", whole.cols)
    with body.loop("start", 0, body.extent(node.axis), lanes, -(-length // whole.most)) as start:
        part = body.part(node.axis, start, lanes)
        body.spans[node.axis] = Span(part.start, part.count, part.most, ALIGN)
        x = body.row(node.x)
        body.add(
            tile.Compare(mask, ">", x, best, part.count),
            tile.Select(best, mask, x, best, part.count),
            tile.Select(index, mask, place, index, part.count),
            tile.Scalar(place, "+", place, float(whole.most), lanes),
        )
    del body.spans[node.axis]
    body.results[node] = _first(body, whole, lanes)


def _first(body: Values, whole: Span, lanes: Symbol) -> Tile:
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
