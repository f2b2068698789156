"""Streams, graphs and events of the CUDA that ``fakes/cuda.py`` makes: what is asked for is done at the next wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


class Misuse(BaseException):
    """What CUDA would do wrong in silence, or refuse. Nothing of ours catches it."""


def must(holds: Any, why: str) -> None:
    if not holds:
        raise Misuse(why)


class CUDAError(Exception):
    """As cuda.core raises it."""


class NVRTCError(CUDAError):
    """Likewise."""


class NvmlError(Exception):
    """As cuda.bindings.nvml raises it."""


@dataclass
class LaunchConfig:
    """Blocks and threads, and whether the launch may be early."""

    grid: int
    block: int
    programmatic_stream_serialization: bool = False

    def __post_init__(self) -> None:
        must(type(self.grid) is int and type(self.block) is int, "dimensions are ints")
        must(self.grid >= 1 and 1 <= self.block <= 1024, "dimensions of a launch")


class Stream:
    """Work in order, done when it is waited for."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake
        self.queue: list[Callable[[], None]] = []

    def _launched(self, config: LaunchConfig, kernel: Any, arguments: tuple[Any, ...]) -> None:
        self._fake.asked("launch")
        self.queue.append(kernel.bound(config, arguments))

    def sync(self) -> None:
        self._fake.asked("sync")
        queue, self.queue = self.queue, []
        for work in queue:
            work()


class GraphBuilder:
    """A stream whose work is recorded."""

    def __init__(self, fake: Any) -> None:
        self._fake, self._state = fake, "new"
        self._work: list[Callable[[], None]] = []
        self._early = 0

    def begin_building(self) -> GraphBuilder:
        must(self._state == "new", "builds twice")
        self._fake.asked("capture")
        self._state = "building"
        return self

    def _launched(self, config: LaunchConfig, kernel: Any, arguments: tuple[Any, ...]) -> None:
        must(self._state == "building", "does not build")
        must(self._work or not config.programmatic_stream_serialization, "a first launch has none before it")
        self._early += config.programmatic_stream_serialization
        self._work.append(kernel.bound(config, arguments))
        if self._early and self._fake.overlap_spoils and kernel.name == "lm_head_matvec":
            logits = arguments[-1]
            self._work.append(lambda: self._fake.at(logits, 4).view(np.float32).__iadd__(1))

    def end_building(self) -> GraphBuilder:
        must(self._state == "building", "does not build")
        self._state = "built"
        return self

    def complete(self) -> Graph:
        must(self._state == "built", "is not built")
        self._fake.asked("instantiate")
        return Graph(self._fake, self._work, self._early)

    def close(self) -> None:
        self._state = "closed"


class Graph:
    """Work that can be launched again and again."""

    def __init__(self, fake: Any, work: list[Callable[[], None]], early: int = 0) -> None:
        self._fake, self._work, self.early = fake, work, early
        self.closed, self.launches = False, 0
        fake.graphs.append(self)

    def launch(self, stream: Stream) -> None:
        must(isinstance(stream, Stream) and not self.closed, "a closed graph, or no stream")
        self._fake.asked("graph")
        self.launches += 1
        stream.queue.extend(self._work)

    def close(self) -> None:
        self.closed = True


class GraphDefinition:
    """A graph made of nodes, each after another."""

    def __init__(self, fake: Any) -> None:
        self._fake, self._nodes = fake, list[Callable[[], None]]()

    def _add(self, after: int, work: Callable[[], None]) -> Node:
        must(after == len(self._nodes), "two nodes after one: they might run at once")
        self._nodes.append(work)
        return Node(self, len(self._nodes), self._fake)

    def record(self, event: Event) -> Node:
        return self._add(0, event._recorded)

    def instantiate(self) -> Graph:
        self._fake.asked("instantiate")
        return Graph(self._fake, self._nodes)


@dataclass
class Node:
    """The place in a graph after which another node may come."""

    definition: GraphDefinition
    place: int
    fake: Any

    def launch(self, config: LaunchConfig, kernel: Any, *arguments: Any) -> Node:
        must(not config.programmatic_stream_serialization, "a launch that is timed is not early")
        return self.definition._add(self.place, kernel.bound(config, arguments))

    def record(self, event: Event) -> Node:
        return self.definition._add(self.place, event._recorded)


@dataclass
class EventOptions:
    """Without timing an event tells no time."""

    timing_enabled: bool = False


class Event:
    """A moment on the GPU."""

    def __init__(self, options: EventOptions) -> None:
        must(options.timing_enabled, "an event without a time")
        self._ms: float | None = None

    def _recorded(self) -> None:
        self._ms = time.perf_counter_ns() / 1e6

    def __sub__(self, other: Event) -> float:
        must(self._ms is not None and other._ms is not None, "an event that has not been")
        assert self._ms is not None
        assert other._ms is not None
        return self._ms - other._ms
