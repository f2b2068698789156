"""Graphs of launches over named tensors, each compiled as one program: what a Neuron compiler takes of a step.

A launch alone costs its dispatch by the host, and a graph of a whole step is reported to be slow, as a program
is no pipeline across all of it: so a step is cut into two graphs by default, and where is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runners.device import RunnerError, element_type
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.expr import Array
from runners.step import Launch, Step, touched

Tensor = Any
Tensors = MutableMapping[str, Tensor]
Seen = tuple[str, tuple[int, ...]]
Call = tuple[Callable[..., Any], list[Seen], list[Seen]]
"""A text's function, and the buffers that it takes and gives: of a taken one the shape that it is seen in, of a
given one the shape that it is kept in."""
READ_BY_THE_HOST = frozenset({"token", "logits"})


def updated(kernel: Emitted) -> list[Array]:
    """The arrays that a text takes, changes in place and gives back: the caches. It allocates all else it writes."""
    return [array for array in kernel.kernel.outputs if has_dynamic(array.axes)]


def taken(kernel: Emitted) -> list[Array]:
    """The arrays that a text's function takes, in its order."""
    return [
        array for array in kernel.kernel.arrays if array in kernel.kernel.inputs or array in updated(kernel)
    ]


@dataclass(frozen=True, slots=True)
class Form:
    """The shape of a tensor in the device's memory, and the type of its elements."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def forms_of(step: Step, kernels: Mapping[str, Emitted]) -> dict[str, Form]:
    """The form of each buffer: in its readers' layout; a single number is an array of one."""
    layouts = step.layouts(kernels)
    return {
        name: Form(
            layouts.get(name, ROWS).shape(buffer.shape) or (1,), element_type(buffer.element, step.storage)
        )
        for name, buffer in step.buffers.items()
    }


@dataclass(frozen=True, slots=True)
class Graph:
    """Launches that are compiled as one program. ``handed_on`` are the buffers wanted of it beside its caches."""

    launches: tuple[Launch, ...]
    kernels: Mapping[str, Emitted]
    forms: Mapping[str, Form]
    capacity: int
    handed_on: frozenset[str]

    @property
    def states(self) -> tuple[str, ...]:
        """The buffers that are changed in place, in order of first use."""
        return tuple(dict.fromkeys(self._named(updated)))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The buffers that are read before any launch writes them, but for the states."""
        found, written = dict[str, None](), set(self.states)
        for launch in self.launches:
            reads, writes = touched(launch)
            found |= {name: None for name in launch.buffers if name in reads - written}
            written |= writes
        return tuple(found)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The buffers that are written and handed on."""
        wanted = self.handed_on - set(self.states)
        return tuple(dict.fromkeys(name for name in self._named(_written) if name in wanted))

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for graphs that one compiled program serves: the same texts, on the same forms, wired the same way."""
        places = {name: place for place, name in enumerate(dict.fromkeys(self._named(_all)))}
        texts = tuple(
            (self.kernels[launch.kernel].sha256, *(places[name] for name in launch.buffers))
            for launch in self.launches
        )
        dynamic = any(has_dynamic(kernel.kernel.axes) for kernel in self.texts)
        shapes = tuple(self.forms[name].shape for name in places)
        return texts, shapes, tuple(places[name] for name in self.outputs), self.capacity if dynamic else None

    @property
    def texts(self) -> list[Emitted]:
        """Each kernel that is launched, once."""
        return [self.kernels[name] for name in dict.fromkeys(launch.kernel for launch in self.launches)]

    def calls(self, functions: Mapping[str, Callable[..., Any]]) -> list[Call]:
        """The launches as calls of ``functions``, which are by the hashes of their texts."""
        return [self._call(launch, functions[self.kernels[launch.kernel].sha256]) for launch in self.launches]

    def _call(self, launch: Launch, function: Callable[..., Any]) -> Call:
        kernel = self.kernels[launch.kernel]
        names = dict(zip(kernel.kernel.arrays, launch.buffers, strict=True))
        seen = {
            array: kernel.layout(array.name).shape(kernel.sizes.shape(array.axes, self.capacity)) or (1,)
            for array in kernel.kernel.arrays
        }
        return (
            function,
            [(names[array], seen[array]) for array in taken(kernel)],
            [(names[array], self.forms[names[array]].shape) for array in kernel.kernel.outputs],
        )

    def _named(self, arrays: Callable[[Emitted], Sequence[Array]]) -> Iterator[str]:
        """The buffers of those arrays of each launch, in order."""
        for launch in self.launches:
            kernel = self.kernels[launch.kernel]
            names = dict(zip(kernel.kernel.arrays, launch.buffers, strict=True))
            yield from (names[array] for array in arrays(kernel))


def _all(kernel: Emitted) -> Sequence[Array]:
    return kernel.kernel.arrays


def _written(kernel: Emitted) -> Sequence[Array]:
    return kernel.kernel.outputs


def apply(calls: Sequence[Call], values: Tensors) -> None:
    """Make the calls on ``values``, in order; what they write is there afterwards.

    A compiler traces this: so it knows of tensors, their names and shapes, and of nothing else.
    """
    for function, given, written in calls:
        found = function(*[shaped(values[name], shape) for name, shape in given])
        results = found if isinstance(found, (tuple, list)) else (found,)
        for (name, shape), result in zip(written, results, strict=True):
            values[name] = shaped(result, shape)


def shaped(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``tensor`` in ``shape``: no operation for the compiler where it has it already."""
    return tensor if tuple(tensor.shape) == shape else tensor.reshape(shape)


# --- how a step is cut ----------------------------------------------------------------------------


def halves(step: Step, kernels: Mapping[str, Emitted], split: int | None) -> list[Graph]:
    """The layers before ``split`` and the others; 0 is one graph, and None cuts at half of the layers."""
    layers = len({name.partition(".")[0] for name, one in step.buffers.items() if one.role == "cache"})
    first = layers // 2 if split is None else split
    if first >= max(layers, 1):
        raise RunnerError(
            f"--split: must be less than the model's {layers} layers (got {first}); "
            "give how many run in the first graph, or 0 for one graph"
        )
    cut = (
        place
        for place, launch in enumerate(step.launches)
        if any(name.startswith(f"{first}.") for name in launch.buffers)
    )
    return parts(step, kernels, [0, next(cut)] if first else [0])


def alone(kernel: Emitted, capacity: int) -> Graph:
    """One launch, on buffers of the names of the kernel's own arrays."""
    step = Step(kernel.storage, capacity, {kernel.kernel.name: kernel.sizes})
    step.launch(kernel.kernel.name, *(array.name for array in kernel.kernel.arrays))
    kernels = {kernel.kernel.name: kernel}
    forms = forms_of(step, kernels)
    return Graph(tuple(step.launches), kernels, forms, capacity, frozenset(forms))


def singles(step: Step, kernels: Mapping[str, Emitted]) -> list[Graph]:
    """A graph for each launch."""
    return parts(step, kernels, range(len(step.launches)))


def parts(step: Step, kernels: Mapping[str, Emitted], starts: Sequence[int]) -> list[Graph]:
    """The launches from each of ``starts`` to the next; each part hands on what another reads."""
    forms, ends = forms_of(step, kernels), [*starts[1:], len(step.launches)]
    cut = [
        Graph(tuple(step.launches[start:end]), kernels, forms, step.capacity, frozenset())
        for start, end in zip(starts, ends, strict=True)
    ]
    inputs = [set(part.inputs) for part in cut]
    return [
        replace(part, handed_on=READ_BY_THE_HOST.union(*inputs[:place], *inputs[place + 1 :]))
        for place, part in enumerate(cut)
    ]


def kinds(step: Step, kernels: Mapping[str, Emitted]) -> dict[str, Graph]:
    """For each kernel a graph of all its launches.

    Each launch has activations of its own: else the compiler would find launches on the same inputs, such as
    those of ``rope_qk``, and run one for all.
    """
    forms = forms_of(step, kernels)
    found: dict[str, list[Launch]] = {}
    for place, launch in enumerate(step.launches):
        names = [
            f"{name} {place}" if step.buffers[name].role == "activation" else name for name in launch.buffers
        ]
        forms |= {own: forms[name] for own, name in zip(names, launch.buffers, strict=True)}
        found.setdefault(launch.kernel, []).append(Launch(launch.kernel, tuple(names)))
    return {
        name: Graph(tuple(launches), kernels, forms, step.capacity, frozenset(forms))
        for name, launches in found.items()
    }
