"""A step over several cores of a slice: each multiplies its own rows of every matrix, and has every vector whole.

A kernel whose parallel axis leads a stored matrix is emitted for a core's share of that axis; each core holds its
share of the matrix, and what the cores give is gathered to all of them. All else each core does for itself: it
takes next to no memory traffic, and splitting it would only add gathers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from runners.device import RunnerError
from runners.kernels.emit import Emitted
from runners.kernels.expr import Axis, Kernel
from runners.kernels.sizes import Sizes
from runners.step import Step

AXIS = "core"


def split_axis(kernel: Kernel) -> Axis | None:
    """The axis whose rows cores share: the one that leads a stored matrix, and is all that the outputs have."""
    led = {a.axes[0] for a in kernel.inputs if a.element == "stored" and len(a.axes) == 2}
    return next(
        (axis for axis in kernel.parallel if axis in led and all(a.axes == (axis,) for a in kernel.outputs)),
        None,
    )


def share(kernel: Kernel, sizes: Sizes, cores: int) -> Sizes:
    """One core's sizes; RunnerError where the rows cannot be shared evenly."""
    axis = split_axis(kernel)
    if axis is None:
        return sizes
    rows = sizes.lengths[axis.name]
    if rows % cores:
        raise RunnerError(
            f"--cores: {rows} rows of {kernel.name} cannot be shared evenly (got {cores}); "
            f"choose {math.gcd(rows, cores)}"
        )
    return replace(sizes, lengths={**sizes.lengths, axis.name: rows // cores})


def shared_weights(step: Step, kernels: Mapping[str, Emitted]) -> set[str]:
    """The weights that lie in parts, one on each core: those that a kernel takes less of than there is."""
    return {
        name
        for launch in step.launches
        for array, name in zip(kernels[launch.kernel].kernel.arrays, launch.buffers, strict=True)
        if step.buffers[name].role == "weight"
        and math.prod(kernels[launch.kernel].sizes.shape(array.axes, step.capacity))
        < math.prod(step.buffers[name].shape)
    }


@dataclass(frozen=True)
class Cores:
    """JAX's devices that a step runs on."""

    devices: tuple[Any, ...]

    def sharding(self, held_rank: int = 0, rank: int = 0) -> Any:
        """Whole on every core; or, of an array of ``rank`` axes, the rows in parts, held as one of ``held_rank``."""
        sharding = import_module("jax").sharding
        if len(self.devices) == 1:
            return sharding.SingleDeviceSharding(self.devices[0])
        rows = (*(None,) * (held_rank - rank), AXIS) if held_rank else ()
        return sharding.NamedSharding(self._mesh, sharding.PartitionSpec(*rows))

    @property
    def _mesh(self) -> Any:
        numpy, sharding = import_module("numpy"), import_module("jax").sharding
        return sharding.Mesh(numpy.array(self.devices), (AXIS,))

    def compiled(self, program: Any, changing: Any, constant: Any) -> Any:
        """The program compiled for arrays like these, where they lie, the first ones donated."""
        jax = import_module("jax")
        if len(self.devices) > 1:
            specs = jax.tree.map(lambda array: array.sharding.spec, (changing, constant))
            whole = jax.sharding.PartitionSpec()
            program = jax.shard_map(
                program, mesh=self._mesh, in_specs=specs, out_specs=whole, check_vma=False
            )
        return jax.jit(program, donate_argnums=0).lower(changing, constant).compile()


def own_part(numbers: Any, shape: tuple[int, ...]) -> Any:
    """Of a vector that every core has whole, this core's part in ``shape``; all of it where that is its shape."""
    cores = numbers.size // math.prod(shape)
    if cores == 1:
        return numbers.reshape(shape)
    lax = import_module("jax").lax
    return lax.dynamic_index_in_dim(numbers.reshape(cores, *shape), lax.axis_index(AXIS), keepdims=False)


def gathered(numbers: Any, shape: tuple[int, ...]) -> Any:
    """The parts that the cores have, one after the other on each of them, in ``shape``."""
    if numbers.size == math.prod(shape):
        return numbers.reshape(shape)
    return import_module("jax").lax.all_gather(numbers.reshape(-1), AXIS, tiled=True).reshape(shape)
