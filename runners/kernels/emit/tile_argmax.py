"""The first index of the largest element: each lane keeps the best that it has met, and where it met it.

Lanes meet their elements in order, so that of equals they keep the first; at the end the least index of the lanes
that hold the largest value is the first of all. Indices are f32 numbers, which vector units compare and select.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from runners.kernels.emit import tile
from runners.kernels.emit.tile_body import ONE, Span
from runners.kernels.emit.tile_place import Combined, Index, Tile
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Reduce

MOST_LANES = 4096
ALIGN = 256  # bits of the comparison of so many fill 32 bytes
MOST_INDEX = 1 << 24  # f32 counts exactly up to there


@dataclass(frozen=True, slots=True)
class Lanes:
    """Of each lane the best element so far, its index, the index of the next element, and whether that is better."""

    span: Span
    best: Tile
    index: Tile
    place: Tile
    better: Tile


def write(body: Values, node: Reduce) -> None:
    """Let ``body`` know the number that is the index of the first largest element of ``node.x``.

    A lane that meets nothing but minus infinity keeps index 0: it counts only where every lane has met no more.
    """
    length = body.length(node.axis)
    if length > MOST_INDEX or node.axes != tuple(axis for axis in node.axes if axis in body.where):
        raise NotImplementedError(f"{body.kernel.name}: an argmax over {length} elements, or along rows")
    many = min(length, MOST_LANES)
    count = body.constant("LANES", many, "that each keep the best they have met")
    lanes = _lanes(body, Span(0, count, many, ALIGN))
    end, extent = length // many * many, body.extent(node.axis)
    stop = (
        extent if end == length else body.constant("WHOLE", end, "elements: all lanes have as many of them")
    )
    with body.loop("start", 0, stop, count, end // many) as start:
        _meet(body, node, start, lanes)
        body.add(tile.Scalar(lanes.place, "+", lanes.place, float(many), count))
    if end < length:
        body.add(tile.Scalar(lanes.place, "+", lanes.place, float(length - many - end), count))
        _meet(body, node, Combined("-", extent, count), lanes)
    del body.spans[node.axis]
    body.results[node] = _first(body, lanes)


def _lanes(body: Values, span: Span) -> Lanes:
    """The lanes before they meet anything. They are numbered once, before all programs."""
    number = body.tile("lane", "f32", span.cols)
    if (numbering := tile.Count(number, span.count)) not in body.head:
        body.head.append(numbering)
    best, index, place = (body.tile(name, "f32", span.cols) for name in ("best", "index", "place"))
    body.add(
        tile.Fill(best, -inf, span.count),
        tile.Fill(index, 0.0, span.count),
        tile.Cast(place, number, span.count),
    )
    return Lanes(span, best, index, place, body.tile("better", "mask", span.cols))


def _meet(body: Values, node: Reduce, start: Index, lanes: Lanes) -> None:
    """Each lane meets one more element from ``start`` on. What it met before does no harm: its index is the same."""
    count, known = lanes.span.count, dict(body.results)
    body.spans[node.axis] = Span(start, count, lanes.span.most, ALIGN)
    x = body.row(node.x)
    body.add(
        tile.Compare(lanes.better, ">", x, lanes.best, count),
        tile.Select(lanes.best, lanes.better, x, lanes.best, count),
        tile.Select(lanes.index, lanes.better, lanes.place, lanes.index, count),
    )
    body.results = known


def _first(body: Values, lanes: Lanes) -> Tile:
    """The least index of those lanes that hold the largest value."""
    best, index, place, count = lanes.best, lanes.index, lanes.place, lanes.span.count
    largest, first, work = body.pick(ONE), body.pick(ONE), body.reduce_work(lanes.span)
    body.add(
        tile.Reduce(largest, "max", best, work, count),
        # no lane has more, so all of this row are the largest
        tile.RowExpand(place, "max", best, largest, body.expand_work(), count),
        tile.Compare(lanes.better, "==", best, place, count),
        tile.Fill(place, float(MOST_INDEX), count),
        tile.Select(index, lanes.better, index, place, count),
        tile.Reduce(first, "min", index, work, count),
    )
    return first
