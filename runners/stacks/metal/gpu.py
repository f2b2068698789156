"""What the Metal runner asks of Metal, by PyObjC's names for it: memory, pipelines, commands, and how they end.

A selector's colons are underscores; an ``NSError **`` is passed as None and comes back as the last result.
Objects of calls that do not begin with ``new`` are autoreleased: whoever makes commands does so within
:meth:`Gpu.working`, whose pool lets go of them. Those of the others are the caller's own, which PyObjC takes for
true of a class's methods alone (its issue 690, in every release to 12.2.2): it must be told, or keeps all memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from runners.device import KernelError, Numbers, RunnerError
from runners.vendor import GONE, MEMORY, complaint, told

SIMDGROUP_THREADS = 32
_RESIDENCY_SETS = 16  # a queue takes 32
_OWNED: dict[bytes, dict[int, dict[str, bytes]]] = {  # what memory hangs on, with the types of the arguments
    b"newBufferWithLength:options:": {2: {"type": b"Q"}, 3: {"type": b"Q"}},
    b"newResidencySetWithDescriptor:error:": {2: {"type": b"@"}, 3: {"type": b"^@", "type_modifier": b"o"}},
}
_UNTRUE = "report it: a kernel has left its buffers, or this program has bound wrong ones"
_ERRORS = {  # MTLCommandBufferError's, by their codes
    1: "Internal",
    2: "Timeout",
    3: "PageFault",
    4: "AccessRevoked",
    7: "NotPermitted",
    8: "OutOfMemory",
    9: "InvalidResource",
    10: "Memoryless",
    11: "DeviceRemoved",
    12: "StackOverflow",
}
_REMEDIES = {
    "OutOfMemory": MEMORY,
    "MemoryError": MEMORY,
    "Timeout": "close what else uses the GPU, and start again",
    "AccessRevoked": "another command has made macOS stop this program's; start again",
    "NotPermitted": "run it in the foreground, by a user who may use the GPU",
    "PageFault": _UNTRUE,
    "InvalidResource": _UNTRUE,
    "StackOverflow": _UNTRUE,
}


class CommandsFailed(Exception):
    """Commands ended with an error of Metal's; the message has its name and what Metal says."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A buffer that processor and GPU share, and the same memory as an array: it ends with the buffer."""

    buffer: Any
    array: Numbers


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A launch with all that is bound to it. ``wait``: it begins when those before it have ended."""

    pipeline: Any
    buffers: tuple[Any, ...]
    groups: Any
    threads: Any
    wait: bool


class Gpu:
    """The system's GPU and a queue of commands. RunnerError where there is none that takes our texts."""

    def __init__(self) -> None:
        self.metal: Any = import_module("Metal")
        self._objc: Any = import_module("objc")
        for selector, arguments in _OWNED.items():  # before a method is called: then it is too late
            owned = {"arguments": arguments, "retval": {"type": b"@", "already_retained": True}}
            self._objc.registerMetaDataForSelector(b"NSObject", selector, owned)
        self.device = self.metal.MTLCreateSystemDefaultDevice()
        if self.device is None:
            raise RunnerError(
                "Metal: finds no GPU (got None); in a virtual machine or over ssh there may be none: run it on the Mac"
            )
        # a virtual machine's device says Apple5 whatever is below it; other makers' GPUs have no Apple family
        if not self.device.supportsFamily_(self.metal.MTLGPUFamilyApple5):
            raise RunnerError(
                f"Metal: the GPU is not Apple's own (got {self.name}); use a Mac with Apple silicon"
            )
        self._queue = self.device.newCommandQueue()
        if self._queue is None:
            raise RunnerError(f"Metal: {self.name} gives no command queue (got None); {GONE}")

    @property
    def name(self) -> str:
        """What the system calls the GPU, such as ``Apple M2 Max``."""
        return str(self.device.name())

    @property
    def language(self) -> str:
        """The version of the language that texts are compiled as, which macOS chooses."""
        version = int(self._compile_options().languageVersion())
        return f"{version >> 16}.{version & 0xFFFF}"

    @contextmanager
    def working(self, doing: str) -> Iterator[None]:
        """Whatever makes commands, or waits for them. Errors of Metal's become one line with a remedy."""
        errors = (CommandsFailed, self._objc.error, MemoryError)
        with told(f"Metal: {doing}", errors, _REMEDIES, GONE), self._objc.autorelease_pool():
            yield

    # --- memory -----------------------------------------------------------------------------------

    def memory(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Memory:
        """Shared memory of undefined contents. Nothing tracks who uses it: each step ends before the next."""
        size = math.prod(shape) * dtype.itemsize
        options = self.metal.MTLResourceStorageModeShared | self.metal.MTLResourceHazardTrackingModeUntracked
        buffer = self.device.newBufferWithLength_options_(size, options)
        if buffer is None:
            raise RunnerError(f"memory: Metal refuses a buffer (got None for {size / 1e9:.2f} GB); {MEMORY}")
        array = np.frombuffer(buffer.contents().as_buffer(size), dtype).reshape(shape)
        return Memory(buffer, array)

    def refuse_what_does_not_fit(self, needed_bytes: int) -> None:
        """RunnerError where so much does not fit into what macOS gives to the GPU."""
        given_bytes = int(self.device.recommendedMaxWorkingSetSize())
        if needed_bytes > given_bytes:
            raise RunnerError(
                f"memory: too little for the GPU (got {given_bytes / 1e9:.1f} GB of macOS, the step needs "
                f"{needed_bytes / 1e9:.1f} GB); {MEMORY}"
            )

    def resident(self, memories: Sequence[Memory]) -> list[Any]:
        """Keep ``memories`` where the GPU finds them, so that no command has to; nothing before macOS 15.

        In several sets: what else takes the GPU's memory may cost a whole set its place. What is returned is
        for :meth:`release`.
        """
        if not self.device.respondsToSelector_("newResidencySetWithDescriptor:error:"):
            return []
        descriptor = self.metal.MTLResidencySetDescriptor.alloc().init()
        found = []
        for part in filter(None, (memories[first::_RESIDENCY_SETS] for first in range(_RESIDENCY_SETS))):
            kept, _ = self.device.newResidencySetWithDescriptor_error_(descriptor, None)
            if kept is None:  # it runs without
                break
            for memory in part:
                kept.addAllocation_(memory.buffer)
            kept.commit()
            kept.requestResidency()
            self._queue.addResidencySet_(kept)
            found.append(kept)
        return found

    def release(self, kept: Sequence[Any]) -> None:
        """Let the memories of :meth:`resident` go."""
        for one in kept:
            self._queue.removeResidencySet_(one)
            one.endResidency()

    # --- kernels ----------------------------------------------------------------------------------

    def pipeline(self, name: str, text: str, threads: int) -> Any:
        """The compiled function ``name`` of ``text``; KernelError where it is refused, or runs too few threads."""
        library, error = self.device.newLibraryWithSource_options_error_(text, self._compile_options(), None)
        if library is None:
            raise KernelError(
                name, f"Metal's compiler refuses it (got '{_complaint(error)}'); update macOS, or report it"
            )
        function = library.newFunctionWithName_(name)
        if function is None:
            raise KernelError(name, "its text has no function of its name (got None); report it")
        made, error = self.device.newComputePipelineStateWithFunction_error_(function, None)
        if made is None:
            raise KernelError(name, f"Metal makes no pipeline of it (got '{_complaint(error)}'); report it")
        most, width = int(made.maxTotalThreadsPerThreadgroup()), int(made.threadExecutionWidth())
        if most < threads:
            raise KernelError(
                name, f"this GPU runs too few threads of it together (got {most}, needs {threads}); report it"
            )
        if width != SIMDGROUP_THREADS:
            raise KernelError(
                name,
                f"this GPU's simdgroups do not have {SIMDGROUP_THREADS} threads (got {width}); use another",
            )
        return made

    def _compile_options(self) -> Any:
        """Without fast math, in which no number is infinite: what is masked is minus infinity."""
        options = self.metal.MTLCompileOptions.alloc().init()
        if options.respondsToSelector_("setMathMode:"):
            options.setMathMode_(self.metal.MTLMathModeSafe)
        else:  # before macOS 15
            options.setFastMathEnabled_(False)
        return options

    # --- commands ---------------------------------------------------------------------------------

    def dispatch(
        self, pipeline: Any, memories: Sequence[Memory], groups: int, threads: int, wait: bool
    ) -> Dispatch:
        """A launch of ``groups`` threadgroups of ``threads`` threads, with ``memories`` in the function's order."""
        size = self.metal.MTLSize
        buffers = tuple(memory.buffer for memory in memories)
        return Dispatch(pipeline, buffers, size(groups, 1, 1), size(threads, 1, 1), wait)

    def encoded(self, dispatches: Sequence[Dispatch]) -> Any:
        """The launches as commands that may be committed once. They keep what is bound to them until they end."""
        commands = self._queue.commandBuffer()
        if commands is None:
            raise CommandsFailed("the queue gives no command buffer")
        encoder = commands.computeCommandEncoderWithDispatchType_(self.metal.MTLDispatchTypeConcurrent)
        try:
            for one in dispatches:
                if one.wait:
                    encoder.memoryBarrierWithScope_(self.metal.MTLBarrierScopeBuffers)
                encoder.setComputePipelineState_(one.pipeline)
                for place, buffer in enumerate(one.buffers):
                    encoder.setBuffer_offset_atIndex_(buffer, 0, place)
                encoder.dispatchThreadgroups_threadsPerThreadgroup_(one.groups, one.threads)
        finally:  # of an encoder that is let go of before its end, as by an interrupt, Metal ends the process
            encoder.endEncoding()
        return commands

    def finish(self, commands: Any) -> None:
        """Wait until committed commands have ended; CommandsFailed where they did not end well."""
        commands.waitUntilCompleted()
        if commands.status() != self.metal.MTLCommandBufferStatusCompleted:
            error = commands.error()
            code = "no error" if error is None else _ERRORS.get(error.code(), f"error {error.code()}")
            raise CommandsFailed(f"{code}: {error and error.localizedDescription()}")

    def timed_alone(self, dispatch: Dispatch) -> int:
        """The time in ns from when the GPU began the commands of this one launch until it had ended them."""
        commands = self.encoded([dispatch])
        commands.commit()
        self.finish(commands)
        ns: int = round((commands.GPUEndTime() - commands.GPUStartTime()) * 1e9)
        if ns <= 0:
            raise RunnerError(
                f"Metal: {self.name} does not tell how long a launch took (got {ns} ns); use a Mac, not a virtual one"
            )
        return ns


def _complaint(error: Any) -> str:
    return complaint(str(error and error.localizedDescription()), "nothing said", mark="error:")
