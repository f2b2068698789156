"""A softmax over the tokens: blocks of tokens pass through the buffer once, as :mod:`.online` says.

A program is one core's. The rows of a block are its tokens: their scores are the rows' products with the query,
and what the shares weigh is multiplied row by row and summed over the rows. The largest score and the sums
stay in the buffer from block to block.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from runners.kernels.emit import tile
from runners.kernels.emit.online import CarriedSum, OnePass, one_pass
from runners.kernels.emit.schedule import needed
from runners.kernels.emit.tile_body import CORES, LANES, LOWEST, ONE, Span
from runners.kernels.emit.tile_matvec import load_rows
from runners.kernels.emit.tile_place import BLOCK, BLOCKS, Combined, Tile, plus, times_all
from runners.kernels.emit.tile_rows import stand
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Axis, Binary, Expr, Load, Reduce

MOST_TOKENS = 64
MOST_WIDE = 32 << 10  # bytes of a block in f32: keys, values and their buffers take three times as many


@dataclass(frozen=True, slots=True)
class Carried:
    """A sum that is carried: the tile that holds it, and the axis along which it is a row."""

    sum: CarriedSum
    tile: Tile
    free: Axis | None


def write(body: Values) -> None:
    """Fill ``body`` for programs whose tokens are reduced by a softmax."""
    kernel, plan = body.kernel, one_pass(body.kernel)
    programs = prod(map(body.length, kernel.parallel))
    inner = dict.fromkeys(a for node in kernel.reductions for a in (node.axis, *node.axes))
    for axis in inner:
        if axis not in kernel.parallel and axis is not plan.axis:
            body.spans[axis] = body.whole(axis)
    longest = max((span.cols for span in body.spans.values()), default=LANES)
    tokens = min(MOST_TOKENS, MOST_WIDE // 4 // longest // 8 * 8)
    if not tokens:
        raise ValueError(f"{kernel.name}: eight tokens of {longest} elements find no room")
    block = body.constant("TOKENS", tokens, "of a block")
    body.launch, body.how = (
        min(programs, CORES),
        "The cores take the programs in turn, each with all its tokens.",
    )
    position = next(array for array in kernel.arrays if array.name == "position")
    length = plus(body.read(position), 1)
    stop = times_all([body.extent(axis) for axis in kernel.parallel])
    with body.loop("program", BLOCK, stop, BLOCKS, -(-programs // body.launch)) as program:
        stand(body, kernel.parallel, program)
        _before(body, plan)
        largest, carried = _start(body, plan)
        with body.loop("start", 0, length, block, 2) as start:
            count = body.let("count", Combined("min", block, Combined("-", length, start)))
            body.spans[plan.axis] = Span(start, count, tokens)
            _block(body, plan, largest, carried)
        del body.spans[plan.axis]
        _finish(body, carried)


def _before(body: Values, plan: OnePass) -> None:
    """Load what all tokens meet."""
    for node in needed(plan.score, ()):
        if isinstance(node, Load) and node.axes and plan.axis not in node.axes:
            body.keep(node)


def _start(body: Values, plan: OnePass) -> tuple[Tile, list[Carried]]:
    """What is carried, before the first block."""
    largest, carried = body.number("largest"), []
    body.add(tile.Fill(largest, LOWEST, 1))
    for number, found in enumerate(plan.sums):
        free = [axis for axis in found.node.axes if axis in body.spans]
        if len(free) > 1:
            raise NotImplementedError(f"{body.kernel.name}: sums over tokens along {len(free)} axes")
        span = body.spans[free[0]] if free else ONE
        total = body.tile(f"total_{number + 1}", "f32", span.cols)
        body.add(tile.Fill(total, 0.0, span.count))
        carried.append(Carried(found, total, free[0] if free else None))
    return largest, carried


def _block(body: Values, plan: OnePass, largest: Tile, carried: list[Carried]) -> None:
    """Bring what is carried up to date by one block of tokens."""
    span = body.spans[plan.axis]
    for node in [part for part in needed(plan.score, body.results) if isinstance(part, Reduce)]:
        body.results[node] = _scores(body, node, plan.axis)
    score, work = body.row(plan.score), body.reduce_work(span)
    grown, shrink = body.number("grown"), body.number("shrink")
    body.add(
        tile.Reduce(grown, "max", score, work, span.count),
        tile.Binary(grown, "max", grown, largest, 1),
        tile.Binary(shrink, "-", largest, grown, 1),
        tile.Unary(shrink, "exp", shrink, 1),
        tile.Cast(largest, grown, 1),
    )
    share = body.tile("share", "f32", span.cols)
    body.add(
        tile.RowExpand(share, "-", score, grown, body.expand_work(), span.count),
        tile.Unary(share, "exp", share, span.count),
    )
    body.results[plan.share] = share
    for found in carried:
        _add(body, plan, found, share, shrink)


def _scores(body: Values, node: Reduce, tokens: Axis) -> Tile:
    """A row of the tokens' products with what all of them meet."""
    match node.x:
        case Binary("*", Load() as left, Load() as right) if node.op == "sum":
            token, other = (left, right) if right in body.results else (right, left)
            across = body.spans[tokens]
            if _running(body, token) == [tokens, node.axis] and other in body.results:
                along, out = body.spans[node.axis], body.tile("score", "f32", across.cols)
                x = load_rows(body, token, along, across)
                body.add(tile.RowDots(out, x, body.row(other), 0, across.count, along.count))
                return out
    raise NotImplementedError(
        f"{body.kernel.name}: a score that is no product of a token's row with a vector"
    )


def _running(body: Values, node: Expr) -> list[Axis]:
    return [axis for axis in node.axes if axis in body.spans]


def _add(body: Values, plan: OnePass, found: Carried, share: Tile, shrink: Tile) -> None:
    """Rescale a sum to the largest score so far, and add what this block has."""
    span, total = body.spans[plan.axis], found.tile
    if found.free is None:
        x, part = body.row(found.sum.summed.x), body.number("part")
        body.add(
            tile.Binary(total, "*", total, shrink, 1),
            tile.Reduce(part, "sum", x, body.reduce_work(span), span.count),
            tile.Binary(total, "+", total, part, 1),
        )
        return
    weighed = _weighed(body, plan, found.sum)
    if _running(body, weighed) != [plan.axis, found.free]:
        raise NotImplementedError(f"{body.kernel.name}: {weighed.array.name}, whose rows are not the tokens'")
    along = body.spans[found.free]
    x, part = load_rows(body, weighed, along, span), body.tile("part", "f32", along.cols)
    work = body.expand_work(span.most)
    body.add(
        tile.RowExpand(x, "*", x, share, work, along.count, span.count),
        tile.ColumnSum(part, x, span.count, along.count),
        tile.RowExpand(total, "*", total, shrink, body.expand_work(), along.count),
        tile.Binary(total, "+", total, part, along.count),
    )


def _weighed(body: Values, plan: OnePass, carried: CarriedSum) -> Load:
    """The array that the shares weigh."""
    match carried.summed.x:
        case Binary("*", left, Load() as right) if left is plan.share:
            return right
        case Binary("*", Load() as left, right) if right is plan.share:
            return left
    raise NotImplementedError(f"{body.kernel.name}: a sum over tokens of more than shares times an array")


def _finish(body: Values, carried: list[Carried]) -> None:
    """The factors that had left the sums come back; what the kernel writes leaves."""
    for found in carried:
        body.results[found.sum.summed] = found.tile
        result: Expr = found.sum.summed
        for side, factor in found.sum.outside:
            result = Binary(side, result, factor)
        body.instead[found.sum.node] = result
    body.store(body.kernel.stores)
