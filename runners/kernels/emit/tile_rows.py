"""Rows and points: a program's rows lie in the buffer, each as a whole, and are worked on one after the other.

A kernel that reduces nothing has no programs: the last axis that it writes is what runs, in pieces where
it is long, and every point of the others is done by itself. What is the same for all programs is loaded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from runners.kernels.emit import tile_argmax
from runners.kernels.emit.tile_body import CORES
from runners.kernels.emit.tile_place import BLOCK, BLOCKS, Combined, Index, Symbol, times, times_all
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Axis, Load, Store

MOST_COLS = 4096  # of a piece


def write(body: Values) -> None:
    """Fill ``body`` for a kernel that reduces along static axes, or not at all."""
    body.how = "The cores take the rows in turn."
    if body.kernel.reductions:
        _programs(body, body.kernel.parallel, None, body.kernel.stores)
        return
    groups: dict[tuple[Axis, ...], list[Store]] = {}
    for store in body.kernel.stores:
        groups.setdefault(store.target.axes, []).append(store)
    for axes, stores in groups.items():
        _programs(body, axes[:-1], axes[-1] if axes else None, stores)


def _programs(
    body: Values, standing: tuple[Axis, ...], running: Axis | None, stores: Sequence[Store]
) -> None:
    """A loop over the points of ``standing``, and over the pieces of ``running``."""
    pieces = -(-body.length(running) // MOST_COLS) if running else 1
    count = prod(map(body.length, standing)) * pieces
    parts = body.constant("PIECES", pieces, "of a row") if pieces > 1 else 1
    stop = times(times_all([body.extent(axis) for axis in standing]), parts)
    body.launch = max(body.launch, min(count, CORES))
    body.spans = {}
    if running is None or pieces == 1:
        _run_whole(body, standing, stores)
        _kept(body, stores, count)
    trips = -(-count // min(count, CORES))
    kept = dict(body.results)
    only = standing[0].name if len(standing) == 1 and pieces == 1 else "program"
    with body.loop(only, BLOCK, stop, BLOCKS, trips) as program:
        place: Index = program
        if pieces > 1 and running:
            most = body.constant("PIECE", MOST_COLS, "elements of a row that are taken at once")
            start = body.let("start", times(Combined("%", place, parts), most))
            body.spans[running] = body.part(running, start, most)
            place = Combined("//", place, parts)
        stand(body, standing, place)
        for node in body.kernel.reductions:
            if node.op == "argmax":
                tile_argmax.write(body, node)
        body.store(stores)
    body.results = kept  # what a loop loads or computes is gone behind it


def stand(body: Values, axes: tuple[Axis, ...], place: Index) -> None:
    """The point of ``axes`` that has the number ``place``."""
    for axis in reversed(axes[1:]):
        length = body.extent(axis)
        body.where[axis] = body.let(axis.name, Combined("%", place, length))
        place = Combined("//", place, length)
    for axis in axes[:1]:
        body.where[axis] = place if place == Symbol(axis.name) else body.let(axis.name, place)


def _run_whole(body: Values, standing: tuple[Axis, ...], stores: Sequence[Store]) -> None:
    """Every axis that does not stand runs in one row."""
    nodes = dict.fromkeys(node for store in stores for node in (*store.value.walk(), store.target))
    argmaxes = {node.axis for node in body.kernel.reductions if node.op == "argmax"}
    for axis in dict.fromkeys(axis for node in nodes for axis in node.axes):
        if axis not in standing and axis not in argmaxes:
            body.spans[axis] = body.whole(axis)


def _kept(body: Values, stores: Sequence[Store], count: int) -> None:
    """Load what is the same for each of several programs before the first."""
    for store in stores:
        for node in store.value.walk():
            if isinstance(node, Load) and count > 1 and node.axes and all(a in body.spans for a in node.axes):
                body.keep(node)
