"""How a Pallas kernel's arrays are cut: the grid, and every array's block and its place in the grid.

A TPU moves blocks between memory and its fast memory (VMEM) while it computes on the block before; a block's
last two dimensions are multiples of a tile or the array's own. From that follow the rules:

- a parallel axis that stands before the last two of every array that has it is walked one place at a time;
- of the others the first is walked in blocks, where two of everything would crowd the VMEM; the rest is whole;
- a dynamic axis that is reduced is walked last and in order, in blocks of tokens, and none past the position;
- a row that a run-time number chooses comes in the tile of rows that holds it: a block cannot be one row.

Blocks need not divide an axis: what an edge block reads past the end only reaches what it writes past the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from runners.kernels.expr import Array, Axis, Expr, Kernel, Load
from runners.kernels.sizes import STORAGE_BYTES, Sizes, Storage

LANES = 128
TILE_ROWS = 16  # of 16-bit elements; f32 has tiles of 8
BLOCK_BYTES = 2 << 20  # twice that, and its widened copies, in 16 MB; well beyond what starting a block costs
BLOCK_TOKENS = 512  # a short context reads little beyond its end

Role = Literal["each", "blocks", "tokens"]


@dataclass(frozen=True, slots=True)
class GridAxis:
    """An axis that the grid walks: each of its places, or blocks of ``block``, which ``tokens`` does in order."""

    axis: Axis
    role: Role
    block: int = 1

    @property
    def width(self) -> str:
        """A block's extent along the axis, as text."""
        return {"each": "None", "blocks": f"BLOCK_{self.axis.name.upper()}", "tokens": "block_tokens"}[
            self.role
        ]


class Plan:
    """The grid and the blocks of one kernel at one set of sizes."""

    def __init__(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> None:
        self.kernel, self.sizes, self.storage = kernel, sizes, storage
        self.loads = tuple(dict.fromkeys(_loads(kernel)))
        self.chosen = dict(filter(None, map(_chosen, self.loads)))
        each = tuple(GridAxis(axis, "each") for axis in kernel.parallel if self._leads(axis))
        tokens = tuple(self._reduced_tokens())
        self.grid: tuple[GridAxis, ...] = (*each, *tokens)
        self.grid = (*each, *self._blocks(), *tokens)

    # --- which arrays go where --------------------------------------------------------------------

    @property
    def scalars(self) -> tuple[Array, ...]:
        """Single numbers, known on the device before the blocks are fetched."""
        return tuple(array for array in self.kernel.inputs if not array.axes)

    @property
    def operands(self) -> tuple[Array, ...]:
        """The arrays that are read in blocks, what is only partly written among them."""
        read = (array for array in self.kernel.arrays if array.axes)
        return tuple(array for array in read if array not in self.kernel.outputs or array in self.updated)

    @property
    def updated(self) -> tuple[Array, ...]:
        """The outputs that keep elements which no statement writes."""
        return tuple(array for array in self.kernel.outputs if not self._complete(array))

    @property
    def tokens(self) -> GridAxis | None:
        """The dynamic axis, where it is walked."""
        return next((found for found in self.grid if found.role == "tokens"), None)

    @property
    def counters(self) -> tuple[str, ...]:
        """The variables that count the blocks of each axis of the grid."""
        return tuple("ijkl"[: len(self.grid)])

    def free(self, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        """Those of ``axes`` that a block has: not those walked one place at a time."""
        return tuple(axis for axis in axes if self.walked(axis) != "each")

    def walked(self, axis: Axis) -> Role | None:
        """How the grid walks an axis, if it does."""
        return next((found.role for found in self.grid if found.axis == axis), None)

    # --- text -------------------------------------------------------------------------------------

    def extent(self, axis: Axis) -> str:
        """A block's extent along an axis."""
        return next((found.width for found in self.grid if found.axis == axis), axis.name.upper())

    def block(self, array: Array) -> list[str]:
        """The shape of an array's block; an array of one axis is one row."""
        extents = [
            f"{array.name}_rows" if self._chosen_at(array, place) else self.extent(axis)
            for place, axis in enumerate(array.axes)
        ]
        return extents if len(extents) > 1 else ["1", *extents]

    def place(self, array: Array) -> list[str]:
        """Which block of an array the grid is at."""
        places = [self._place(array, place) for place in range(len(array.axes))]
        return places if len(places) > 1 else ["0", *places]

    def _place(self, array: Array, place: int) -> str:
        if self._chosen_at(array, place):
            return f"jax.lax.div({self.chosen[array][1].array.name}[0], {array.name}_rows)"
        for counter, found in zip(self.counters, self.grid, strict=True):
            if found.axis == array.axes[place]:
                last = f"jax.lax.div(position[0], {found.width})"
                return f"jnp.minimum({counter}, {last})" if found.role == "tokens" else counter
        return "0"

    # --- decisions --------------------------------------------------------------------------------

    def _leads(self, axis: Axis) -> bool:
        places = [
            len(array.axes) - array.axes.index(axis) for array in self.kernel.arrays if axis in array.axes
        ]
        return min(places) > 2

    def _reduced_tokens(self) -> Iterator[GridAxis]:
        for axis in dict.fromkeys(node.axis for node in self.kernel.reductions if node.axis.dynamic):
            yield GridAxis(axis, "tokens", BLOCK_TOKENS)

    def _blocks(self) -> Iterator[GridAxis]:
        """The first parallel axis not walked yet, in equal blocks that keep to the bytes of a block."""
        for axis in [axis for axis in self.kernel.parallel if self.walked(axis) is None][:1]:
            arrays = [array for array in self.kernel.arrays if axis in array.axes]
            unit = LANES if any(array.axes[-1] == axis for array in arrays) else TILE_ROWS
            a_place = sum(self._bytes_beside(array, axis) for array in arrays)
            most = max(BLOCK_BYTES // (a_place * unit), 1) * unit
            length = self.sizes.lengths[axis.name]
            if length > most:
                yield GridAxis(axis, "blocks", math.ceil(length / math.ceil(length / most) / unit) * unit)

    def _bytes_beside(self, array: Array, axis: Axis) -> int:
        """The bytes of an array's block at one place of ``axis``."""
        found = STORAGE_BYTES[self.storage] if array.element == "stored" else 4
        for place, other in enumerate(array.axes):
            if self._chosen_at(array, place):
                found *= TILE_ROWS
            elif self.walked(other) == "tokens":
                found *= BLOCK_TOKENS
            elif self.walked(other) is None and other != axis:
                found *= self.sizes.lengths[other.name]
        return found

    def _chosen_at(self, array: Array, place: int) -> bool:
        return array in self.chosen and self.chosen[array][0] == place

    def _complete(self, array: Array) -> bool:
        """Whether the statements write every element, knowing that none is written twice."""
        targets = [store.target for store in self.kernel.stores if store.target.array == array]
        if array in self.chosen:
            return False
        written = sum(self._points(target.axes) for target in targets)
        return written == self._points(array.axes)

    def _points(self, axes: tuple[Axis, ...]) -> int:
        return math.prod(self.sizes.lengths[axis.name] for axis in axes)


def _loads(kernel: Kernel) -> Iterator[Load]:
    """Everything that is read or written: loads and the targets of stores."""
    for store in kernel.stores:
        yield from (node for node in store.value.walk() if isinstance(node, Load))
        yield store.target


def _chosen(load: Load) -> tuple[Array, tuple[int, Load]] | None:
    """The array of which a run-time number chooses a row, the axis of rows, and the number."""
    for place, index in enumerate(load.index):
        if isinstance(index, Expr):
            if not isinstance(index, Load) or place != len(load.index) - 2:
                raise ValueError(
                    f"{load.array.name}: only a row can be chosen, by a parameter (got axis {place})"
                )
            return load.array, (place, index)
    return None
