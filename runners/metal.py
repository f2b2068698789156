"""Apple's GPUs: emitted Metal, compiled by macOS, launched from Python through PyObjC.

``python -m runners.metal`` measures a decode step on a Mac. Why not as kernels of MLX's (``mx.fast.metal_kernel``):

- **Encoding is hidden.** A step of the published model is 312 launches: 2,318 calls through PyObjC. Token and
  position lie in memory that both sides share, so a step's commands do not depend on the step before: they are
  encoded while the GPU runs that one. MLX's graph is built anew for each step too, and every output of its kernels
  is fresh memory (MLX, ``backend/metal/custom_kernel.cpp``), so that a cache takes another launch to be appended to.
- **Only launches whose memory meets are ordered**: the encoder is a concurrent one, with a barrier where
  :meth:`runners.step.Step.waits` asks for it, so that a layer's query, key and value projections run side by side.
- **Nobody tracks memory.** Each step ends before the next is committed, so buffers are untracked; since macOS 15
  residency sets keep them where the GPU finds them.
- **A launch is timed alone by the GPU's own clock**, where the host would have to time a whole evaluation of MLX's.

Indirect command buffers would be encoded once. But virtual machines run none, and M1 and M2 only where every
pipeline is bound beside them (tinygrad, ``runtime/ops_metal.py`` and ``runtime/graph/metal.py``, works around both).
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from runners.device import About, Contents, Device, Identity, Numbers, Ran, RunnerError, element_type
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS, Layout
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.sizes import Storage
from runners.stacks.metal import probe as metal_probe
from runners.stacks.metal.gpu import Dispatch, Gpu, Memory
from runners.step import Step
from runners.uploads import packed
from runners.vendor import told
from schemas.records import Package

_INSTALL = "pip install --constraint constraints.txt --editable '.[metal]'"


class MetalDevice(Device):
    """The Mac's own GPU."""

    runner: ClassVar[str] = "metal"
    targets: ClassVar[tuple[str, ...]] = ("metal",)
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About(
        name="Metal",
        kind="GPU",
        machine="A Mac with Apple silicon, macOS 13 or newer, and 8 GB of memory (16 GB for f32, or with baselines).",
        install=(_INSTALL,),
        minutes=(2, 5),
    )
    target = "metal"

    def __init__(self) -> None:
        self.gpu: Gpu | None = None
        self.pipelines: dict[str, Any] = {}
        self.memories: dict[str, Memory] = {}
        self.dispatches: list[Dispatch] = []
        self.kept: list[Any] = []
        self.probe: metal_probe.Probe | None = None

    @classmethod
    def lacking(cls) -> str | None:
        if platform.system() != "Darwin":
            return (
                f"Metal: is not on this system (got {platform.system()}); run it on a Mac with Apple silicon"
            )
        if platform.machine() != "arm64":
            return (
                f"Metal: needs Apple silicon and a Python built for it (got {platform.machine()}); "
                "on such a Mac install Python for arm64, else use python -m runners.cpu"
            )
        if find_spec("Metal") is None:
            return f"Metal: PyObjC's package for it is not installed (got no module 'Metal'); {_INSTALL}"
        return None

    def open(self) -> Identity:
        lacking = self.lacking()
        if lacking:
            raise RunnerError(lacking)
        with told("Metal: loading PyObjC", (ImportError,), {}, f"install it anew: {_INSTALL}"):
            self.gpu = Gpu()
        cores = _gpu_cores()
        toolchain = (
            Package("Metal", self.gpu.language),
            Package("macOS", platform.mac_ver()[0]),
            Package("pyobjc-framework-Metal", version("pyobjc-framework-Metal")),
            *([Package("GPU cores", cores)] if cores else ()),
        )
        return Identity(self.gpu.name, 1, None, toolchain)

    @property
    def _opened(self) -> Gpu:
        assert self.gpu, "opened before it is used"
        return self.gpu

    def compile(self, kernels: Sequence[Emitted]) -> float:
        start = time.monotonic()
        with self._opened.working("compiling"):
            for kernel in kernels:
                if kernel.sha256 not in self.pipelines:
                    self.pipelines[kernel.sha256] = self._opened.pipeline(
                        kernel.kernel.name, kernel.text, kernel.launch["block"]
                    )
        return time.monotonic() - start

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        with self._opened.working(f"running {kernel.kernel.name}"):
            memories = {
                array.name: self._uploaded(kernel.layout(array.name).pack(arrays[array.name]))
                for array in kernel.kernel.arrays
            }
            room = self._uploaded(np.array(capacity, np.int32))
            commands = self._opened.encoded(
                [self._dispatch(kernel, list(memories.values()), room, wait=False)]
            )
            commands.commit()
            self._opened.finish(commands)
            for array in kernel.kernel.outputs:
                arrays[array.name][...] = memories[array.name].array

    def _uploaded(self, numbers: Numbers) -> Memory:
        memory = self._opened.memory(numbers.shape, numbers.dtype)
        memory.array[...] = numbers
        return memory

    def _dispatch(self, kernel: Emitted, memories: Sequence[Memory], room: Memory, wait: bool) -> Dispatch:
        """The launch: the kernel's arrays in their order, then the capacity where an axis is dynamic."""
        bound = [*memories, room] if has_dynamic(kernel.kernel.axes) else memories
        pipeline = self.pipelines[kernel.sha256]
        return self._opened.dispatch(pipeline, bound, kernel.launch["grid"], kernel.launch["block"], wait)

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self.close()
        gpu, layouts = self._opened, step.layouts(kernels)
        places = {
            name: (
                layouts.get(name, ROWS).shape(buffer.shape),
                element_type(buffer.element, step.storage),
            )
            for name, buffer in step.buffers.items()
        }
        gpu.refuse_what_does_not_fit(
            sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in places.values())
        )
        with gpu.working("loading the step"):
            for name, (shape, dtype) in places.items():
                self.memories[name] = gpu.memory(shape, dtype)
            self._fill(step, layouts, contents)
            room = self._uploaded(np.array(step.capacity, np.int32))
            self.dispatches = [
                self._dispatch(kernels[one.kernel], [self.memories[name] for name in one.buffers], room, wait)
                for one, wait in zip(step.launches, step.waits(), strict=True)
            ]
            self.kept = gpu.resident([*self.memories.values(), room])
        return 0.0

    def _fill(self, step: Step, layouts: Mapping[str, Layout], contents: Contents) -> None:
        for buffer in step.buffers.values():
            if buffer.role != "activation":
                self.memories[buffer.name].array[...] = packed(
                    buffer, layouts.get(buffer.name, ROWS), contents
                )

    def write(self, buffer: str, numbers: Numbers) -> None:
        self.memories[buffer].array[...] = numbers

    def read(self, buffer: str) -> Numbers:
        return self.memories[buffer].array.copy()

    def run(self, steps: int) -> Ran:
        """The times are those between one token on the host and the next: all that is done lies in one of them."""
        gpu, ran = self._opened, Ran([], [])
        with gpu.working("running the step"):
            before_ns = time.perf_counter_ns()
            commands = gpu.encoded(self.dispatches)
            for left in reversed(range(steps)):
                commands.commit()
                try:
                    following = gpu.encoded(self.dispatches) if left else None  # while the GPU runs these
                finally:  # an interrupt finds nothing under way
                    gpu.finish(commands)
                ran.tokens.append(int(self.memories["token"].array))
                now_ns = time.perf_counter_ns()
                ran.step_ns.append(now_ns - before_ns)
                before_ns, commands = now_ns, following
                self._move_on()
        return ran

    def _move_on(self) -> None:
        """The next step is at the next position; a microbenchmark has none."""
        if "position" in self.memories:
            self.memories["position"].array[...] += 1

    def trace(self, steps: int) -> list[list[int]]:
        """Each launch as commands of its own, by the GPU's clock: its beginning and its end are in the figure."""
        latencies_ns: list[list[int]] = [[] for _ in self.dispatches]
        for _ in range(steps):
            with self._opened.working("timing kernels"):
                for one, found in zip(self.dispatches, latencies_ns, strict=True):
                    found.append(self._opened.timed_alone(one))
            self._move_on()
        return latencies_ns

    def read_bandwidth(self) -> float | None:
        """Of the fastest pass over the largest buffer; None where a cache could hold that one."""
        largest = max(self.memories.values(), key=lambda memory: memory.array.nbytes, default=None)
        if largest is None or largest.array.nbytes < metal_probe.LEAST_BYTES:
            return None
        if self.probe is None:
            self.probe = metal_probe.Probe(self._opened)
        return self.probe.gb_per_s(largest)

    def close(self) -> None:
        if self.gpu:
            self.gpu.release(self.kept)
        self.kept, self.dispatches, self.memories = [], [], {}


def _gpu_cores() -> str:
    """How many cores the GPU has, which its name does not tell; empty where macOS does not say."""
    command = ["/usr/sbin/system_profiler", "-json", "SPDisplaysDataType"]
    try:
        said = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
        return str(int(json.loads(said)["SPDisplaysDataType"][0]["sppci_cores"]))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return ""


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("metal"))
