"""The null device: the meaning of each kernel, evaluated by NumPy. The whole path with no toolchain.

It runs what every emitted kernel is held against, so it is right and slow, and its times mean nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from runners.device import About, Contents, Device, Identity, Numbers, Ran, element_type
from runners.kernels.emit import Emitted
from runners.kernels.reference import evaluate
from runners.kernels.sizes import Storage
from runners.step import Launch, Step
from schemas.records import Package


class NullDevice(Device):
    """No device. Of a kernel it needs the expressions and the sizes; the text may be empty."""

    runner: ClassVar[str] = "null"
    targets: ClassVar[tuple[str, ...]] = ("reference",)
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About("Null", "CPU", "Any machine.", (), (1, 1))
    target = "reference"

    def __init__(self) -> None:
        self.close()

    @classmethod
    def lacking(cls) -> str | None:
        return None

    def open(self) -> Identity:
        return Identity("Null device", 1, None, (Package("numpy", np.__version__),))

    def compile(self, kernels: Sequence[Emitted]) -> float:
        del kernels
        return 0.0

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        del capacity
        evaluate(kernel.kernel, kernel.sizes, arrays)

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self._step, self._kernels = step, kernels
        for name, buffer in step.buffers.items():
            array = np.empty(buffer.shape, element_type(buffer.element, step.storage))
            if buffer.role != "activation":
                array[...] = contents(buffer, 0, buffer.shape[0] if buffer.shape else 1)
            self._arrays[name] = array
        return 0.0

    def write(self, buffer: str, numbers: Numbers) -> None:
        self._arrays[buffer][...] = numbers

    def read(self, buffer: str) -> Numbers:
        return self._arrays[buffer].copy()

    def run(self, steps: int) -> Ran:
        ran = Ran([], [])
        for _ in range(steps):
            ran.step_ns.append(sum(self._one_step()))
            ran.tokens.append(int(self._arrays["token"]))
        return ran

    def trace(self, steps: int) -> list[list[int]]:
        latencies_ns = [self._one_step() for _ in range(steps)]
        return [[one[place] for one in latencies_ns] for place in range(len(self._step.launches))]

    def close(self) -> None:
        self._arrays: dict[str, Numbers] = {}

    def _one_step(self) -> list[int]:
        """Run the launches in order, then move on; the latency of each in ns."""
        latencies_ns = [self._launched(launch) for launch in self._step.launches]
        if "position" in self._arrays:
            self._arrays["position"] += 1
        return latencies_ns

    def _launched(self, launch: Launch) -> int:
        kernel = self._kernels[launch.kernel]
        arrays = {
            array.name: self._arrays[name].reshape(kernel.sizes.shape(array.axes, self._step.capacity))
            for array, name in zip(kernel.kernel.arrays, launch.buffers, strict=True)
        }
        started_ns = time.perf_counter_ns()
        self.call(kernel, arrays, self._step.capacity)
        return time.perf_counter_ns() - started_ns
