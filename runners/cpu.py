"""The CPU: emitted C, compiled by the machine's own compiler, run by a team of threads over shared memory.

``python -m runners.cpu`` measures a decode step here. What makes it as fast as the memory:

- **Panels** (:mod:`runners.kernels.emit.c`): a matrix is one contiguous stream for each thread.
- **One team for a repetition** (``native/team.c``): threads share each launch's programs by fixed ranges, spin
  between launches, and wait only where one launch's memory meets another's (:meth:`runners.step.Step.waits`).
- **One arena in anonymous memory with huge pages**: pages of an idle mapped file may be dropped by the kernel.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil

from runners import compiler
from runners.device import (
    About,
    Contents,
    Device,
    Identity,
    Numbers,
    Ran,
    RunnerError,
    Setting,
    element_type,
)
from runners.environment import cpu_model
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS, Layout
from runners.kernels.sizes import Storage
from runners.native import TEXT, Launch, Team
from runners.step import Buffer, Step
from schemas.records import Package

_ALIGNED_BYTES = 4096
_BLOCK_BYTES = 16 << 20
_PROBED_BYTES = 1 << 30
_PROBE_PASSES = 5


class CpuDevice(Device):
    """The processor that this process runs on."""

    runner: ClassVar[str] = "cpu"
    targets: ClassVar[tuple[str, ...]] = ("c",)
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About(
        name="CPU",
        kind="CPU",
        machine="Any machine with Linux or macOS, a C compiler (gcc or clang) and 4 GB of free memory.",
        install=("pip install --constraint constraints.txt --editable .",),
        minutes=(2, 4),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("threads", "Threads that share each kernel.", "the cores that this process may use"),
    )
    target = "c"

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or usable_cores()
        self.arena: mmap.mmap | None = None
        self.arrays: dict[str, Numbers] = {}
        self.launches: list[Launch] = []

    @classmethod
    def lacking(cls) -> str | None:
        try:
            compiler.find()
        except RunnerError as error:
            return str(error)
        return None

    def open(self) -> Identity:
        self.compiler = compiler.find()
        name = Path(self.compiler.command[0]).name
        packages = (Package(name, self.compiler.version), Package("threads", str(self.threads)))
        cores = min(psutil.cpu_count(logical=False) or usable_cores(), usable_cores())
        return Identity(name=f"{cpu_model()} ({cores} cores)", count=1, driver=None, toolchain=packages)

    def compile(self, kernels: Sequence[Emitted]) -> float:
        texts = {f"{kernel.kernel.name}.c": kernel.text for kernel in kernels}
        library, seconds = self.compiler.build({"team.c": TEXT, **texts})
        self.team = Team(library, self.threads)
        return seconds

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        placed = [
            self._packed(arrays[array.name], kernel.layout(array.name)) for array in kernel.kernel.arrays
        ]
        self.team.run([self._launch(kernel, placed, wait=False)], 1, capacity)

    def _launch(self, kernel: Emitted, arrays: Sequence[Numbers], wait: bool) -> Launch:
        return self.team.launch(kernel.kernel.name, kernel.launch["programs"], arrays, wait)

    def _packed(self, array: Numbers, layout: Layout) -> Numbers:
        assert array.flags.c_contiguous, "an output must be written where it is"
        if layout == ROWS:
            return array
        packed = np.zeros(layout.shape(array.shape), array.dtype)
        self.team.pack(array, packed, layout.width, first=0)
        return packed

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self.close()
        self.step = step
        layouts = step.layouts(kernels)
        self._allocate(step, layouts)
        for buffer in step.buffers.values():
            if buffer.role != "activation":
                self._fill(buffer, layouts.get(buffer.name, ROWS), contents)
        self.launches = [
            self._launch(kernels[one.kernel], [self.arrays[name] for name in one.buffers], wait)
            for one, wait in zip(step.launches, step.waits(), strict=True)
        ]
        return 0.0

    def _allocate(self, step: Step, layouts: Mapping[str, Layout]) -> None:
        """One arena for all buffers, each on a page of its own."""
        places: dict[str, tuple[int, tuple[int, ...], np.dtype[Any]]] = {}
        total = 0
        for buffer in step.buffers.values():
            shape = layouts.get(buffer.name, ROWS).shape(buffer.shape)
            dtype = element_type(buffer.element, step.storage)
            places[buffer.name] = (total, shape, dtype)
            total += -(-int(np.prod(shape)) * dtype.itemsize // _ALIGNED_BYTES) * _ALIGNED_BYTES
        _refuse_what_does_not_fit(total)
        self.arena = _private_memory(total)
        for name, (offset, shape, dtype) in places.items():
            self.arrays[name] = np.frombuffer(self.arena, dtype, int(np.prod(shape)), offset).reshape(shape)

    def _fill(self, buffer: Buffer, layout: Layout, contents: Contents) -> None:
        """By blocks of whole panels, so that no second copy of a large weight ever exists."""
        array = self.arrays[buffer.name]
        if not buffer.shape:
            array[...] = contents(buffer, 0, 1)
            return
        row_bytes = array.nbytes // (len(array) * layout.width)
        block = max(1, _BLOCK_BYTES // row_bytes // layout.width) * layout.width
        for first in range(0, buffer.shape[0], block):
            rows = contents(buffer, first, min(first + block, buffer.shape[0]))
            if layout == ROWS:
                array[first : first + len(rows)] = rows
            else:
                self.team.pack(np.ascontiguousarray(rows), array, layout.width, first)

    def write(self, buffer: str, numbers: Numbers) -> None:
        self.arrays[buffer][...] = numbers

    def read(self, buffer: str) -> Numbers:
        return self.arrays[buffer].copy()

    def run(self, steps: int) -> Ran:
        step_ns, _, tokens = self._run(steps, trace=False)
        return Ran(step_ns.tolist(), tokens.tolist())

    def trace(self, steps: int) -> list[list[int]]:
        _, launch_ns, _ = self._run(steps, trace=True)
        return [column.tolist() for column in launch_ns.T]

    def _run(self, steps: int, trace: bool) -> tuple[Numbers, Numbers, Numbers]:
        state = [self.arrays[name] for name in ("token", "position") if name in self.arrays]
        return self.team.run(self.launches, steps, self.step.capacity, state, trace)

    def read_bandwidth(self) -> float | None:
        """Of the fastest pass: an interruption slows one, and nothing makes one faster than the memory is."""
        if self.arena is None:
            return None
        memory = np.frombuffer(self.arena, np.uint8)[:_PROBED_BYTES]
        return float(memory.nbytes / min(self.team.probe(memory, _PROBE_PASSES)))

    def close(self) -> None:
        self.arrays, self.launches, self.arena = {}, [], None


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _private_memory(size_bytes: int) -> mmap.mmap:
    """Anonymous memory of this process alone: shared memory, mmap's default, is given no huge pages."""
    try:
        memory = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        said = f"memory: {size_bytes / 1e9:.1f} GB are refused (got '{error.strerror}'); raise the limit"
        raise RunnerError(said) from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel may be built without
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def _refuse_what_does_not_fit(needed_bytes: int) -> None:
    available_bytes = psutil.virtual_memory().available
    if needed_bytes > available_bytes:
        raise RunnerError(
            f"memory: too little is free (got {available_bytes / 1e9:.1f} GB, the step needs "
            f"{needed_bytes / 1e9:.1f} GB); close other programs, or choose a --dtype of 16 bits"
        )


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("cpu"))
