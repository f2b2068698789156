"""The first place of the largest of a long row: within each partition, then among the partitions.

A row of numbers and a row of their places give the largest, and the smallest place of those that equal it: no
matter how many do, or that all are minus infinity. Places are f32, which holds whole numbers up to 2^24. What
each partition found crosses over to one partition through memory, as bits: the Tensor Engine, which
could turn a column into a row, makes no number of an infinity.
"""

from __future__ import annotations

from runners.kernels.emit.nki_frame import PARTITION_BYTES, Lowering, lanes
from runners.kernels.emit.nki_program import Program, Tile
from runners.kernels.expr import Load, Reduce, Store

_TILES = 4
"""The elements, their places, the places of the largest, and a predicate."""
_MOST_PLACES = 1 << 24


def lower(lowering: Lowering) -> None:
    """One row, dealt to the partitions in runs."""
    load, store = _row(lowering)
    length, name = lowering.length(load.array.axes[0]), load.array.axes[0].name.upper()
    count, steps = lanes(length), length // lanes(length)
    if steps * _TILES * 4 > PARTITION_BYTES or length > _MOST_PLACES:
        raise lowering.refused(f"a row of {length} does not fit")
    shape = (
        lowering.constant(f"{name}_LANES", count, f"partitions that {name} is dealt to"),
        lowering.constant(f"{name}_STEPS", steps, "elements on each"),
    )
    lowering.walk = f"The row is dealt to {count} partitions."
    program, array = lowering.program, load.array.name
    source = f"{array}.reshape(({shape[0]}, {shape[1]}))"
    x = program.load(f"{array}_tile", source, shape, lowering.dtype(load))
    place = program.counted("place", shape, "float32", shape[1], "1")
    found = _first_largest(program, x, place, name, "of_lanes")
    program.add("# to one partition, by way of memory: an infinity does not pass the Tensor Engine")
    row = [_crossed(program, tile) for tile in found]
    _, first = _first_largest(program, row[0], row[1], name, "of_all")
    token = Tile(f"{store.target.array.name}_tile", ("1", "1"), "int32")
    program.result("tensor_copy", f"src={first.text}", tile=token, default="float32")
    program.store(f"{store.target.array.name}.reshape((1, 1))", token)


def _row(lowering: Lowering) -> tuple[Load, Store]:
    match lowering.kernel.stores:
        case (Store(target, Reduce("argmax", axis, Load() as load)) as store,):
            if load.index == (axis,) and not target.index:
                return load, store
    raise lowering.refused("no argmax but of one row, alone")


def _first_largest(program: Program, x: Tile, place: Tile, most: str, of: str) -> tuple[Tile, Tile]:
    """Of each partition the largest element, and its first place."""
    column = (x.shape[0], "1")
    largest, first = Tile(f"largest_{of}", column), Tile(f"first_{of}", column)
    reduced = "axis=1", "keepdims=True"
    program.result(
        "tensor_reduce", "op=nl.maximum", f"data={x.text}", *reduced, tile=largest, default=x.dtype
    )
    is_largest = Tile(f"is_largest_{of}", x.shape, "uint8")
    equal = f"data={x.text}", "op0=nl.equal", f"operand0={largest.text}"
    program.result("tensor_scalar", *equal, tile=is_largest, default=x.dtype)
    places = program.filled(f"places_{of}", x.shape, most)
    program.copy_where(is_largest, place.text, places)
    least = "op=nl.minimum", f"data={places.text}"
    program.result("tensor_reduce", *least, *reduced, tile=first, default="float32")
    return largest, first


def _crossed(program: Program, column: Tile) -> Tile:
    """A column as a row, by way of memory."""
    memory = program.allocate(f"{column.text}_memory", column.shape, buffer="private_hbm")
    program.store(memory.text, column)
    shape = ("1", column.shape[0])
    return program.load(
        f"{column.text}_row", f"{memory.text}.reshape(({', '.join(shape)}))", shape, "float32"
    )
