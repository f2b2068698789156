"""AWS Trainium: emitted NKI kernels, compiled into graphs by PyTorch for Neuron, on one NeuronCore.

``python -m runners.trainium`` measures a decode step here. It runs as two graphs, the embedding with the first
layers and the other layers with the head: :mod:`runners.stacks.neuron.graph` has what a graph is, and
:mod:`runners.stacks.neuron.generations` how each generation of the device compiles and runs one.

A run takes one NeuronCore, as a process holds each that it uses to its end: so on a ``trn1.2xlarge``, which has
two, a baseline has the other one. ``NEURON_RT_VISIBLE_CORES`` chooses which, where the person has set it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import ClassVar

import numpy as np

from runners import vendor
from runners.device import (
    About,
    Contents,
    Device,
    Identity,
    KernelError,
    Numbers,
    Ran,
    RunnerError,
    Setting,
    timed_steps,
)
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.sizes import Storage
from runners.stacks.neuron import machine as neuron_machine
from runners.stacks.neuron.graph import Graph, alone, halves
from runners.stacks.neuron.step import NeuronStep, Stack
from runners.step import Step
from schemas.records import Package

_HELD = (
    "end what else holds the NeuronCores (neuron-ls names it), or choose another by NEURON_RT_VISIBLE_CORES"
)
_SDK = "see whether the SDK is the one that python -m runners.stacks.neuron.machine names"
_REPORT = f"{_SDK}, and report the kernel if it is"
_RUNTIME = "bring it up to date: sudo apt-get install aws-neuronx-runtime-lib aws-neuronx-dkms"
_NO_NUMBER = f"a kernel made what is no number; {_REPORT}"
_BEYOND = f"a kernel reached beyond its arrays; {_REPORT}"
_REMEDIES = {
    "could not be initialized": _HELD,
    "failed to initialize Neuron Runtime": _HELD,
    "not available": _HELD,
    "busy/locked": _HELD,
    "status=1005": _HELD,
    "allocation failure": vendor.MEMORY,
    "failed to allocate": vendor.MEMORY,
    "out of memory": vendor.MEMORY,
    "(OOM)": vendor.MEMORY,
    "NRT_RESOURCE": vendor.MEMORY,
    "libnrt": "install the Neuron runtime: sudo apt-get install aws-neuronx-runtime-lib",
    "unsupported NEFF": f"the runtime is older than the compiler; {_RUNTIME}",
    "status=10 ": f"the runtime is older than the compiler; {_RUNTIME}",
    "status=1003": _NO_NUMBER,
    "numerical error": _NO_NUMBER,
    "status=1006": _BEYOND,
    "out of bound": _BEYOND,
}
"""By what PyTorch for Neuron says, either of them: statuses are the runtime's, NRT_STATUS."""


class TrainiumDevice(Device):
    """One NeuronCore."""

    runner: ClassVar[str] = "trainium"
    targets: ClassVar[tuple[str, ...]] = ("nki", "nki-trn2")
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About(
        name="AWS Trainium",
        kind="NPU",
        machine="An AWS instance with the Neuron driver and runtime: of the families trn1 or inf2 on Ubuntu 22.04 or "
        "24.04 with Python 3.11 or 3.12, or of trn2 or trn3 on Ubuntu 26.04 with Python 3.12 or newer. The Deep "
        "Learning Base Neuron AMI has both.",
        install=(
            "pip install --no-deps --editable .",
            "pip install click jsonschema jsonschema-rs markdown 'ml-dtypes<0.6' msgspec nh3 platformdirs psutil "
            "pyyaml referencing safetensors",
            "python -m runners.stacks.neuron.machine | sh",
        ),
        minutes=(30, 90),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("split", "Layers in the first of two graphs; 0: one graph.", "half of them", least=0),
    )
    target = "nki"

    def __init__(self, split: int | None = None) -> None:
        self.split = split
        self.loaded: NeuronStep | None = None

    @classmethod
    def lacking(cls) -> str | None:
        return neuron_machine.lacking()

    def open(self) -> Identity:
        if missing := self.lacking():
            raise RunnerError(missing)
        self.target = neuron_machine.GENERATIONS[neuron_machine.device_name()].target
        cores = neuron_machine.take_one_core()
        with _told("opening the device", _SDK):
            stacks = import_module("runners.stacks.neuron.generations")
            self.stack: Stack = stacks.Traced() if self.target == "nki" else stacks.Compiled()
            self.stack.download(self.stack.upload(np.zeros(1, np.float32)))
        toolchain = (*neuron_machine.packages(), cores)
        return Identity(neuron_machine.full_name(), 1, neuron_machine.driver(), toolchain)

    def compile(self, kernels: Sequence[Emitted]) -> float:
        """Kernels of known sizes; those that see a cache are compiled at their check, when its room is known.

        Later generations compile a kernel when it is called first, and so at its check.
        """
        started = time.monotonic()
        for kernel in kernels:
            try:
                with _told("compiling", _REPORT):
                    self.stack.load_texts([kernel])
                    if not has_dynamic(kernel.kernel.axes):
                        self.stack.build(alone(kernel, 0))
            except RunnerError as refused:
                raise KernelError(kernel.kernel.name, str(refused)) from refused
        return time.monotonic() - started

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        graph = alone(kernel, capacity)
        with _told("compiling", _REPORT):
            built = self.stack.build(graph)
        with _told("running", _REPORT):
            tensors = dict(built.states)
            for name in (*graph.inputs, *graph.states):
                numbers = np.atleast_1d(kernel.layout(name).pack(arrays[name]))
                if name in built.states:
                    self.stack.write(tensors[name], numbers)
                else:
                    tensors[name] = self.stack.upload(numbers)
            tensors |= built.run(tensors)
            for name in (*graph.outputs, *graph.states):
                arrays[name][...] = self.stack.download(tensors[name]).reshape(arrays[name].shape)

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        """The seconds are those of the graphs that run the step; those of the trace are compiled after them."""
        graphs = halves(step, kernels, self.split) if "token" in step.buffers else []
        if graphs:
            first = len(graphs[0].states) // 2 if len(graphs) > 1 else 0  # keys and values of each layer
            self.decided = (Package("split", str(first)),)
        seconds = self.load_graphs(graphs, step, kernels, contents)
        with _told("compiling for the trace", _REPORT):
            self._decoding.build_kinds()
        return seconds if graphs else 0.0

    def load_graphs(
        self, graphs: Sequence[Graph], step: Step, kernels: Mapping[str, Emitted], contents: Contents
    ) -> float:
        """A step that :meth:`run` runs as ``graphs``; the seconds that compiling them took."""
        self.close()
        with _told("loading the step", _REPORT):
            self.loaded = NeuronStep(self.stack, step, kernels, contents)
            return self.loaded.build(graphs)

    @property
    def _decoding(self) -> NeuronStep:
        assert self.loaded, "a step is loaded first"
        return self.loaded

    def write(self, buffer: str, numbers: Numbers) -> None:
        with _told(f"writing {buffer}"):
            self._decoding.write(buffer, numbers)

    def read(self, buffer: str) -> Numbers:
        with _told(f"reading {buffer}"):
            return self._decoding.read(buffer)

    def run(self, steps: int) -> Ran:
        with _told("running the step"):
            return timed_steps(steps, self._decoding.run)

    def trace(self, steps: int) -> list[list[int]]:
        """All launches of a kernel run as one graph: a latency is its time over the number of its launches.

        It holds the host's one dispatch, shared among them; of a kernel that a step launches once, the whole of it.
        """
        kernels = [launch.kernel for launch in self._decoding.step.launches]
        found: list[list[int]] = [[] for _ in kernels]
        with _told("timing the kernels"):
            for _ in range(steps):
                for kernel, together_ns in self._decoding.time_kinds().items():
                    found[kernels.index(kernel)].append(together_ns // kernels.count(kernel))
        return found

    def close(self) -> None:
        self.loaded = None


def _told(doing: str, otherwise: str = vendor.GONE) -> AbstractContextManager[None]:
    """What is compiled or loaded may raise whatever it likes; once it runs, a failure is PyTorch's RuntimeError."""
    errors = (RuntimeError,) if otherwise == vendor.GONE else (Exception,)
    return vendor.told(doing, errors, _REMEDIES, otherwise)


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("trainium"))
