"""Huawei's Ascend NPUs of A2 and A3: emitted AscendC or PTO, compiled by CANN, launched by AscendCL.

``python -m runners.ascend`` measures a decode step here. All launches of a step are one graph, captured once and
replayed (``--graph 0`` launches them one by one); after it, in the same stream, the position moves on and the token
goes to the host, which waits for it. A kernel may be run by the vendor's operator or on the host instead
(``--execute``): the file says so, and a step with a kernel on the host is never a graph.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from runners import aclnn, bisheng
from runners.acl import Acl, Placed
from runners.ascend_calls import Calls
from runners.cann import library_path, written_version
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
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.kernels.sizes import Storage
from runners.step import Step
from runners.uploads import packed
from runners.vendor import MEMORY
from schemas.records import Execution, Package

DRIVER = Path("/usr/local/Ascend/driver/version.info")
_CHIPS = re.compile(r"Ascend910(B|_93)")  # of the architecture 2201, for which the texts are: 910B and 910C


class AscendDevice(Device):
    """The first NPU that this process may use."""

    runner: ClassVar[str] = "ascend"
    targets: ClassVar[tuple[str, ...]] = ("ascendc", "pto")
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About(
        name="Ascend",
        kind="NPU",
        machine="A server with an Ascend 910B or 910C, its driver, and CANN 8.5 or newer with its operators.",
        install=(
            "source /usr/local/Ascend/ascend-toolkit/set_env.sh",
            "pip install --constraint constraints.txt --editable .",
        ),
        minutes=(4, 15),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "graph",
            "1: replay a step's launches as one captured graph. 0: launch them one by one.",
            "1, where CANN can and no kernel runs on the host",
            least=0,
            most=1,
        ),
    )
    ways: ClassVar[tuple[Execution, ...]] = ("emitted", "vendor_library", "host")
    target = "ascendc"

    def __init__(self, graph: int | None = None) -> None:
        self.graph = 1 if graph is None else graph
        self._launchers: dict[str, bisheng.Launcher] = {}
        self._forget()

    def _forget(self) -> None:
        self._placed: dict[str, Placed] = {}
        self._launches: list[Callable[[], None]] = []
        self._operators: aclnn.Operators | None = None
        self._events: list[int] = []
        self._graph: int | None = None
        self._told: tuple[int, Numbers] | None = None

    @classmethod
    def lacking(cls) -> str | None:
        try:
            library_path()
            bisheng.path()
        except RunnerError as error:
            return str(error)
        return None

    def implementation(self, kernel: str) -> str | None:
        match self.executions.get(kernel):
            case "vendor_library":
                return aclnn.OPERATORS[kernel]
            case "host":
                return f"NumPy {np.__version__}"
        return None

    def open(self) -> Identity:
        self._refuse_without_operator()
        self._tools = bisheng.find()
        self._acl = Acl()
        chip = self._acl.soc_name()
        if not _CHIPS.match(chip):
            raise RunnerError(
                f"ascend: the kernels are for the 910B and 910C (got {chip or 'no name'}); use a server with one"
            )
        self._stream = self._acl.stream()
        on_host = "host" in self.executions.values()
        self.graph = int(bool(self.graph) and not on_host and self._acl.can_capture())
        launches = Package("launches", "a captured graph" if self.graph else "one by one")
        packages = (*self._tools.packages, launches)
        return Identity(chip, 1, written_version(DRIVER), packages)

    def _refuse_without_operator(self) -> None:
        for kernel, way in self.executions.items():
            if way == "vendor_library" and kernel not in aclnn.OPERATORS:
                raise RunnerError(
                    f"--execute: no operator of CANN's is used for this kernel (got '{kernel}={way}'); "
                    f"there is one for: {', '.join(aclnn.OPERATORS)}"
                )

    def compile(self, kernels: Sequence[Emitted]) -> float:
        emitted = [one for one in kernels if self._way(one) == "emitted"]
        self._launchers, seconds = self._tools.build_all(emitted)
        return seconds

    def _way(self, kernel: Emitted) -> Execution:
        return self.executions.get(kernel.kernel.name, "emitted")

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        with closing(self._new_calls()) as calls:
            placed = []
            for array in kernel.kernel.arrays:
                numbers = kernel.layout(array.name).pack(arrays[array.name])
                placed.append(calls.place(numbers.shape, numbers.dtype))
                self._acl.upload(placed[-1].address, numbers)
            calls.bound(kernel, placed, capacity)()
            self._acl.launched(kernel.kernel.name)
            self._acl.synchronize(self._stream)
            for array, place in zip(kernel.kernel.arrays, placed, strict=True):
                if array in kernel.kernel.outputs:
                    self._acl.download(place.address, arrays[array.name])

    def _new_calls(self) -> Calls:
        return Calls(self._acl, self._stream, self._launchers, self.executions)

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self.close()
        self._refuse_what_does_not_fit(step)
        self._calls = calls = self._new_calls()
        layouts = step.layouts(kernels)
        for name, buffer in step.buffers.items():
            shape = layouts.get(name, ROWS).shape(buffer.shape)
            self._placed[name] = calls.place(shape, element_type(buffer.element, step.storage))
        for launch in step.launches:
            kernel = kernels[launch.kernel]
            seen = [
                replace(self._placed[name], shape=kernel.sizes.shape(array.axes, step.capacity))
                for array, name in zip(kernel.kernel.arrays, launch.buffers, strict=True)
            ]
            self._launches.append(calls.bound(kernel, seen, step.capacity))
        for name, buffer in step.buffers.items():
            if buffer.role != "activation":
                numbers = packed(buffer, layouts.get(name, ROWS), contents)
                self._acl.upload(self._placed[name].address, numbers)
        return self._prepare_steps() if {"token", "position"} <= step.buffers.keys() else 0.0

    def _prepare_steps(self) -> float:
        """The host's copies of position and token; and the step's graph, with the seconds that it took."""
        address, numbers = self._acl.host_memory(2)
        self._told = address, numbers
        numbers[0] = self.read("position")
        if not self.graph:
            return 0.0
        start = time.monotonic()
        self._graph = self._acl.captured(self._stream, self._enqueue)
        return time.monotonic() - start

    def _refuse_what_does_not_fit(self, step: Step) -> None:
        sizes = ((one.shape, element_type(one.element, step.storage)) for one in step.buffers.values())
        needed_bytes = sum(prod(shape) * dtype.itemsize for shape, dtype in sizes)
        if needed_bytes > (free_bytes := self._acl.free_bytes()):
            raise RunnerError(
                f"memory: too little is free on the device (got {free_bytes / 1e9:.1f} GB, the step needs "
                f"{needed_bytes / 1e9:.1f} GB); {MEMORY}"
            )

    def write(self, buffer: str, numbers: Numbers) -> None:
        place = self._placed[buffer]
        self._acl.upload(place.address, np.ascontiguousarray(numbers, place.dtype).reshape(place.shape))
        if buffer == "position" and self._told:
            self._told[1][0] = numbers

    def read(self, buffer: str) -> Numbers:
        return self._acl.fetch(self._placed[buffer])

    def run(self, steps: int) -> Ran:
        assert self._told
        ran = Ran([], [])
        for _ in range(steps):
            started_ns = time.perf_counter_ns()
            if self._graph is None:
                self._enqueue()
            else:
                self._acl.replay(self._graph, self._stream)
            self._move_on()
            ran.step_ns.append(time.perf_counter_ns() - started_ns)
            ran.tokens.append(int(self._told[1][1]))
        return ran

    def _enqueue(self) -> None:
        for launch in self._launches:
            launch()

    def _move_on(self) -> None:
        """Behind a step's launches: the next position goes to the device, and the token comes here."""
        if self._told:
            address, numbers = self._told
            numbers[0] += 1
            self._acl.copy_in(self._placed["position"].address, address, 4, self._stream)
            self._acl.copy_out(address + 4, self._placed["token"].address, 4, self._stream)
        self._acl.synchronize(self._stream)

    def trace(self, steps: int) -> list[list[int]]:
        """By the device's own clock, from one event of the stream to the next, with a launch between the two.

        Where the stream waits for the host to give it the launch, that is a part of what the launch costs here.
        """
        while len(self._events) <= len(self._launches):
            self._events.append(self._acl.event())
        latencies_ns: list[list[int]] = [[] for _ in self._launches]
        for _ in range(steps):
            self._acl.record(self._events[0], self._stream)
            for launch, event in zip(self._launches, self._events[1:], strict=True):
                launch()
                self._acl.record(event, self._stream)
            self._move_on()
            for latencies, (first, last) in zip(latencies_ns, pairwise(self._events), strict=True):
                latencies.append(self._acl.elapsed_ns(first, last))
        return latencies_ns

    def close(self) -> None:
        if self._graph is not None:
            self._end(self._acl.close_graph, self._graph)
        for event in self._events:
            self._end(self._acl.close_event, event)
        if self._calls:
            self._calls.close()
        if self._told:
            self._end(self._acl.free_host, self._told[0])
        self._forget()

    @staticmethod
    def _end(close: Callable[[int], None], what: int) -> None:
        """Give something back; where the device is gone, so is that."""
        with suppress(RunnerError):
            close(what)


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("ascend"))
