"""cuda.core, and the parts of cuda.bindings that the runner calls, strict: emitted texts run on the SIMT simulator.

What is asked of a stream is done when the stream is synchronised, and no sooner. Memory begins as poison and ends
as poison; what is not within a live allocation, or of another size or type than the kernel says, is a misuse.
Names, parameters and error texts are those of cuda-core 1.2 and cuda-bindings 13.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from runners import cuda
from runners.device import element_type
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from tests.runners.kernels.executors import Call

POISON, FREED = 0xFF, 0xDD
STICKY = ("ILLEGAL_ADDRESS", "LAUNCH_FAILED", "UNKNOWN", "ECC")


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


class ComputeCapability(NamedTuple):
    major: int
    minor: int


def result(code: int, name: str = "CUDA_ERROR_UNKNOWN") -> Any:
    """A driver's status: a number with a name."""

    class Status(int):
        pass

    found = Status(code)
    found.name = name if code else "CUDA_SUCCESS"  # type: ignore[attr-defined]
    return found


@dataclass
class Memory:
    """A live or freed allocation; ``bytes`` begin at ``address``."""

    bytes: np.ndarray[Any, np.dtype[np.uint8]]
    kind: str
    alive: bool = True

    @property
    def address(self) -> int:
        return int(self.bytes.ctypes.data)


@dataclass
class FakeCuda:
    """A machine with GPUs, and the modules that lead to it. The fields are what may be otherwise, or go wrong."""

    kernels: Sequence[Emitted]
    call: Call
    name: str = "NVIDIA H200"
    capability: tuple[int, int] = (9, 0)
    gpus: int = 1
    free_bytes: int = 1 << 30
    cuda_version: int = 13000
    nvrtc_version: tuple[int, int] = (13, 0)
    driver_release: str = "580.65.06"
    nvml: bool = True
    divided: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    unloadable: dict[str, str] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    overlap_spoils: bool = False
    fails: dict[str, tuple[int, str]] = field(default_factory=dict)
    energy_mj: int = 5_000

    def __post_init__(self) -> None:
        self.texts = {kernel.text: kernel for kernel in self.kernels}
        self.memory: list[Memory] = []
        self.dead: str = ""
        self.graphs: list[Graph] = []
        self.opened: int | None = None

    def modules(self) -> dict[str, Any]:
        """By the names that the runner imports."""
        fake = self
        core = SimpleNamespace(
            Device=lambda number: Device(fake, number),
            Program=lambda text, kind, options: Program(fake, text, kind, options),
            ProgramOptions=ProgramOptions,
            Buffer=SimpleNamespace(from_handle=lambda ptr, size, owner=None: Buffer(fake, ptr, size, owner)),
            LegacyPinnedMemoryResource=lambda: SimpleNamespace(allocate=fake.pinned),
            LaunchConfig=LaunchConfig,
            EventOptions=EventOptions,
            launch=lambda stream, config, kernel, *arguments: stream.launch(config, kernel, arguments),
            graph=SimpleNamespace(GraphDefinition=lambda: GraphDefinition(fake)),
        )
        driver = SimpleNamespace(
            cuMemGetInfo=lambda: (result(0), fake.free_bytes - fake.used_bytes, fake.free_bytes),
            cuDriverGetVersion=lambda: (result(0), fake.cuda_version),
        )
        return {
            "cuda.core": core,
            "cuda.core._utils.cuda_utils": SimpleNamespace(CUDAError=CUDAError, NVRTCError=NVRTCError),
            "cuda.bindings.driver": driver,
            "cuda.bindings.nvrtc": SimpleNamespace(nvrtcVersion=lambda: (result(0), *fake.nvrtc_version)),
            "cuda.bindings.nvml": self._nvml(),
        }

    def _nvml(self) -> Any:
        def init_v2() -> None:
            if not self.nvml:
                raise RuntimeError("no NVML")

        def energy(handle: int) -> int:
            must(handle == 77, "another GPU's energy")
            if self.energy_mj < 0:
                raise NvmlError("Not Supported")
            return self.energy_mj + 7 * sum(graph.launches for graph in self.graphs)

        def handle_of(pci: str) -> int:
            must(pci == "0000:0b:00.0", "another GPU")
            return 77

        return SimpleNamespace(
            NvmlError=NvmlError,
            init_v2=init_v2,
            system_get_driver_version=lambda: self.driver_release,
            device_get_handle_by_pci_bus_id_v2=handle_of,
            device_get_mig_mode=lambda _: (int(self.divided), 0),
            device_get_total_energy_consumption=energy,
        )

    # --- what goes wrong --------------------------------------------------------------------------

    def asked(self, operation: str) -> None:
        """Fail where this was arranged; after a sticky error everything does."""
        count, code = self.fails.get(operation, (1, ""))
        if code:
            self.fails[operation] = (count - 1, code)
        if self.dead or (code and count <= 0):
            said = self.dead or code
            self.dead = said if any(part in said for part in STICKY) else ""
            raise CUDAError(
                f"{said}: This is what has happened. And this goes on for long about cuCtxCreate()."
            )

    # --- memory -----------------------------------------------------------------------------------

    @property
    def used_bytes(self) -> int:
        return sum(one.bytes.size for one in self.memory if one.alive and one.kind == "device")

    def made(self, size: int, kind: str) -> Buffer:
        must(type(size) is int and size > 0, f"an allocation of {size} bytes")
        whole = np.full(size + 256, POISON, np.uint8)
        first = -whole.ctypes.data % 256
        found = Memory(whole[first : first + size], kind)
        self.memory.append(found)
        return Buffer(self, found.address, size, found)

    def pinned(self, size: int) -> Buffer:
        self.asked("pinned")
        return self.made(size, "pinned")

    def at(self, address: int, size: int, kinds: Sequence[str] = ("device",)) -> Any:
        """The bytes there, all within one live allocation."""
        must(type(address) is int, f"an address of {type(address).__name__}")
        for one in self.memory:
            if (
                one.alive
                and one.kind in kinds
                and one.address <= address <= one.address + one.bytes.size - size
            ):
                offset = address - one.address
                return one.bytes[offset : offset + size]
        raise Misuse(f"{size} bytes that are no memory of {' or '.join(kinds)}")


class Device:
    """One GPU; the properties are there once it was made current."""

    def __init__(self, fake: FakeCuda, number: int) -> None:
        fake.asked("open")
        if not 0 <= number < fake.gpus:
            raise ValueError(f"device_id must be within [0, {fake.gpus}), got {number}")
        self._fake, self._current, self.number = fake, False, number
        self.name, self.pci_bus_id = fake.name, "0000:0b:00.0"
        self.compute_capability = ComputeCapability(*fake.capability)
        self.arch = "{}{}".format(*fake.capability)
        self.properties = SimpleNamespace(multiprocessor_count=2)

    def set_current(self) -> None:
        self._fake.asked("set_current")
        self._current, self._fake.opened = True, self.number

    def create_stream(self) -> Stream:
        must(self._current, "no context")
        return Stream(self._fake)

    def create_event(self, options: EventOptions) -> Event:
        must(self._current and isinstance(options, EventOptions), "no context or no options")
        return Event(options)

    def create_graph_builder(self) -> GraphBuilder:
        must(self._current, "no context")
        return GraphBuilder(self._fake)

    def allocate(self, size: int, *, stream: Stream) -> Buffer:
        must(isinstance(stream, Stream), "no stream")
        self._fake.asked("allocate")
        return self._fake.made(size, "device")


class Buffer:
    """Memory that it owns where ``owner`` is an allocation; else a view, of the host's where it is an array."""

    def __init__(self, fake: FakeCuda, handle: int, size: int, owner: Any) -> None:
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

    def close(self) -> None:
        must(isinstance(self._owner, Memory) and self._owner.alive, "freed twice, or not one's own")
        self._owner.bytes[:] = FREED
        self._owner.alive = False


# --- compiling --------------------------------------------------------------------------------------


@dataclass
class ProgramOptions:
    """Those that the runner gives."""

    arch: str
    std: str
    name: str


class Program:
    """A text on its way through NVRTC."""

    def __init__(self, fake: FakeCuda, text: str, kind: str, options: ProgramOptions) -> None:
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

    fake: FakeCuda
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
        must(config.block == cuda.PROBE_THREADS, "as many threads as its text says")
        self.fake.at(memory, config.grid * int(times) * config.block * 16)
        written = self.fake.at(sums, config.grid * config.block * 4)
        return lambda: written.fill(0)


# --- streams, graphs, events ------------------------------------------------------------------------


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

    def __init__(self, fake: FakeCuda) -> None:
        self._fake = fake
        self.queue: list[Callable[[], None]] = []

    def launch(self, config: LaunchConfig, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        self._fake.asked("launch")
        self.queue.append(kernel.bound(config, arguments))

    def sync(self) -> None:
        self._fake.asked("sync")
        queue, self.queue = self.queue, []
        for work in queue:
            work()


class GraphBuilder:
    """A stream whose work is recorded."""

    def __init__(self, fake: FakeCuda) -> None:
        self._fake, self._state = fake, "new"
        self._work: list[Callable[[], None]] = []
        self._early = 0

    def begin_building(self) -> GraphBuilder:
        must(self._state == "new", "builds twice")
        self._fake.asked("capture")
        self._state = "building"
        return self

    def launch(self, config: LaunchConfig, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
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

    def __init__(self, fake: FakeCuda, work: list[Callable[[], None]], early: int = 0) -> None:
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

    def __init__(self, fake: FakeCuda) -> None:
        self._fake, self._nodes = fake, list[Callable[[], None]]()

    def add(self, after: int, work: Callable[[], None]) -> Node:
        must(after == len(self._nodes), "two nodes after one: they might run at once")
        self._nodes.append(work)
        return Node(self, len(self._nodes), self._fake)

    def record(self, event: Event) -> Node:
        return self.add(0, event.record)

    def instantiate(self) -> Graph:
        self._fake.asked("instantiate")
        return Graph(self._fake, self._nodes)


@dataclass
class Node:
    """The place in a graph after which another node may come."""

    definition: GraphDefinition
    place: int
    fake: FakeCuda

    def launch(self, config: LaunchConfig, kernel: Kernel, *arguments: Any) -> Node:
        must(not config.programmatic_stream_serialization, "a launch that is timed is not early")
        return self.definition.add(self.place, kernel.bound(config, arguments))

    def record(self, event: Event) -> Node:
        return self.definition.add(self.place, event.record)


@dataclass
class EventOptions:
    """Without timing an event tells no time."""

    timing_enabled: bool = False


class Event:
    """A moment on the GPU."""

    def __init__(self, options: EventOptions) -> None:
        must(options.timing_enabled, "an event without a time")
        self._ms: float | None = None

    def record(self) -> None:
        self._ms = time.perf_counter_ns() / 1e6

    def __sub__(self, other: Event) -> float:
        must(self._ms is not None and other._ms is not None, "an event that has not been")
        assert self._ms is not None
        assert other._ms is not None
        return self._ms - other._ms
