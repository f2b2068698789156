"""Kernels without a matrix: a block for each program that reduces, a thread for each run of points otherwise.

A block's sum goes through shuffles within each warp, one number a warp in the block's memory, one barrier,
and shuffles again, in every warp, so that all threads have it. Each reduction has memory of its own, and so
none has to wait for the readers of the one before.

What is reduced is kept; everything else is computed again where it is used, from rows that the first-level
cache holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from runners.kernels.emit.clike import length_name
from runners.kernels.emit.simt_body import COUNTED, EACH_OF_RUN, Body, product
from runners.kernels.emit.simt_text import WARP
from runners.kernels.expr import Axis, Reduce, Store

FEW_PROGRAMS = 128  # about the number of a large GPU's multiprocessors: with fewer, a block takes all it can
MOST_THREADS = {True: 1024, False: 256}
UNROLLED = 4
POINT_THREADS = 256


def write_programs(body: Body) -> None:
    """Fill ``body`` for programs that reduce along static axes."""
    programs = body.sizes.programs(body.kernel)
    longest = max(body.length(node.axis) for node in body.kernel.reductions)
    warps = -(-longest // (body.run * WARP))
    body.grid, body.block = programs, min(warps * WARP, MOST_THREADS[programs < FEW_PROGRAMS])
    body.constants["LANES"] = (WARP, "of a warp")
    body.constants["WARPS"] = (body.block // WARP, "of a block")
    body.constants["THREADS"] = (body.block, "of a block")
    body.how = "A block for each program." if body.kernel.parallel else "One block."

    body.add("const int lane = thread % LANES, warp = thread / LANES;")
    body.positions("block")
    for node in body.kernel.reductions:
        if node.op == "argmax":
            _first_largest(body, node)
        else:
            _reduce(body, node)
        body.print.results[node] = body.name(node)
    for axes, stores in grouped(body, body.kernel.parallel).items():
        _store(body, axes, stores)


def block_loop(body: Body, axis: Axis) -> str:
    """The threads of a block along an axis, a run each."""
    length = body.length(axis)
    body.unroll(min(UNROLLED, -(-length // (body.block * body.run))))
    return f"for (int start = thread * RUN; start < {length_name(axis)}; start += THREADS * RUN)"


def _reduce(body: Body, node: Reduce) -> None:
    name, fold = body.name(node), "lane_sum" if node.op == "sum" else "lane_max"
    body.add("", f"{body.dialect.shared} float {name}_of[WARPS];", f"float {name} = {body.start(node)};")
    with body.lines.block(block_loop(body, node.axis)), body.runs(node.axis, "start", [node.x]):
        body.add(f"{EACH_OF_RUN} {body.accumulate(node, name)}")
    body.add(
        f"{name} = {fold}({name});",
        f"if (lane == 0) {name}_of[warp] = {name};",
        body.dialect.barrier,
        f"{name} = {fold}(lane < WARPS ? {name}_of[lane] : {body.start(node)});",
    )


def _first_largest(body: Body, node: Reduce) -> None:
    """The largest element and its place travel together; of equals the first one wins."""
    name, value, last = body.name(node), f"{body.name(node)}_value", f"{length_name(node.axis)} - 1"
    shared = body.dialect.shared
    body.add("", f"{shared} float {value}_of[WARPS];", f"{shared} int {name}_of[WARPS];")
    body.add(f"float {value} = {body.start(node)};", f"int {name} = {last};")
    with body.lines.block(block_loop(body, node.axis)), body.runs(node.axis, "start", [node.x]):
        body.add(f"{EACH_OF_RUN} take_better({body.print.text(node.x)}, start + i, {value}, {name});")
    body.add(f"lane_best({value}, {name});")
    with body.lines.block("if (lane == 0)"):
        body.add(f"{value}_of[warp] = {value};", f"{name}_of[warp] = {name};")
    body.add(
        body.dialect.barrier,
        f"{value} = lane < WARPS ? {value}_of[lane] : {body.start(node)};",
        f"{name} = lane < WARPS ? {name}_of[lane] : {last};",
        f"lane_best({value}, {name});",
    )


def grouped(body: Body, bound: Sequence[Axis]) -> dict[tuple[Axis, ...], list[Store]]:
    """Stores over the same axes share their loops; ``bound`` axes stand still."""
    groups: dict[tuple[Axis, ...], list[Store]] = {}
    for store in body.kernel.stores:
        axes = tuple(axis for axis in store.target.axes if axis not in bound)
        groups.setdefault(axes, []).append(store)
    return groups


def _store(body: Body, axes: tuple[Axis, ...], stores: Sequence[Store]) -> None:
    body.add("")
    if not axes:
        with body.lines.block("if (thread == 0)"):
            body.add(*map(body.assign, stores))
        return
    if len(axes) > 1:
        raise NotImplementedError(f"{body.kernel.name}: a program that writes over {len(axes)} axes")
    with body.lines.block(block_loop(body, axes[0])):
        body.store_runs(axes[0], "start", stores)


def write_points(body: Body) -> None:
    """Fill ``body`` for a kernel that reduces nothing: a thread for each run of the points it writes."""
    groups = grouped(body, ())
    points = {axes: product(body.length(axis) for axis in axes) for axes in groups}
    longest = -(-max(points.values()) // body.run)
    body.block = min(POINT_THREADS, -(-longest // WARP) * WARP)
    body.grid = -(-longest // body.block)
    body.constants["THREADS"] = (body.block, "of a block")
    body.how = "A thread for each run of the elements written."
    wide = "" if body.index_type == "int" else f"({body.index_type})"

    body.add(f"const {body.index_type} point = ({wide}block * THREADS + thread) * RUN;")
    for axes, stores in groups.items():
        body.add("")
        cast = wide if points[axes] > COUNTED else ""
        with body.lines.block(f"if (point < {cast}{' * '.join(map(length_name, axes))})"):
            _point(body, axes)
            body.store_runs(axes[-1], axes[-1].name, stores)


def _point(body: Body, axes: tuple[Axis, ...]) -> None:
    """Where the thread's run begins, axis by axis."""
    place = "point"
    for axis in reversed(axes[1:]):
        body.add(f"const {body.index_type} {axis.name} = {place} % {length_name(axis)};")
        place += f" / {length_name(axis)}"
    body.add(f"const {body.index_type} {axes[0].name} = {place};")
