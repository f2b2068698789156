"""Metal as PyObjC has it, as far as the runner calls it, and strict: emitted texts run on the SIMT simulator.

What a GPU may do is done to whoever relies on something else: memory begins as poison and ends as poison, results
show only once commands were waited for, and what the host writes in the meantime is an error, as are two commands
in flight over memory that nobody tracks. Names, out-parameters and types are those of pyobjc-framework-Metal.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from runners.device import element_type
from runners.kernels.emit import Emitted
from runners.stacks.metal import probe as metal_probe
from tests.runners.kernels.executors import Call

POISON, FREED = 0xFF, 0xDD
APPLE_FAMILIES = tuple(range(1001, 1009))
GPU_STEP_S = 0.00125
ARGUMENTS: dict[bytes, dict[int, dict[str, bytes]]] = {  # as pyobjc-framework-Metal has them
    b"newBufferWithLength:options:": {2: {"type": b"Q"}, 3: {"type": b"Q"}},
    b"newResidencySetWithDescriptor:error:": {2: {"type": b"@"}, 3: {"type": b"^@", "type_modifier": b"o"}},
}


class Misuse(BaseException):
    """What Metal would not survive, or would do wrong in silence. Nothing of ours catches it."""


def must(holds: bool, why: str) -> None:
    if not holds:
        raise Misuse(why)


class FakeObjc:
    """The module ``objc``."""

    class error(Exception):
        """Of an NSException."""

    def __init__(self) -> None:
        self.pools = 0
        self.owned: set[bytes] = set()
        self.leaked: list[Any] = []

    def registerMetaDataForSelector(self, class_name: bytes, selector: bytes, metadata: Any) -> None:
        must(class_name == b"NSObject" and metadata["retval"]["type"] == b"@", "another kind of method")
        must(metadata["arguments"] == ARGUMENTS[selector], "other arguments")
        if metadata["retval"].get("already_retained"):
            self.owned.add(selector)

    def returned(self, selector: bytes, made: Any) -> Any:
        """What a method gives. PyObjC to 12.2.2 lets an object go for which it knows that it is the caller's."""
        if selector not in self.owned:
            self.leaked.append(made)
        return made

    def autorelease_pool(self) -> Any:
        fake = self

        class Pool:
            def __enter__(self) -> None:
                fake.pools += 1

            def __exit__(self, *_: object) -> None:
                fake.pools -= 1

        return Pool()


@dataclass(frozen=True)
class MTLSize:
    """The struct."""

    width: int
    height: int
    depth: int


@dataclass(frozen=True)
class NSError:
    """What comes back beside a result."""

    said: str
    number: int = 0

    def localizedDescription(self) -> str:
        return self.said

    def code(self) -> int:
        return self.number


class FakeMetal:
    """The module ``Metal``, whose one device runs ``kernels`` by ``call``. The fields are what may go wrong."""

    MTLGPUFamilyApple5 = 1005
    MTLResourceStorageModeShared = 0
    MTLResourceHazardTrackingModeUntracked = 256
    MTLMathModeSafe = 0
    MTLDispatchTypeConcurrent = 1
    MTLBarrierScopeBuffers = 1
    MTLCommandBufferStatusCompleted = 4
    MTLSize = MTLSize

    def __init__(self, kernels: Sequence[Emitted], call: Call) -> None:
        self.objc = FakeObjc()
        self.texts = {kernel.text: kernel for kernel in kernels}
        self.call = call
        self.device: Device | None = Device(self)
        self.macos_15 = True
        self.families: tuple[int, ...] = APPLE_FAMILIES
        self.working_set_bytes = 20_000_000_000
        self.room_bytes = 20_000_000_000
        self.most_threads = 1024
        self.simdgroup = 32
        self.refused: dict[str, NSError] = {}
        self.spoiled: set[str] = set()
        self.good_commands = 10**9
        self.error: NSError | None = NSError("", 1)
        self.exception = ""
        self.nameless = False
        self.nothing_stays = False
        self.exhausted = False
        self.gpu_s = GPU_STEP_S
        self.committed = 0
        self.in_flight = False
        self.encoding = 0
        self.dispatched: Callable[[], None] = lambda: None
        self.MTLCompileOptions = ObjectiveC(lambda: CompileOptions(self))
        self.MTLResidencySetDescriptor = ObjectiveC(SimpleNamespace)

    def MTLCreateSystemDefaultDevice(self) -> Device | None:
        return self.device


@dataclass(frozen=True)
class ObjectiveC:
    """A class: ``alloc().init()`` gives an object."""

    made: Callable[[], Any]

    def alloc(self) -> Any:
        return SimpleNamespace(init=self.made)


class CompileOptions:
    """MTLCompileOptions."""

    def __init__(self, metal: FakeMetal) -> None:
        self._metal = metal
        self.safe = False

    def respondsToSelector_(self, selector: str) -> bool:
        must(selector == "setMathMode:", selector)
        return self._metal.macos_15

    def setMathMode_(self, mode: int) -> None:
        must(self._metal.macos_15, "unrecognized selector")
        self.safe = mode == self._metal.MTLMathModeSafe

    def setFastMathEnabled_(self, fast: bool) -> None:
        self.safe = fast is False

    def languageVersion(self) -> int:
        return (3 << 16) + 2


class Device:
    """MTLDevice."""

    def __init__(self, metal: FakeMetal) -> None:
        self._metal = metal
        self.resident: list[ResidencySet] = []

    def name(self) -> str:
        return "Apple M2 Max"

    def supportsFamily_(self, family: int) -> bool:
        return family in self._metal.families

    def respondsToSelector_(self, selector: str) -> bool:
        must(selector == "newResidencySetWithDescriptor:error:", selector)
        return self._metal.macos_15

    def recommendedMaxWorkingSetSize(self) -> int:
        return self._metal.working_set_bytes

    def newCommandQueue(self) -> CommandQueue:
        return CommandQueue(self._metal)

    def newResidencySetWithDescriptor_error_(
        self, descriptor: Any, error: None
    ) -> tuple[Any, NSError | None]:
        must(
            self._metal.macos_15 and isinstance(descriptor, SimpleNamespace) and error is None,
            "residency set",
        )
        if self._metal.nothing_stays:
            return None, NSError("odd")
        return self._metal.objc.returned(b"newResidencySetWithDescriptor:error:", ResidencySet()), None

    def newBufferWithLength_options_(self, length: int, options: int) -> Buffer | None:
        must(type(length) is int and length > 0, f"length {length!r}")
        must(options == 256, "not shared, or tracked")
        if length > self._metal.room_bytes:
            return None
        found: Buffer = self._metal.objc.returned(b"newBufferWithLength:options:", Buffer(length))
        return found

    def newLibraryWithSource_options_error_(
        self, source: str, options: CompileOptions, error: None
    ) -> tuple[Any, NSError | None]:
        must(type(source) is str and error is None, "arguments")
        must(isinstance(options, CompileOptions) and options.safe, "fast math")
        if source == metal_probe.TEXT:
            return Library(self._metal, "read_all", None), NSError(
                "program_source:1:1: warning: only a warning", 4
            )
        emitted = self._metal.texts[source]
        refusal = self._metal.refused.get(emitted.kernel.name)
        return (None, refusal) if refusal else (Library(self._metal, emitted.kernel.name, emitted), None)

    def newComputePipelineStateWithFunction_error_(
        self, function: Function, error: None
    ) -> tuple[Pipeline, None]:
        must(isinstance(function, Function) and error is None, "arguments")
        return Pipeline(function.metal, function.emitted), None


@dataclass
class Library:
    """MTLLibrary of one function."""

    metal: FakeMetal
    function: str
    emitted: Emitted | None

    def newFunctionWithName_(self, name: str) -> Function | None:
        known = name == self.function and not self.metal.nameless
        return Function(self.metal, self.emitted) if known else None


@dataclass
class Function:
    """MTLFunction."""

    metal: FakeMetal
    emitted: Emitted | None


@dataclass
class Pipeline:
    """MTLComputePipelineState. Without an emitted kernel it is the probe's."""

    metal: FakeMetal
    emitted: Emitted | None

    def maxTotalThreadsPerThreadgroup(self) -> int:
        return self.metal.most_threads

    def threadExecutionWidth(self) -> int:
        return self.metal.simdgroup

    @property
    def launch(self) -> tuple[int, int]:
        """Threadgroups, and the threads of each."""
        if self.emitted is None:
            return metal_probe.GROUPS, metal_probe.THREADS
        return self.emitted.launch["grid"], self.emitted.launch["block"]

    def run(self, memories: list[np.ndarray[Any, Any]]) -> list[int]:
        """Run it on the bytes of its buffers; the places of those that it writes."""
        if self.emitted is None:
            count = int(memories[1].view(np.int32)[0])
            must(len(memories) == 3 and 0 < 16 * count <= memories[0].nbytes, "the probe leaves its buffer")
            return []
        kernel, sizes = self.emitted.kernel, self.emitted.sizes
        dynamic = any(axis.dynamic for axis in kernel.axes)
        must(len(memories) == len(kernel.arrays) + dynamic, f"{kernel.name}: {len(memories)} buffers")
        capacity = int(memories[-1].view(np.int32)[0]) if dynamic else 1
        arrays: dict[str, Any] = {}
        for array, memory in zip(kernel.arrays, memories, strict=False):
            dtype = element_type(array.element, self.emitted.storage)
            shape = self.emitted.layout(array.name).shape(sizes.shape(array.axes, capacity))
            must(
                memory.nbytes == int(np.prod(shape)) * dtype.itemsize,
                f"{kernel.name}: {array.name}: its size",
            )
            arrays[array.name] = memory.view(dtype).reshape(shape)
        self.metal.call(self.emitted, arrays, capacity)
        for array in kernel.outputs if kernel.name in self.metal.spoiled else ():
            arrays[array.name][...] += 1
        return [kernel.arrays.index(array) for array in kernel.outputs]


class Buffer:
    """MTLBuffer: poisoned when made, and when nobody holds it any more."""

    def __init__(self, length: int) -> None:
        self.bytes = aligned(length)
        self.bytes[...] = POISON
        weakref.finalize(self, self.bytes.fill, FREED)

    def contents(self) -> Any:
        memory = self.bytes

        def as_buffer(count: int) -> memoryview:
            must(type(count) is int and count <= memory.nbytes, "beyond the buffer")
            return memory.data[:count]

        return SimpleNamespace(as_buffer=as_buffer)


def aligned(length: int) -> np.ndarray[Any, Any]:
    """Bytes that begin at a multiple of 64."""
    room = np.empty(length + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + length]


@dataclass
class ResidencySet:
    """MTLResidencySet."""

    pending: list[Buffer] = field(default_factory=list)
    committed: list[Buffer] = field(default_factory=list)
    requested: bool = False

    def addAllocation_(self, buffer: Buffer) -> None:
        must(isinstance(buffer, Buffer), "not a buffer")
        self.pending.append(buffer)

    def commit(self) -> None:
        self.committed += self.pending
        self.pending = []

    def requestResidency(self) -> None:
        self.requested = True

    def endResidency(self) -> None:
        self.requested = False


@dataclass
class CommandQueue:
    """MTLCommandQueue."""

    metal: FakeMetal

    def commandBuffer(self) -> CommandBuffer | None:
        must(self.metal.objc.pools > 0, "no pool lets go of the commands")
        if self.metal.exception:
            raise FakeObjc.error(self.metal.exception)
        return None if self.metal.exhausted else CommandBuffer(self.metal)

    def addResidencySet_(self, kept: ResidencySet) -> None:
        must(
            bool(kept.committed) and not kept.pending, "an empty residency set, or one that was not committed"
        )
        assert self.metal.device
        self.metal.device.resident.append(kept)

    def removeResidencySet_(self, kept: ResidencySet) -> None:
        assert self.metal.device
        self.metal.device.resident.remove(kept)


@dataclass
class Bound:
    """One encoded launch."""

    pipeline: Pipeline
    buffers: list[Buffer]
    barrier: bool


class CommandBuffer:
    """MTLCommandBuffer. It runs when it is committed, and shows what it did when it is waited for."""

    def __init__(self, metal: FakeMetal) -> None:
        self._metal = metal
        self.launches: list[Bound] = []
        self.encoder: ComputeCommandEncoder | None = None
        self.state = "made"
        self._before: dict[Buffer, bytes] = {}
        self._after: dict[Buffer, np.ndarray[Any, Any]] = {}

    def computeCommandEncoderWithDispatchType_(self, kind: int) -> ComputeCommandEncoder:
        must(self.encoder is None and kind == 1, "a second encoder, or a serial one")
        self.encoder = ComputeCommandEncoder(self)
        self._metal.encoding += 1
        return self.encoder

    def commit(self) -> None:
        must(self.state == "made" and self.encoder is not None and self.encoder.ended, "commit")
        must(not self._metal.in_flight, "two in flight over untracked memory")
        self.state, self._metal.in_flight = "committed", True
        self._metal.committed += 1
        held = {buffer: None for launch in self.launches for buffer in launch.buffers}
        self._before = {buffer: buffer.bytes.tobytes() for buffer in held}
        copies = {buffer: aligned(buffer.bytes.nbytes) for buffer in held}
        for buffer, copied in copies.items():
            copied[...] = buffer.bytes
        read, written = set[Buffer](), set[Buffer]()
        for launch in self.launches:
            if launch.barrier:
                read, written = set(), set()
            places = launch.pipeline.run([copies[buffer] for buffer in launch.buffers])
            writes = {launch.buffers[place] for place in places}
            reads = set(launch.buffers) - writes
            must(not (reads & written or writes & (read | written)), "a launch does not wait for another")
            read, written = read | reads, written | writes
            self._after |= {buffer: copies[buffer] for buffer in writes}

    def waitUntilCompleted(self) -> None:
        must(self.state == "committed", "nothing to wait for")
        for buffer, bytes_before in self._before.items():
            must(buffer.bytes.tobytes() == bytes_before, "the host has written while the GPU ran")
        self._metal.in_flight = False
        self.state = "completed" if self._metal.committed <= self._metal.good_commands else "failed"
        for buffer, result in self._after.items() if self.state == "completed" else ():
            buffer.bytes[...] = result
        self.launches, self._before, self._after = [], {}, {}

    def status(self) -> int:
        must(self.state in ("completed", "failed"), "asked too early")
        return 4 if self.state == "completed" else 5

    def error(self) -> NSError | None:
        return self._metal.error if self.state == "failed" else None

    def GPUStartTime(self) -> float:
        must(self.state == "completed", "asked too early")
        return 1000.0

    def GPUEndTime(self) -> float:
        return 1000.0 + self._metal.gpu_s


class ComputeCommandEncoder:
    """MTLComputeCommandEncoder."""

    def __init__(self, commands: CommandBuffer) -> None:
        self._commands = commands
        self.ended = False
        self._barrier = False
        self._pipeline: Pipeline | None = None
        self._buffers: dict[int, Buffer] = {}

    def memoryBarrierWithScope_(self, scope: int) -> None:
        must(scope == 1 and not self.ended, "barrier")
        self._barrier = True

    def setComputePipelineState_(self, pipeline: Pipeline) -> None:
        must(isinstance(pipeline, Pipeline) and not self.ended, "pipeline")
        self._pipeline, self._buffers = pipeline, {}

    def setBuffer_offset_atIndex_(self, buffer: Buffer, offset: int, index: int) -> None:
        must(isinstance(buffer, Buffer) and offset == 0 and 0 <= index < 31 and not self.ended, "buffer")
        self._buffers[index] = buffer

    def dispatchThreadgroups_threadsPerThreadgroup_(self, groups: MTLSize, threads: MTLSize) -> None:
        must(self._pipeline is not None and not self.ended, "dispatch")
        self._commands._metal.dispatched()
        assert self._pipeline
        grid, block = self._pipeline.launch
        must((groups, threads) == (MTLSize(grid, 1, 1), MTLSize(block, 1, 1)), f"{groups} of {threads}")
        must(sorted(self._buffers) == list(range(len(self._buffers))), "a buffer between others is not bound")
        buffers = [self._buffers[place] for place in sorted(self._buffers)]
        self._commands.launches.append(Bound(self._pipeline, buffers, self._barrier))
        self._barrier = False

    def endEncoding(self) -> None:
        must(not self.ended, "ended twice")
        self.ended = True
        self._commands._metal.encoding -= 1
