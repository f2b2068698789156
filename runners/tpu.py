"""TPUs: emitted Pallas, all of a step in one program that JAX compiles ahead of time; one dispatch a step.

``python -m runners.tpu`` measures a decode step on one core (on v4 and v5p, whose two cores JAX drives as one
device, on one chip), or on several (:mod:`runners.stacks.tpu.cores`). Caches, token and position are donated, so that a
step changes them where they lie; the token's four bytes go to the host after each step, and nothing else does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, ClassVar

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
    element_type,
    timed_steps,
)
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.kernels.emit.pallas import TARGET
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.stacks.tpu.apart import Apart
from runners.stacks.tpu.cores import Cores, share, shared_weights
from runners.stacks.tpu.program import DONATED, Function, Memory, Programs, function, held_shape
from runners.stacks.tpu.slice import ELSEWHERE, INSTALL, not_attached, not_installed, slice_name, versions
from runners.step import Step
from runners.uploads import packed
from schemas.records import Package

_OPENING = {
    "in use": "end the other process, as one alone may hold a TPU",
    "unknown backend": "unset JAX_PLATFORMS",
    "lockfile": "run: sudo rm /tmp/libtpu_lockfile",
    "libtpu": f"run: {INSTALL}",
}
_RUNNING = {"RESOURCE_EXHAUSTED": vendor.MEMORY, "out of memory": vendor.MEMORY}
_MEND = "report it with the versions of jax and libtpu, or try newer ones"
_CHECKED_TOKENS = 256


class TpuDevice(Device):
    """The first cores of the TPU that is attached to this machine."""

    runner: ClassVar[str] = "tpu"
    targets: ClassVar[tuple[str, ...]] = ("pallas",)
    storages: ClassVar[tuple[Storage, ...]] = TARGET.storages
    about: ClassVar[About] = About(
        name="TPU",
        kind="TPU",
        machine="A Linux machine with a Google Cloud TPU, v2 or newer: a Cloud TPU VM, or Colab with a TPU runtime.",
        install=(INSTALL,),
        minutes=(4, 10),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "cores", "Cores, which share the rows of every matrix; whole chips on v4 and v5p.", "1", most=8
        ),
    )
    target = "pallas"

    platform: ClassVar[str] = "tpu"
    interpret: ClassVar[bool] = False
    """Texts are interpreted where ``platform`` is no TPU, which is for tests alone."""

    def __init__(self, cores: int | None = None) -> None:
        self.cores = cores or 1
        self.compiled: dict[tuple[str, int], tuple[Function, Any]] = {}
        self.changing, self.constant, self.activations = Memory(), Memory(), Memory()
        self.whole: Any = None
        self.apart: Apart | None = None

    @classmethod
    def lacking(cls) -> str | None:
        return not_attached() or not_installed()

    def open(self) -> Identity:
        if self.platform == "tpu" and not_installed():
            raise RunnerError(f"tpu: {self.lacking()}")
        self.jax: Any = import_module("jax")
        self.jax.config.update(
            "jax_enable_x64", False
        )  # whatever the environment says: texts count in 32 bits
        with vendor.told("tpu: opening it", (RuntimeError,), _OPENING, ELSEWHERE):
            devices = self.jax.devices(self.platform)
            local = self.jax.local_devices(backend=self.platform)
        self._use(local)
        packages = [Package(name, installed) for name, installed in versions().items()]
        return Identity(
            name=slice_name(devices),
            count=self.cores,
            driver=local[0].client.platform_version,
            toolchain=(*packages, Package("cores", str(self.cores))),
        )

    def _use(self, devices: Sequence[Any]) -> None:
        if self.cores > len(devices):
            said = f"there are fewer on this machine (got {self.cores}); choose {len(devices)} or less"
            raise RunnerError(f"--cores: {said}")
        self.first, self.used = Cores((devices[0],)), Cores(tuple(devices[: self.cores]))

    def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
        return super().emit(kernel, share(kernel, sizes, self.cores), storage)

    # --- single kernels, on the first core --------------------------------------------------------

    def compile(self, kernels: Sequence[Emitted]) -> float:
        started = time.perf_counter()
        for kernel in kernels:
            self._compiled(kernel, _CHECKED_TOKENS)
        return time.perf_counter() - started

    def _compiled(self, kernel: Emitted, capacity: int) -> tuple[Function, Any]:
        """A text as an executable for one capacity. JAX, Mosaic and XLA each refuse in exceptions of their own."""
        key = kernel.sha256, capacity if has_dynamic(kernel.kernel.axes) else 0
        if key not in self.compiled:
            name = kernel.kernel.name
            try:
                found = function(kernel, self.interpret)
                shapes = [
                    self._like(
                        found.shape(array, capacity),
                        element_type(array.element, kernel.storage),
                        self.first.sharding(),
                    )
                    for array in found.taken
                ]
                self.compiled[key] = found, self.jax.jit(found.call).lower(*shapes).compile()
            except Exception as error:
                said = f"compiler: refuses it (got '{line(str(error))}'); {_MEND}"
                raise KernelError(name, said) from error
        return self.compiled[key]

    def _like(self, shape: tuple[int, ...], dtype: Any, sharding: Any) -> Any:
        return self.jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        found, compiled = self._compiled(kernel, capacity)
        with self._told(f"running {kernel.kernel.name}"):
            given = [
                self._put(arrays[array.name].reshape(found.shape(array, capacity)), self.first.sharding())
                for array in found.taken
            ]
            results = {name: np.asarray(numbers) for name, numbers in found.named(compiled(*given)).items()}
        for name, numbers in results.items():
            arrays[name][...] = numbers.reshape(arrays[name].shape)

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        """Programs that only :meth:`trace` runs are compiled here too, and not counted: a step needs none."""
        self.close()
        self.step = step
        with self._told("loading the step"):
            shared = shared_weights(step, kernels)
            for buffer in step.buffers.values():
                if buffer.role != "activation":
                    memory = self.changing if buffer.role in DONATED else self.constant
                    held = held_shape(buffer)
                    ranks = (len(held), len(buffer.shape)) if buffer.name in shared else ()
                    numbers = packed(buffer, ROWS, contents).reshape(held)
                    memory[buffer.name] = self._put(numbers, self.used.sharding(*ranks))
            names = {launch.kernel for launch in step.launches}
            programs = Programs(step, {name: function(kernels[name], self.interpret) for name in names})
            started = time.perf_counter()
            self.whole = self.used.compiled(programs.whole, self.changing, self.constant)
            seconds = time.perf_counter() - started
            self.apart = Apart(programs, self.used, self.changing, self.constant)
        return seconds

    def _put(self, numbers: Numbers, sharding: Any) -> Any:
        """Host to device, and there when this returns: so few of the host's copies exist at a time."""
        return self.jax.device_put(numbers, sharding).block_until_ready()

    def write(self, buffer: str, numbers: Numbers) -> None:
        found = self.step.buffers[buffer]
        with self._told(f"writing {buffer}"):
            own = np.array(numbers).reshape(held_shape(found))
            self.changing[buffer] = self._put(own, self.used.sharding())

    def read(self, buffer: str) -> Numbers:
        with self._told(f"reading {buffer}"):
            numbers = np.array({**self.activations, **self.changing}[buffer])
        return numbers.reshape(self.step.buffers[buffer].shape)

    def run(self, steps: int) -> Ran:
        with self._told("running the step"):
            return timed_steps(steps, self._one_step)

    def _one_step(self) -> int:
        self._start_step()
        token = self.changing["token"]
        token.copy_to_host_async()  # under way as soon as it is there, not when it is asked for
        return int(np.array(token)[0])

    def _start_step(self) -> None:
        self.changing, self.activations = self.whole(self.changing, self.constant)

    def trace(self, steps: int) -> list[list[int]]:
        """All of a kernel's launches in one program (:mod:`runners.stacks.tpu.apart`), on a step's last activations.

        What they leave in the caches the step that follows puts right.
        """
        assert self.apart
        found: list[list[int]] = [[] for _ in self.step.launches]
        with self._told("timing kernels"):
            state = {name: self.read(name) for name in ("token", "position") if name in self.changing}
            self._start_step()
            for name, numbers in state.items():
                self.write(name, numbers)
            self._latencies_ns(self.apart)  # a program's first run also brings it to the device
            for _ in range(steps):
                for place, latency_ns in self._latencies_ns(self.apart).items():
                    found[place].append(latency_ns)
                self._start_step()
        return found

    def _latencies_ns(self, apart: Apart) -> dict[int, int]:
        return apart.latencies_ns(self.changing, {**self.constant, **self.activations})

    def close(self) -> None:
        self.changing.clear()
        self.constant.clear()
        self.activations.clear()
        self.whole = self.apart = None

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return vendor.told(f"tpu: {doing}", (self.jax.errors.JaxRuntimeError,), _RUNNING, vendor.GONE)


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("tpu"))
