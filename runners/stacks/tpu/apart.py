"""Each kernel's launches of a step in a program of their own, so that a kernel can be timed.

A launch alone would take the time of its dispatch, which is longer than most kernels. In one program a kernel's
launches come one after the other, each on its own weights and caches, and again until they are 28 or more: no memory
of a TPU keeps a weight by itself from one launch to the next. A figure is the program's time by their number: the
kernel, what brings its arrays from one shape to the other and, over several cores, gathers them, and its share of one
dispatch and of hearing that all is done. Nothing is taken off.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from runners.device import element_type
from runners.stacks.tpu.cores import Cores
from runners.stacks.tpu.program import Memory, Programs, held_shape
from runners.step import Buffer, touched

LAUNCHES_TOGETHER = 28
"""So many launches at least share a dispatch."""


class Apart:
    """The programs, compiled for a loaded step's arrays. ``programs``: kernel to (launches, program)."""

    def __init__(self, programs: Programs, cores: Cores, changing: Memory, constant: Memory) -> None:
        self.step, self.cores = programs.step, cores
        self.programs: dict[str, tuple[int, Any]] = {}
        for name, count in Counter(launch.kernel for launch in self.step.launches).items():
            turns = -(-LAUNCHES_TOGETHER // count)
            given = self.read_by(name, {**changing, **constant})
            self.programs[name] = turns * count, cores.compiled(programs.repeated(name, turns), *given)

    def read_by(self, kernel: str, memory: Mapping[str, Any]) -> tuple[Memory, Memory]:
        """What a kernel's launches take of a step's memory: (the caches that they write to, all that they read).

        An activation that is not there yet is given as its shape.
        """
        buffers = self.step.buffers
        launches = [touched(launch) for launch in self.step.launches if launch.kernel == kernel]
        written = {name for _, writes in launches for name in writes if buffers[name].role == "cache"}
        read = {name for reads, _ in launches for name in reads}
        return {name: memory[name] for name in written}, {
            name: memory[name] if name in memory else self._to_be(buffers[name]) for name in read
        }

    def _to_be(self, buffer: Buffer) -> Any:
        dtype = element_type(buffer.element, self.step.storage)
        shape: Any = import_module("jax").ShapeDtypeStruct
        return shape(held_shape(buffer), dtype, sharding=self.cores.sharding())

    def latencies_ns(self, changing: Memory, others: Memory) -> dict[int, int]:
        """The mean latency of each kernel's launches, by the place of its first one in the step.

        Caches in ``changing`` are donated and put back; of each, the row at ``position`` is then any.
        """
        block_until_ready = import_module("jax").block_until_ready
        places = [launch.kernel for launch in self.step.launches]
        found = {}
        for name, (launches, program) in self.programs.items():
            given = block_until_ready(self.read_by(name, {**others, **changing}))
            started_ns = time.perf_counter_ns()
            caches, _ = block_until_ready(program(*given))
            found[places.index(name)] = (time.perf_counter_ns() - started_ns) // launches
            changing |= caches
        return found
