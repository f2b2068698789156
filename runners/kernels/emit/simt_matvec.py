"""Matrix times vector: a warp for each row, or for a few.

A token is bound by the bytes of its weights, so what counts is how many loads are in flight. A lane takes 16
bytes at once, eight such loads are unrolled before the first sum needs its weights, and the lanes of a warp
read one contiguous stretch of a row. x comes through the first-level cache: a row of bf16 weights reads
twice its own bytes from there, so where there are rows enough a warp takes two or four and reads x once for
all of them. Matrices that share x share the warp. No memory is shared between warps and none waits.

Where a language lets a launch begin before the one before it has ended, a warp asks for the first stretch of
its rows while it waits: weights are what a launch reads that no other writes.
"""

from __future__ import annotations

from runners.kernels.emit.clike import length_name
from runners.kernels.emit.schedule import matrices, needed
from runners.kernels.emit.simt_body import EACH_OF_RUN, Body
from runners.kernels.emit.simt_text import WARP
from runners.kernels.expr import Load, Reduce
from runners.kernels.sizes import STORAGE_BYTES

WARPS = 4
IN_FLIGHT = 8
LINE_BYTES = 128  # of the cache
STREAMS = ((2**16, 4), (2**12, 2), (0, 1))  # rows of matrices that a warp reads, by the number of rows


def write(body: Body) -> None:
    """Fill ``body`` for a kernel whose reductions are all products of a matrix and a vector."""
    (axis,) = body.kernel.parallel
    count = len(matrices(body.kernel))
    streams = next(found for least, found in STREAMS if body.length(axis) >= least)
    rows = max(1, streams // count)
    body.constants["LANES"] = (WARP, "that share a row")
    body.constants["WARP_ROWS"] = (rows, "of a warp")
    body.block, body.grid = WARP * WARPS, -(-body.length(axis) // (WARPS * rows))
    body.how = "A warp for each row." if rows == 1 else f"A warp for every {rows} rows."

    body.ahead.add("const int lane = thread % LANES;")
    body.ahead.add(f"const {body.index_type} first = (block * {WARPS} + thread / LANES) * WARP_ROWS;")
    if body.dialect.ahead:
        _ask_ahead(body)
    body.add(*(f"float {body.name(node)}[WARP_ROWS] = {{0.0f}};" for node in body.kernel.reductions))
    _sums(body, IN_FLIGHT // (rows * count))
    _stores(body)


def _ask_ahead(body: Body) -> None:
    """Ask for the first stretch of each row, a line of the cache a lane: no launch before writes a weight."""
    inner, lines = body.kernel.reductions[0].axis, body.lines
    body.lines = body.ahead
    with body.lines.block("for (int row = 0; row < WARP_ROWS; row++)"):
        _row(body, clamped=True)
        body.add(f"const int {inner.name} = lane * {LINE_BYTES // STORAGE_BYTES[body.storage]};")
        with body.lines.block(f"if ({inner.name} < {length_name(inner)})"):
            places = (f"&{body.print.element(load)}" for load in _weights(body))
            body.add(*(body.dialect.ahead.format(place=place) for place in places))
    body.lines = lines


def _weights(body: Body) -> list[Load]:
    loads = (load for node in body.kernel.reductions for load in needed(node.x, ()) if isinstance(load, Load))
    return [load for load in loads if load.array in matrices(body.kernel)]


def _sums(body: Body, unrolled: int) -> None:
    """Each lane's share of the rows' sums."""
    inner = body.kernel.reductions[0].axis
    length, step = length_name(inner), WARP * body.run
    body.unroll(min(unrolled, -(-body.length(inner) // step)))
    with body.lines.block(f"for (int start = 0; start < {length}; start += LANES * RUN)"):
        body.add(f"const int {inner.name} = start + lane * RUN;")
        if body.length(inner) % step:
            body.add(f"if ({inner.name} >= {length}) break;")
        vectors = [load for node in body.kernel.reductions for load in _vectors(body, node)]
        with body.runs(inner, inner.name, vectors):
            _rows(body)


def _vectors(body: Body, node: Reduce) -> list[Load]:
    loads = (load for load in needed(node.x, ()) if isinstance(load, Load))
    return [load for load in loads if body.kernel.parallel[0] not in load.axes]


def _rows(body: Body) -> None:
    """One run of each row, times the run of x that all of them share."""
    inner = body.kernel.reductions[0].axis
    with body.lines.block("for (int row = 0; row < WARP_ROWS; row++)"):
        _row(body, clamped=True)
        products = [node.x for node in body.kernel.reductions]
        with body.runs(inner, inner.name, products), body.lines.block(EACH_OF_RUN):
            for node in body.kernel.reductions:
                body.add(body.accumulate(node, f"{body.name(node)}[row]"))


def _row(body: Body, *, clamped: bool) -> None:
    """The row's number. Beyond the last one, a warp reads the last and writes nothing: no lane leaves."""
    (axis,) = body.kernel.parallel
    length = length_name(axis)
    row = (
        f"first + row < {length} ? first + row : {length} - 1" if clamped and _ragged(body) else "first + row"
    )
    body.add(f"const {body.index_type} {axis.name} = {row};")


def _ragged(body: Body) -> bool:
    """Whether the last block has fewer rows than warps for them."""
    rows, _ = body.constants["WARP_ROWS"]
    return body.length(body.kernel.parallel[0]) % (WARPS * rows) != 0


def _stores(body: Body) -> None:
    (axis,) = body.kernel.parallel
    with body.lines.block("for (int row = 0; row < WARP_ROWS; row++)"):
        for node in body.kernel.reductions:
            name = f"{body.name(node)}[row]"
            body.add(f"{name} = lane_sum({name});")
            body.print.results[node] = name
        _row(body, clamped=False)
        inside = f" && {axis.name} < {length_name(axis)}" if _ragged(body) else ""
        with body.lines.block(f"if (lane == 0{inside})"):
            body.add(*(body.assign(store) for store in body.kernel.stores))
