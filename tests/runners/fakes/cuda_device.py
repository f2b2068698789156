"""A GPU of the CUDA that ``fakes/cuda.py`` makes: its memory, and kernels that run on the SIMT simulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from runners import cuda
from runners.device import element_type
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from runners.stacks.cuda import probe as cuda_probe
from tests.runners.fakes.cuda_streams import (
    CUDAError,
    Event,
    EventOptions,
    GraphBuilder,
    LaunchConfig,
    NVRTCError,
    Stream,
    must,
)

FREED = 0xDD


@dataclass
class Memory:
    """A live or freed allocation; ``bytes`` begin at ``address``."""

    bytes: np.ndarray[Any, np.dtype[np.uint8]]
    kind: str
    alive: bool = True

    @property
    def address(self) -> int:
        return int(self.bytes.ctypes.data)

    def free(self) -> None:
        self.bytes[:] = FREED
        self.alive = False


class Device:
    """One GPU; the properties are there once it was made current."""

    def __init__(self, fake: Any, number: int) -> None:
        fake.asked("open")
        if not 0 <= number < fake.gpus:
            raise ValueError(f"device_id must be within [0, {fake.gpus}), got {number}")
        self._fake, self._current = fake, False
        self.name, self.device_id = fake.name, number
        self.compute_capability = ComputeCapability(*fake.capability)
        self.arch = "{}{}".format(*fake.capability)
        self.properties = SimpleNamespace(multiprocessor_count=2)

    def set_current(self) -> None:
        self._fake.asked("set_current")
        self._current, self._fake.opened = True, self.device_id

    def create_stream(self) -> Stream:
        must(self._current, "no context")
        return Stream(self._fake)

    def create_event(self, options: EventOptions) -> Event:
        must(self._current and isinstance(options, EventOptions), "no context or no options")
        return Event(options)

    def create_graph_builder(self) -> GraphBuilder:
        must(self._current, "no context")
        return GraphBuilder(self._fake)


class Buffer:
    """A view of memory: of the host's where ``owner`` is an array."""

    def __init__(self, fake: Any, handle: int, size: int, owner: Any) -> None:
        self._fake, self.handle, self.size, self._owner = fake, handle, size, owner
        if isinstance(owner, np.ndarray):
            must((handle, size) == (owner.ctypes.data, owner.nbytes), "not the array's own memory")

    def _bytes(self) -> Any:
        if isinstance(self._owner, np.ndarray):
            return self._owner.reshape(-1).view(np.uint8)
        return self._fake.at(self.handle, self.size, ("device", "pinned"))

    def copy_from(self, source: Buffer, *, stream: Stream) -> None:
        must(isinstance(source, Buffer) and source.size == self.size, "copies of two sizes")
        self._fake.asked("copy")
        stream.queue.append(lambda: np.copyto(self._bytes(), source._bytes()))

    def copy_to(self, target: Buffer, *, stream: Stream) -> None:
        target.copy_from(self, stream=stream)


class ComputeCapability(NamedTuple):
    major: int
    minor: int


@dataclass
class ProgramOptions:
    """Those that the runner gives."""

    arch: str
    std: str
    name: str


class Program:
    """A text on its way through NVRTC."""

    def __init__(self, fake: Any, text: str, kind: str, options: ProgramOptions) -> None:
        must(isinstance(text, str) and kind == "c++" and isinstance(options, ProgramOptions), "no C++")
        must(options.arch == "sm_{}{}".format(*fake.capability), f"another architecture: {options.arch}")
        self._fake, self._text, self._name = fake, text, options.name

    def compile(self, kind: str) -> Any:
        must(kind == "cubin", "not machine code, which alone a driver takes from a later NVRTC")
        if self._name in self._fake.refused:
            log = f"{self._name}(7): error: {self._fake.refused[self._name]}\n  float x\n  ^\n\n1 error detected"
            raise NVRTCError(f"6: NVRTC_ERROR_COMPILATION, compilation log:\n\n{log}")
        return SimpleNamespace(get_kernel=self._kernel)

    def _kernel(self, name: str) -> Kernel:
        if self._name in self._fake.unloadable:
            raise CUDAError(f"{self._fake.unloadable[self._name]}: There is none. It goes on.")
        must(re.search(rf'extern "C" __global__ [^{{;]*\b{name}\(', self._text), f"no kernel {name}")
        return Kernel(self._fake, name, self._text)


@dataclass
class Kernel:
    """A loaded kernel: an emitted one, or one of the runner's own."""

    fake: Any
    name: str
    text: str

    def bound(self, config: LaunchConfig, arguments: tuple[Any, ...]) -> Callable[[], None]:
        """What a launch will do; a misuse if it is not as the kernel asks."""
        must(isinstance(config, LaunchConfig), "no configuration")
        if config.programmatic_stream_serialization:
            must(self.fake.capability >= (9, 0), "launches that overlap before compute capability 9.0")
            must("griddepcontrol.wait" in self.text, "an early launch of a kernel that does not wait")
        if self.text == cuda.TEXT:
            return getattr(self, f"_{self.name}")(config, arguments)  # type: ignore[no-any-return]
        emitted = self.fake.texts[self.text]
        must(
            (config.grid, config.block) == (emitted.launch["grid"], emitted.launch["block"]),
            "other dimensions",
        )
        return self._emitted(emitted, arguments)

    def _emitted(self, emitted: Emitted, arguments: tuple[Any, ...]) -> Callable[[], None]:
        arrays = emitted.kernel.arrays
        dynamic = any(has_dynamic(array.axes) for array in arrays)
        must(len(arguments) == len(arrays) + dynamic, "another number of arguments")
        must(
            all(type(one) is int and one % 16 == 0 for one in arguments[: len(arrays)]),
            "addresses come first",
        )
        must(not dynamic or isinstance(arguments[-1], np.int32), "the capacity is an int of 32 bits")
        capacity = int(arguments[-1]) if dynamic else 1

        def views() -> dict[str, Any]:
            found = {}
            for array, address in zip(arrays, arguments, strict=False):
                shape = emitted.sizes.shape(array.axes, capacity)
                dtype = element_type(array.element, emitted.storage)
                memory = self.fake.at(address, int(np.prod(shape)) * dtype.itemsize)
                found[array.name] = memory.view(dtype).reshape(shape)
            return found

        def run() -> None:
            found = views()
            self.fake.call(emitted, found, capacity)
            if self.name in self.fake.spoiled:
                output = found[emitted.kernel.outputs[0].name]
                output[...] = output * 3 + 1

        views()
        return run

    def _end_of_step(self, config: LaunchConfig, arguments: tuple[Any, ...]) -> Callable[[], None]:
        must((config.grid, config.block) == (1, 1), "one thread ends a step")
        kinds = (("device",), ("device",), ("pinned",))
        views = [self.fake.at(one, 4, kind) for one, kind in zip(arguments, kinds, strict=True)]
        token, position, told = (one.view(np.int32) for one in views)

        def run() -> None:
            told[0] = token[0]
            position[0] += 1

        return run

    def _read_memory(self, config: LaunchConfig, arguments: tuple[Any, ...]) -> Callable[[], None]:
        memory, sums, times = arguments
        must(isinstance(times, np.int32) and times > 0, "a number of 32 bits")
        must(config.block == cuda_probe.THREADS, "as many threads as its text says")
        self.fake.at(memory, config.grid * int(times) * config.block * 16)
        written = self.fake.at(sums, config.grid * config.block * 4)
        return lambda: written.fill(0)
