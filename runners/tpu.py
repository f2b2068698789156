"""TPUs: emitted Pallas, all of a step in one program that JAX compiles ahead of time; one dispatch a step.

``python -m runners.tpu`` measures a decode step on one core (on v4 and v5p, whose two cores JAX drives as one
device, on one chip). Caches, token and position are donated, so the step changes them where they lie; the
token's four bytes go to the host after each step, and nothing else does.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
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
    element_type,
)
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import ROWS
from runners.kernels.emit.pallas import TARGET
from runners.kernels.sizes import Storage
from runners.step import Buffer, Step, touched
from runners.tpu_program import DONATED, Function, Memory, Program, Programs, function, held_shape
from runners.tpu_slice import ELSEWHERE, INSTALL, not_attached, not_installed, slice_name
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
LAUNCHES_TOGETHER = 28
"""So many launches of a kernel at least are timed together: with fewer, the dispatch would be most of the time."""


class TpuDevice(Device):
    """The first core of the TPU that is attached to this machine."""

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
    target = "pallas"

    platform: ClassVar[str] = "tpu"
    interpret: ClassVar[bool] = False
    """Texts are interpreted where ``platform`` is no TPU, which is for tests alone."""

    def __init__(self) -> None:
        self.compiled: dict[tuple[str, int], tuple[Function, Any]] = {}
        self.changing, self.constant, self.activations = Memory(), Memory(), Memory()
        self.whole: Any = None
        self.apart: dict[str, tuple[int, Program]] = {}

    @classmethod
    def lacking(cls) -> str | None:
        return not_attached() or not_installed()

    def open(self) -> Identity:
        if said := not_installed() if self.platform == "tpu" else None:
            raise RunnerError(f"tpu: {said}")
        self.jax: Any = import_module("jax")
        self.jax.config.update(
            "jax_enable_x64", False
        )  # whatever the environment says: texts count in 32 bits
        with vendor.told("tpu: opening it", (RuntimeError,), _OPENING, ELSEWHERE):
            devices = self.jax.devices(self.platform)
            self.device = self.jax.local_devices(backend=self.platform)[0]
        packages = [Package(name, version(name)) for name in ("jax", "jaxlib", "libtpu") if find_spec(name)]
        return Identity(
            name=slice_name(devices),
            count=1,
            driver=self.device.client.platform_version,
            toolchain=(*packages, Package("cores", "1")),
        )

    # --- single kernels ---------------------------------------------------------------------------

    def compile(self, kernels: Sequence[Emitted]) -> float:
        started = time.perf_counter()
        for kernel in kernels:
            self._compiled(kernel, _CHECKED_TOKENS)
        return time.perf_counter() - started

    def _compiled(self, kernel: Emitted, capacity: int) -> tuple[Function, Any]:
        """A text as an executable for one capacity. JAX, Mosaic and XLA each refuse in exceptions of their own."""
        dynamic = any(axis.dynamic for array in kernel.kernel.arrays for axis in array.axes)
        key = kernel.sha256, capacity if dynamic else 0
        if key not in self.compiled:
            name = kernel.kernel.name
            try:
                found = function(kernel, self.interpret)
                shapes = [
                    self._like(found.shape(array, capacity), element_type(array.element, kernel.storage))
                    for array in found.taken
                ]
                self.compiled[key] = found, self.jax.jit(found.call).lower(*shapes).compile()
            except Exception as error:
                said = f"compiler: refuses it (got '{line(str(error))}'); {_MEND}"
                raise KernelError(name, said) from error
        return self.compiled[key]

    def _like(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.jax.ShapeDtypeStruct(
            shape, dtype, sharding=self.jax.sharding.SingleDeviceSharding(self.device)
        )

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        found, compiled = self._compiled(kernel, capacity)
        with self._told(f"running {kernel.kernel.name}"):
            given = [
                self._put(arrays[array.name].reshape(found.shape(array, capacity))) for array in found.taken
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
            for buffer in step.buffers.values():
                if buffer.role != "activation":
                    memory = self.changing if buffer.role in DONATED else self.constant
                    memory[buffer.name] = self._put(
                        packed(buffer, ROWS, contents).reshape(held_shape(buffer))
                    )
            launched = Counter(launch.kernel for launch in step.launches)
            programs = Programs(step, {name: function(kernels[name], self.interpret) for name in launched})
            started = time.perf_counter()
            self.whole = _donating(programs.whole, self.changing, self.constant)
            seconds = time.perf_counter() - started
            self._prepare_trace(programs, launched)
        return seconds

    def _prepare_trace(self, programs: Programs, launched: Mapping[str, int]) -> None:
        for name, count in launched.items():
            turns = -(-LAUNCHES_TOGETHER // count)
            self.apart[name] = turns * count, _donating(programs.repeated(name, turns), *self._read_by(name))

    def _read_by(self, kernel: str) -> tuple[Memory, Memory]:
        """What a kernel's launches of the step take: (the caches that they write to, all that they read)."""
        launches = [touched(launch) for launch in self.step.launches if launch.kernel == kernel]
        written = {
            name for _, writes in launches for name in writes if self.step.buffers[name].role == "cache"
        }
        read = {name for reads, _ in launches for name in reads}
        memory = {**self.changing, **self.constant, **self.activations}
        return {name: memory[name] for name in written}, {
            name: memory[name] if name in memory else self._to_be(self.step.buffers[name]) for name in read
        }

    def _to_be(self, buffer: Buffer) -> Any:
        """An activation before the first step."""
        return self._like(held_shape(buffer), element_type(buffer.element, self.step.storage))

    def _put(self, numbers: Numbers) -> Any:
        """Host to device, and there when this returns: so few of the host's copies exist at a time."""
        return self.jax.device_put(numbers, self.device).block_until_ready()

    def write(self, buffer: str, numbers: Numbers) -> None:
        found = self.step.buffers[buffer]
        with self._told(f"writing {buffer}"):
            self.changing[buffer] = self._put(np.array(numbers).reshape(held_shape(found)))

    def read(self, buffer: str) -> Numbers:
        with self._told(f"reading {buffer}"):
            numbers = np.array({**self.activations, **self.changing}[buffer])
        return numbers.reshape(self.step.buffers[buffer].shape)

    def run(self, steps: int) -> Ran:
        ran = Ran([], [])
        with self._told("running the step"):
            for _ in range(steps):
                started_ns = time.perf_counter_ns()
                self._start_step()
                token = self.changing["token"]
                token.copy_to_host_async()  # under way as soon as it is there, not when it is asked for
                ran.tokens.append(int(np.array(token)[0]))
                ran.step_ns.append(time.perf_counter_ns() - started_ns)
        return ran

    def _start_step(self) -> None:
        self.changing, self.activations = self.whole(self.changing, self.constant)

    def trace(self, steps: int) -> list[list[int]]:
        """A launch alone would take the time of its dispatch: so a kernel's launches share one, in one program.

        There they come one after the other, each on its own weights and caches, and again until they are
        28 or more; no memory of a TPU keeps a weight from one launch to the next. A figure is the program's
        time by their number: the kernel, what brings its arrays from one shape to the other, and its share of a
        dispatch and of hearing that all is done. Activations are a step's last ones. What was appended to the
        caches is then put right by the step itself.
        """
        found: list[list[int]] = [[] for _ in self.step.launches]
        with self._told("timing kernels"):
            state = {name: self.read(name) for name in ("token", "position") if name in self.changing}
            self._start_step()
            for name, numbers in state.items():
                self.write(name, numbers)
            self._apart_ns()  # a program's first run also brings it to the device
            for _ in range(steps):
                for place, latency_ns in self._apart_ns().items():
                    found[place].append(latency_ns)
                self._start_step()
        return found

    def _apart_ns(self) -> dict[int, int]:
        """The mean latency of each kernel's launches, by the place of its first one."""
        places = [launch.kernel for launch in self.step.launches]
        latencies_ns = {}
        for name, (launches, program) in self.apart.items():
            given = self._read_by(name)
            self.jax.block_until_ready(given)
            started_ns = time.perf_counter_ns()
            caches, _ = self.jax.block_until_ready(program(*given))
            latencies_ns[places.index(name)] = (time.perf_counter_ns() - started_ns) // launches
            self.changing |= caches
        return latencies_ns

    def close(self) -> None:
        self.changing.clear()
        self.constant.clear()
        self.activations.clear()
        self.apart.clear()
        self.whole = None

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return vendor.told(f"tpu: {doing}", (self.jax.errors.JaxRuntimeError,), _RUNNING, vendor.GONE)


def _donating(program: Program, changing: Memory, constant: Memory) -> Any:
    """The program compiled for arrays like these, the first ones donated."""
    return import_module("jax").jit(program, donate_argnums=0).lower(changing, constant).compile()


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("tpu"))
