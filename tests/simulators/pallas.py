"""Emitted Pallas without a TPU: run by JAX's interpreters, lowered as for a TPU, compiled ahead of time.

``python -m tests.simulators.pallas v5e:1x1`` compiles every kernel for a TPU where libtpu is installed.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from runners.kernels.emit import TARGETS, Emitted, emit
from runners.kernels.expr import Array
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import TRUE

os.environ.setdefault("JAX_PLATFORMS", "cpu")

Function = Callable[..., Any]
STORAGES = TARGETS["pallas"].storages
TOPOLOGIES = {"v2:2x2": "v2-8", "v5e:1x1": "v5litepod-1", "v6e:1x1": "v6e-1"}
"""A TPU as JAX names it, and as libtpu wants its machine to be called."""


def function(emitted: Emitted, text: str | None = None) -> Function:
    """The function that the module defines; ``text`` stands in for the emitted one."""
    module: dict[str, Any] = {}
    exec(compile(text or emitted.text, f"{emitted.kernel.name}.py", "exec"), module)  # noqa: S102 - our own text
    found: Function = module[emitted.kernel.name]
    return found


def taken(emitted: Emitted) -> list[Array]:
    """The kernel's arrays that the function takes, in its order."""
    arrays = {array.name: array for array in emitted.kernel.arrays}
    parameters = inspect.signature(function(emitted)).parameters
    return [arrays[name] for name in parameters if name != "interpret"]


def run(
    emitted: Emitted, arrays: Mapping[str, Any], *, strict: bool = False, text: str | None = None
) -> dict[str, Any]:
    """What the function gives for ``arrays``: output name to array in the kernel's shape.

    ``strict`` takes the simulator of a TPU's memories: what was not written is not a number, and reading out
    of bounds is an error. Else blocks are slices of arrays.
    """
    from jax.experimental.pallas import tpu as pltpu

    given = [np.atleast_1d(arrays[array.name]) for array in taken(emitted)]
    result = function(emitted, text)(*given, interpret=pltpu.InterpretParams() if strict else True)
    results = result if isinstance(result, tuple) else (result,)
    return {
        array.name: np.asarray(numbers).reshape(arrays[array.name].shape)
        for array, numbers in zip(emitted.kernel.outputs, results, strict=True)
    }


def lowered(emitted: Emitted, capacity: int, sharding: Any = None) -> Any:
    """The function lowered for a TPU, which needs none: Mosaic has taken its blocks, shapes and operations."""
    import jax
    import jax.numpy as jnp

    stored = {"bf16": jnp.bfloat16, "f32": jnp.float32}[emitted.storage]
    kinds = {"stored": stored, "f32": jnp.float32, "i32": jnp.int32}
    shapes = [
        jax.ShapeDtypeStruct(  # type: ignore[no-untyped-call]
            emitted.sizes.shape(array.axes, capacity) or (1,), kinds[array.element], sharding=sharding
        )
        for array in taken(emitted)
    ]
    return jax.jit(function(emitted)).trace(*shapes).lower(lowering_platforms=("tpu",))


def described(topology: str) -> list[Any]:
    """The devices of a TPU that libtpu can compile for, and that need not be there."""
    from jax.experimental import topologies

    single = (
        {"chips_per_host_bounds": (1, 1, 1)} if topology.endswith("1x1") else {}
    )  # else some releases refuse
    found: list[Any] = topologies.get_topology_desc(topology, platform="tpu", **single).devices
    return found


def compile_ahead_of_time(topology: str) -> list[str]:
    """Which kernels libtpu refuses to compile for a TPU, and why."""
    from jax.sharding import SingleDeviceSharding

    device = described(topology)[0]
    refused = []
    for case in TRUE:
        for storage in STORAGES:
            emitted = emit(KERNELS[case.kernel], "pallas", case.sizes, storage)
            for capacity in {case.capacity, 32768} if case.dynamic else {1}:
                try:
                    lowered(emitted, capacity, SingleDeviceSharding(device)).compile()
                except Exception as error:  # whatever the compiler says is the finding
                    refused.append(f"{case} {storage}: {type(error).__name__}: {str(error)[:300]}")
    return refused


if __name__ == "__main__":
    refusals = compile_ahead_of_time(sys.argv[1])
    print("\n".join(refusals))
    sys.exit(bool(refusals))
