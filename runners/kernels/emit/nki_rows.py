"""Kernels that go row by row: a row to a partition, or one row over all partitions.

A row's sums and maxima run along its partition. A single row would leave 127 partitions idle, so where only
sums are asked of it, it is folded over all of them: each adds up its share, and a product with ones of those
sums gives every partition the whole.
"""

from __future__ import annotations

from dataclasses import replace

from runners.kernels.emit.nki_body import Body
from runners.kernels.emit.nki_frame import PARTITION_BYTES, PARTITIONS, Frame, Lowering, chosen, lanes, tiled
from runners.kernels.expr import Axis, Load, Store

_TILES = 8
"""Of f32, that a partition must hold beside each other: each result of the longest of our expressions is one."""


def lower(lowering: Lowering) -> None:
    """Each output's rows, in tiles of up to 128; outputs of the same rows share a tile's values."""
    walks = []
    for frame, stores in _frames(lowering).items():
        most = PARTITION_BYTES // _TILES // 4
        if lowering.length(frame[1]) > most:
            raise lowering.refused(f"a row of {lowering.length(frame[1])} does not fit (at most {most})")
        walks.append(_lower(lowering, frame, stores))
    lowering.walk = " ".join(dict.fromkeys(walks))


def _frames(lowering: Lowering) -> dict[tuple[Axis | None, Axis], list[Store]]:
    """The statements by the axes that they write: of rows, if there are any, and of columns."""
    frames: dict[tuple[Axis | None, Axis], list[Store]] = {}
    for store in lowering.kernel.stores:
        axes = store.target.axes
        if not 1 <= len(axes) <= 2 or any(axis.dynamic for axis in axes):
            raise lowering.refused(f"cannot write {store.target.array.name}: it is no tile of rows")
        frames.setdefault((None, *axes)[-2:], []).append(store)  # type: ignore[arg-type]
    return frames


def _lower(lowering: Lowering, axes: tuple[Axis | None, Axis], stores: list[Store]) -> str:
    rows, cols = axes
    frame = Frame(rows, cols, ("1" if rows is None else rows.name.upper(), cols.name.upper()))
    if rows and lowering.length(rows) == 1 and _folds(lowering, stores):
        return _lower_folded(lowering, frame, stores)
    if rows is None or lowering.length(rows) <= PARTITIONS:
        walk = "One row." if rows is None else f"A partition for each of the {rows.name}."
    else:
        lowering.constant("ROW_TILE", PARTITIONS, "partitions")
        walk = f"A partition for each of the {rows.name}, {PARTITIONS} at a time."
    length = 1 if rows is None else lowering.length(rows)
    with tiled(lowering.program, frame.shape[0], length, "ROW_TILE", "rows") as (count, place, _):
        body = Body(lowering, replace(frame, shape=(count, frame.shape[1]), place=place))
        for store in stores:
            body.store(store)
    return walk


def _folds(lowering: Lowering, stores: list[Store]) -> bool:
    """Whether the only row is read and written as it lies, and nothing but sums is asked of it."""
    loads = [node for store in stores for node in store.value.walk() if isinstance(node, Load)]
    at_rest = not any(chosen(load) for load in (*loads, *(store.target for store in stores)))
    return (
        at_rest and bool(lowering.kernel.reductions) and {n.op for n in lowering.kernel.reductions} == {"sum"}
    )


def _lower_folded(lowering: Lowering, frame: Frame, stores: list[Store]) -> str:
    length, name = lowering.length(frame.cols), frame.cols.name.upper()
    shape = (
        lowering.constant(f"{name}_LANES", lanes(length), f"partitions that {name} is dealt to"),
        lowering.constant(f"{name}_STEPS", length // lanes(length), "elements on each"),
    )
    body = Body(lowering, replace(frame, shape=shape, folded=shape))
    for store in stores:
        body.store(store)
    return f"The row is folded over {lanes(length)} partitions."
