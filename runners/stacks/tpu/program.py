"""Steps as JAX programs: the functions of emitted Pallas texts, called in a step's order on named arrays.

**The step is unrolled**: one program has a ``pallas_call`` for each launch. A loop over layers (``lax.scan``) would
compile sooner, but it takes a layer's weights out of stacked ones, and no slice joins a custom call: each weight
would be copied, in full, in each step. Unrolled, each call reads its weights where they lie. Each kernel is one
Python function under its own ``jit``, so that it is traced and lowered once, however often it is launched.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from runners.kernels.emit import Emitted
from runners.kernels.expr import Array
from runners.stacks.tpu.cores import gathered, own_part
from runners.step import Buffer, Launch, Step

Memory = dict[str, Any]
"""Buffer name to JAX array. A single number is an array of one."""
Program = Callable[[Memory, Memory], tuple[Memory, Any]]
"""(what changes, what does not) -> (what changes, as it is now; what else was computed)."""

DONATED = ("cache", "state")


@dataclass(frozen=True, slots=True)
class Function:
    """An emitted text as a function of JAX arrays, and the kernel's arrays that it takes, in its order."""

    emitted: Emitted
    call: Callable[..., Any]
    taken: tuple[Array, ...]

    def shape(self, array: Array, capacity: int) -> tuple[int, ...]:
        """The shape in which the function takes an array, or gives it."""
        return self.emitted.sizes.shape(array.axes, capacity) or (1,)

    def named(self, results: Any) -> dict[str, Any]:
        """What a call gave, by the names of the kernel's outputs."""
        outputs = [array.name for array in self.emitted.kernel.outputs]
        return dict(zip(outputs, results if len(outputs) > 1 else (results,), strict=True))


def held_shape(buffer: Buffer) -> tuple[int, ...]:
    """The shape of a buffer's JAX array: a TPU keeps a vector of one axis otherwise than the row that texts take."""
    return {0: (1,), 1: (1, *buffer.shape)}.get(len(buffer.shape), buffer.shape)


def function(emitted: Emitted, interpret: bool) -> Function:
    """The function that the emitted module defines. ``interpret`` runs it where there is no TPU."""
    module: dict[str, Any] = {}
    name = emitted.kernel.name
    exec(compile(emitted.text, f"{name}.py", "exec"), module)  # noqa: S102 - our own text
    parameters = inspect.signature(module[name]).parameters
    taken = tuple(array for array in emitted.kernel.arrays if array.name in parameters)
    jitted = import_module("jax").jit(module[name], static_argnames="interpret")
    return Function(emitted, lambda *arrays: jitted(*arrays, interpret=interpret), taken)


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one step."""

    step: Step
    functions: Mapping[str, Function]

    def whole(self, changing: Memory, constant: Memory) -> tuple[Memory, Memory]:
        """All launches in order, and ``position`` moved on; what else was computed is the last of each activation."""
        memory = {**constant, **changing}
        for launch in self.step.launches:
            memory |= self._launched(launch, memory)
        if "position" in memory:
            memory["position"] += 1
        return _of(memory, changing), _of(
            memory, [one.name for one in self.step.buffers.values() if one.role == "activation"]
        )

    def repeated(self, kernel: str, turns: int) -> Program:
        """All launches of one kernel, so many times over; what else was computed is every output of each.

        Each launch's inputs pass a barrier together with the outputs of the one before: else those that read the
        same arrays would be one, and the compiler could order them as it likes.
        """
        optimization_barrier = import_module("jax").lax.optimization_barrier
        launches = [one for one in self.step.launches if one.kernel == kernel] * turns

        def program(changing: Memory, constant: Memory) -> tuple[Memory, list[Memory]]:
            memory, written, found = {**constant, **changing}, Memory(), list[Memory]()
            for launch in launches:
                read, written = optimization_barrier((_of(memory, launch.buffers), written))
                memory |= _of(written, changing)
                written = self._launched(launch, read)
                found.append(_of(written, written.keys() - changing.keys()))
            return _of(memory | written, changing), found

        return program

    def _launched(self, launch: Launch, memory: Mapping[str, Any]) -> Memory:
        """What a launch writes: buffer name to array."""
        function = self.functions[launch.kernel]
        names = {
            array.name: name
            for array, name in zip(function.emitted.kernel.arrays, launch.buffers, strict=True)
        }
        taken = [
            own_part(memory[names[array.name]], function.shape(array, self.step.capacity))
            for array in function.taken
        ]
        return {
            names[name]: gathered(numbers, held_shape(self.step.buffers[names[name]]))
            for name, numbers in function.named(function.call(*taken)).items()
        }


def _of(memory: Mapping[str, Any], names: Iterable[str]) -> Memory:
    return {name: memory[name] for name in names if name in memory}
