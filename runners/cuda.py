"""NVIDIA GPUs: emitted CUDA C++, compiled by NVRTC and launched through cuda.core, a step as one CUDA graph.

``python -m runners.cuda`` measures a decode step on a GPU of compute capability 7.5 or newer. A step costs the host
one graph launch and one synchronisation; its last node moves the position on and leaves the token in pinned memory.

What limits it, by reasoning and not by measurement. A token of the 1.5-billion model in bf16 reads 3.1 GB: 0.64 ms
at an H200's 4,800 GB/s, of which the head's matrix takes a sixth. 312 kernels share that time, 2 us each, and most
are over sooner: what is lost is between them. At each boundary the memory stands idle while the last blocks end,
the next kernel begins, and its first loads travel. Were that 2 us, half of the peak would be the most; on a T4,
whose memory needs 15 times as long, it would hardly show. So from compute capability 9.0 on launches may overlap
(:mod:`runners.kernels.emit.cuda`): the next kernel's blocks are on the multiprocessors before their turn, have done
their arithmetic on indices, and have asked for the first stretch of their weights while a norm, a rotation or the
attention of few heads leaves the memory idle. What stays is that small kernels run one after the other: fewer of
them would help more than faster ones.

Whether overlapping pays is not assumed. Loading a step records it both ways, runs both on the very step, and keeps
the faster one: of two whose logits are the same to the bit. The file says which, with both times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from runners import native
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
    element_type,
    timed_steps,
)
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.sizes import Storage
from runners.stacks.cuda import versions as cuda_versions
from runners.stacks.cuda.gpu import OVERLAPPING, Call, Gpu, Timed, asking
from runners.stacks.cuda.memory import Arena, Form
from runners.stacks.cuda.nvml import Nvml
from runners.stacks.cuda.overlap import IN_ORDER, kept
from runners.stacks.cuda.probe import Probe
from runners.step import Role, Step
from runners.uploads import packed
from schemas.records import Package

TEXT = (Path(native.__file__).parent / "cuda.cu").read_text("utf-8")
_TRIED_STEPS = 8
_OLDEST = (7, 5)


class CudaDevice(Device):
    """One GPU, and at most one loaded step, in one allocation."""

    runner: ClassVar[str] = "cuda"
    targets: ClassVar[tuple[str, ...]] = ("cuda",)
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")
    about: ClassVar[About] = About(
        name="NVIDIA CUDA",
        kind="GPU",
        machine="Linux or Windows with an NVIDIA GPU of compute capability 7.5 or newer (a T4, a GeForce RTX 20, "
        "or later) and driver R580 or newer; no CUDA toolkit is needed.",
        install=(cuda_versions.INSTALL,),
        minutes=(2, 6),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("gpu", "Which GPU, of those that CUDA_VISIBLE_DEVICES leaves.", "0", least=0),
    )
    target = "cuda"

    def __init__(self, gpu: int | None = None) -> None:
        self.gpu = gpu or 0
        self.kernels: dict[str, Any] = {}
        self._forget()

    def _forget(self) -> None:
        self.arena: Arena | None = None
        self.calls: list[Call] = []
        self.end: list[Call] = []
        self.graph: Any = None
        self.traced: Timed | None = None
        self.probe: Probe | None = None

    @classmethod
    def lacking(cls) -> str | None:
        return cuda_versions.missing()

    def open(self) -> Identity:
        if lacking := self.lacking():
            raise RunnerError(f"cuda: {lacking}")
        nvrtc, newest_cuda = cuda_versions.compiler_and_driver()
        self.opened = Gpu(self.gpu)
        name, capability = str(self.opened.device.name), self.opened.capability
        if capability < _OLDEST:
            found, oldest = (".".join(map(str, one)) for one in (capability, _OLDEST))
            raise RunnerError(
                f"cuda: {name} is too old (got compute capability {found}); take a GPU of {oldest} or newer"
            )
        try:
            own = self.opened.compiled("cuda.cu", TEXT, ["end_of_step", "read_memory"])
        except KernelError as failed:
            raise RunnerError(f"cuda: {failed.kernel}: {failed}") from None
        self.end_of_step, self.read_memory = own
        self.nvml = Nvml(self.opened.pci_bus_id)
        packages = (Package("NVRTC", nvrtc), *(Package(one, version(one)) for one in cuda_versions.PACKAGES))
        return Identity(name, 1, self.nvml.driver or f"CUDA {newest_cuda}", packages)

    def compile(self, kernels: Sequence[Emitted]) -> float:
        started = time.perf_counter()
        for kernel in kernels:
            if kernel.sha256 not in self.kernels:
                name = kernel.kernel.name
                (self.kernels[kernel.sha256],) = self.opened.compiled(name, kernel.text, [name])
        return time.perf_counter() - started

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        self.close()
        names = [array.name for array in kernel.kernel.arrays]
        with asking(kernel.kernel.name):
            arena = self._place(
                {name: Form(kernel.layout(name), arrays[name].shape, arrays[name].dtype) for name in names}
            )
            for name in names:
                arena.write(name, arrays[name])
            self.opened.launch(self._call(kernel, names, capacity))
            for array in kernel.kernel.outputs:
                arena.read_into(array.name, arrays[array.name])
        self.close()

    def _place(self, forms: Mapping[str, Form]) -> Arena:
        self.arena = Arena(self.opened, forms)
        return self.arena

    def _call(self, kernel: Emitted, buffers: Sequence[str], capacity: int) -> Call:
        """The launch of ``kernel`` on buffers of the arena."""
        dynamic = has_dynamic(kernel.kernel.axes)
        addresses = tuple(self.memory.addresses[name] for name in buffers)
        arguments = (*addresses, np.int32(capacity)) if dynamic else addresses
        return Call(self.kernels[kernel.sha256], kernel.launch["grid"], kernel.launch["block"], arguments)

    @property
    def memory(self) -> Arena:
        """The arena of what is loaded."""
        assert self.arena, "nothing is loaded"
        return self.arena

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self.close()
        layouts = step.layouts(kernels)
        forms = {
            one.name: Form(layouts.get(one.name, ROWS), one.shape, element_type(one.element, step.storage))
            for one in step.buffers.values()
        }
        with asking("loading the step"):
            self._place(forms)
            self._fill(step, contents, ("weight", "cache", "table", "state"))
            self.calls = [
                self._call(kernels[one.kernel], one.buffers, step.capacity) for one in step.launches
            ]
            return self._record(step, contents) if {"token", "position"} <= step.buffers.keys() else 0.0

    def _fill(self, step: Step, contents: Contents, roles: Sequence[Role]) -> None:
        for buffer in step.buffers.values():
            if buffer.role in roles:
                self.memory.fill(buffer.name, packed(buffer, self.memory.forms[buffer.name].layout, contents))

    def _record(self, step: Step, contents: Contents) -> float:
        """Record a step that ends by telling its token and moving on, in the way that is the faster one here.

        The seconds that it took. What the trial wrote to the caches is put back.
        """
        started = time.perf_counter()
        host_token, self.token = self.opened.pinned_number()
        state = (self.memory.addresses[name] for name in ("token", "position"))
        self.end = [Call(self.end_of_step, 1, 1, (*state, host_token))]
        self.graph = self.opened.recorded([*self.calls, *self.end], overlap=False)
        said = IN_ORDER
        if self.opened.capability >= OVERLAPPING:
            self.graph, said = self._faster(lambda graph: self._tried(graph, step, contents))
            self._fill(step, contents, ("cache", "state"))
        self.decided = (Package("CUDA graph", line(said)),)
        return time.perf_counter() - started

    def _faster(self, run: Callable[[Any], tuple[Ran, Numbers]]) -> tuple[Any, str]:
        """The graph to keep, and what to say of it. A driver that records no overlap keeps nobody from measuring."""
        try:
            with asking("recording launches that overlap"):
                overlapping = self.opened.recorded([*self.calls, *self.end], overlap=True)
        except RunnerError as error:
            return self.graph, f"{IN_ORDER}: overlapping ones are not recorded ({error})"
        return kept(self.graph, overlapping, run)

    def _tried(self, graph: Any, step: Step, contents: Contents) -> tuple[Ran, Numbers]:
        """A few steps of ``graph`` from the start, and the logits of the last one."""
        self._fill(step, contents, ("state",))
        room = step.capacity - int(contents(step.buffers["position"], 0, 1))
        return self._run(graph, min(_TRIED_STEPS, room)), self.memory.read("logits")

    def write(self, buffer: str, numbers: Numbers) -> None:
        with asking(f"writing {buffer}"):
            self.memory.write(buffer, numbers)

    def read(self, buffer: str) -> Numbers:
        with asking(f"reading {buffer}"):
            return self.memory.read(buffer)

    def run(self, steps: int) -> Ran:
        with asking("running the step"):
            return self._run(self.graph, steps)

    def _run(self, graph: Any, steps: int) -> Ran:
        def step() -> int:
            self.opened.run(graph)
            return int(self.token[0])

        return timed_steps(steps, step)

    def trace(self, steps: int) -> list[list[int]]:
        """On the GPU's clock, between events that are recorded in the graph: the host has no part in a latency."""
        with asking("timing each launch"):
            self.traced = self.traced or self.opened.timed(self.calls, untimed=self.end)
            latencies_ns = [self.opened.run_timed(self.traced) for _ in range(steps)]
        return [list(column) for column in zip(*latencies_ns, strict=True)]

    # --- the machine ------------------------------------------------------------------------------

    def read_bandwidth(self) -> float | None:
        if self.arena is None:
            return None
        with asking("reading memory"):
            self.probe = self.probe or Probe(self.opened, self.read_memory, self.arena)
            return self.probe.gb_per_s()

    def energy_j(self) -> float | None:
        return self.nvml.energy_j()

    def close(self) -> None:
        if self.arena or self.calls:
            self.opened.free()
        self._forget()


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("cuda"))
