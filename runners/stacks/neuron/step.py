"""A step on a NeuronCore: its tensors, and the compiled graphs that run it.

Tensors stay on the device from graph to graph and from step to step; of a step the host sees the token, and it
sends the next position.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from runners.device import Contents, Numbers
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.stacks.neuron.graph import Form, Graph, Tensor, kinds
from runners.step import Buffer, Step
from runners.uploads import packed

Tensors = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled graph. ``run`` takes tensors by name, and gives those that it hands on once it has run.

    ``states`` are the caches, where the program keeps them itself.
    """

    run: Callable[[Tensors], Tensors]
    states: Tensors = field(default_factory=dict)


class Stack(Protocol):
    """A way to compile graphs and to run them on one NeuronCore."""

    def load_texts(self, kernels: Sequence[Emitted]) -> None:
        """Make the texts' functions."""

    def build(self, graph: Graph) -> Built:
        """Compile a graph, or find it compiled; RunnerError where the compiler refuses."""

    def upload(self, numbers: Numbers) -> Tensor:
        """Numbers as a tensor of the device."""

    def write(self, state: Tensor, numbers: Numbers) -> None:
        """Numbers into a cache that a program keeps."""

    def download(self, tensor: Tensor) -> Numbers:
        """A tensor's numbers."""


class NeuronStep:
    """A step's tensors by name, the graphs that run it, and those that its kernels are timed by."""

    def __init__(self, stack: Stack, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> None:
        """Upload all but activations, one at a time."""
        self.stack, self.step, self.kernels, self.contents = stack, step, kernels, contents
        self.layouts = step.layouts(kernels)
        self.graphs: list[Built] = []
        self.kinds: dict[str, tuple[Built, Tensors]] = {}
        self._position, self._kept = 0, set[str]()
        filled = [buffer for buffer in step.buffers.values() if buffer.role != "activation"]
        self.tensors: Tensors = {buffer.name: stack.upload(self._first(buffer)) for buffer in filled}

    def _first(self, buffer: Buffer) -> Numbers:
        return np.atleast_1d(packed(buffer, self.layouts.get(buffer.name, ROWS), self.contents))

    def build(self, graphs: Sequence[Graph]) -> float:
        """Compile the graphs and run each once, which loads its program; the seconds that took.

        Then states and caches are as at first again.
        """
        started = time.monotonic()
        for graph in graphs:
            built = self.stack.build(graph)
            self.tensors |= built.states
            self._kept |= built.states.keys()
            self.tensors |= built.run(self.tensors)
            self.graphs.append(built)
        seconds = time.monotonic() - started
        for name, buffer in self.step.buffers.items():
            if buffer.role in ("state", "cache"):
                self.write(name, self._first(buffer))
        return seconds

    def run(self) -> int:
        """One step: the token, on the host; the position has moved on."""
        for built in self.graphs:
            self.tensors |= built.run(self.tensors)
        token = int(self.stack.download(self.tensors["token"])[0])
        self.write("position", np.array([self._position + 1], np.int32))
        return token

    def write(self, buffer: str, numbers: Numbers) -> None:
        """Numbers in the logical shape into a buffer that is not in panels."""
        if buffer == "position":
            self._position = int(numbers.item())
        if buffer in self._kept:
            self.stack.write(self.tensors[buffer], numbers)
        else:
            self.tensors[buffer] = self.stack.upload(np.atleast_1d(numbers))

    def read(self, buffer: str) -> Numbers:
        """A state, a cache, or an activation that a graph hands on, in the logical shape."""
        return self.stack.download(self.tensors[buffer]).reshape(self.step.buffers[buffer].shape)

    # --- single kernels ---------------------------------------------------------------------------

    def build_kinds(self) -> None:
        """Compile for each kernel the graph of its launches, run it once, and make activations for it."""
        draw = np.random.default_rng(0)

        def activation(form: Form) -> Tensor:
            return self.stack.upload(draw.standard_normal(form.shape, np.float32).astype(form.dtype))

        for kernel, graph in kinds(self.step, self.kernels).items():
            built = self.stack.build(graph)
            own = {name: activation(graph.forms[name]) for name in graph.inputs if name not in self.tensors}
            self.kinds[kernel] = built, own | built.states
            built.run(self.tensors | own | built.states)

    def time_kinds(self) -> dict[str, int]:
        """For each kernel the time in ns that its launches take together, one after the other in one graph."""
        found = {}
        for kernel, (built, own) in self.kinds.items():
            tensors = self.tensors | own
            started_ns = time.perf_counter_ns()
            built.run(tensors)
            found[kernel] = time.perf_counter_ns() - started_ns
        return found
