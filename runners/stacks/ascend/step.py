"""A loaded step on an Ascend device: its arrays and launches, run as one captured graph or one by one.

Behind the launches, in the same stream, the next position goes to the device and the token comes to the host, from
and to memory that the device copies by itself: those two copies and one wait are all that the host adds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np

from runners.device import Contents, Numbers, Ran, RunnerError, element_type, timed_steps
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.stacks.ascend.acl import TO_DEVICE, TO_HOST, Acl, Placed
from runners.stacks.ascend.calls import Call, Calls
from runners.step import Step
from runners.uploads import packed

_TOLD = ("position", "token")


class LoadedStep:
    """It owns what it was made with, until :meth:`close`."""

    def __init__(self, acl: Acl, calls: Calls) -> None:
        self.acl, self.stream, self.calls = acl, calls.stream, calls
        self.placed: dict[str, Placed] = {}
        self.launches: list[Call] = []
        self.events: list[int] = []
        self.graph: int | None = None
        self.told: tuple[int, Numbers] | None = None

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> None:
        """Room for every buffer, every launch, and then the first contents."""
        layouts = step.layouts(kernels)
        for name, buffer in step.buffers.items():
            shape = layouts.get(name, ROWS).shape(buffer.shape)
            self.placed[name] = self.calls.place(shape, element_type(buffer.element, step.storage))
        for launch in step.launches:
            kernel = kernels[launch.kernel]
            seen = [
                replace(self.placed[name], shape=kernel.sizes.shape(array.axes, step.capacity))
                for array, name in zip(kernel.kernel.arrays, launch.buffers, strict=True)
            ]
            self.launches.append(self.calls.bound(kernel, seen, step.capacity))
        if self.placed.keys() >= set(_TOLD):
            self.told = self.acl.host_memory(len(_TOLD))
        for name, buffer in step.buffers.items():
            if buffer.role != "activation":
                self.write(name, packed(buffer, layouts.get(name, ROWS), contents))

    def capture(self) -> float:
        """Make the launches a graph; the seconds that it took."""
        start = time.monotonic()
        try:
            self.graph = self.acl.captured(self.stream, lambda: self.acl.launch("the step", self.enqueue))
        except RunnerError as error:
            remedy = "launch one by one: --graph 0"
            raise RunnerError(f"--graph: the step cannot be captured (got '{error}'); {remedy}") from error
        return time.monotonic() - start

    def write(self, buffer: str, numbers: Numbers) -> None:
        place = self.placed[buffer]
        placed = np.ascontiguousarray(numbers, place.dtype).reshape(place.shape)
        self.acl.upload(place.address, placed)
        if self.told and buffer in _TOLD:
            self.told[1][_TOLD.index(buffer)] = placed

    def run(self, steps: int) -> Ran:
        """Each step from its first launch to its token on the host."""
        return timed_steps(steps, self._one_step)

    def _one_step(self) -> int:
        assert self.told
        if self.graph is None:
            self.enqueue()
        else:
            self.acl.replay(self.graph, self.stream)
        self.move_on()
        return int(self.told[1][1])

    def trace(self, steps: int) -> list[list[int]]:
        """Each launch by the device's own clock: from one event of the stream to the next, it alone between them.

        Where the stream waits for the host to give it the launch, that is a part of what the launch costs here.
        """
        while len(self.events) <= len(self.launches):
            self.events.append(self.acl.event())
        latencies_ns: list[list[int]] = [[] for _ in self.launches]
        for _ in range(steps):
            self.acl.record(self.events[0], self.stream)
            for launch, event in zip(self.launches, self.events[1:], strict=True):
                launch()
                self.acl.record(event, self.stream)
            self.move_on()
            for latencies, (first, last) in zip(latencies_ns, pairwise(self.events), strict=True):
                latencies.append(self.acl.elapsed_ns(first, last))
        return latencies_ns

    def enqueue(self) -> None:
        """All launches, in order."""
        for launch in self.launches:
            launch()

    def move_on(self) -> None:
        """The next position there, the token here, and nothing left to do."""
        if self.told:
            address, numbers = self.told
            numbers[0] += 1
            self.acl.copy_later(TO_DEVICE, self.placed["position"].address, address, 4, self.stream)
            self.acl.copy_later(TO_HOST, address + 4, self.placed["token"].address, 4, self.stream)
        self.acl.synchronize(self.stream)

    def close(self) -> None:
        """Give all of it back, once nothing uses it; what a device that hangs or is gone has ends with the process."""
        with suppress(RunnerError):
            self.acl.synchronize(self.stream)
            if self.graph is not None:
                self.acl.close_graph(self.graph)
            for event in self.events:
                self.acl.close_event(event)
            if self.told:
                self.acl.free_host(self.told[0])
            self.calls.close()
