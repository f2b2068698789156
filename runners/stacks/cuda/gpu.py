"""One GPU through cuda.core: texts to kernels, one allocation and copies, launches recorded as graphs.

All work goes to one stream. Nothing here knows of a decode step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from runners.device import KernelError, Numbers, RunnerError
from runners.vendor import GONE, MEMORY, complaint, told

OVERLAPPING = (9, 0)  # the compute capability from which on a launch may begin before its turn
_PCI_BUS_ID_BYTES = 16
_DAEMONS = "start what joins this machine's GPUs (systemctl start nvidia-fabricmanager), and wait for it"
_AGAIN = "start again: after this error the driver refuses all further work of the process"
REMEDIES = {
    "OUT_OF_MEMORY": MEMORY,
    "NO_DEVICE": "see whether nvidia-smi lists a GPU, and whether CUDA_VISIBLE_DEVICES hides it",
    "ILLEGAL_ADDRESS": f"a kernel left its arrays, which is a defect of ours to report; {_AGAIN}",
    "MISALIGNED": f"a kernel left its arrays, which is a defect of ours to report; {_AGAIN}",
    "NO_BINARY_FOR_GPU": "install the NVRTC of this GPU's time: pip install --upgrade nvidia-cuda-nvrtc",
    "DEVICE_UNAVAILABLE": "another process has the GPU for itself; nvidia-smi says which",
    "ECC": "the GPU's memory is damaged (nvidia-smi -q -d ECC); reset it or take another one by --gpu",
    "LAUNCH_TIMEOUT": "the GPU serves a display that stops long kernels; take another one by --gpu",
    "SYSTEM_NOT_READY": _DAEMONS,
    "FABRIC_NOT_READY": _DAEMONS,
    "MISMATCH": "the driver was renewed under way; restart the machine",
    "LAUNCH_FAILED": f"see the system's log for NVRM: Xid; {_AGAIN}",
    "UNKNOWN": "see the system's log for NVRM: Xid, as when a GPU has fallen off the bus; restart the machine",
}


class _Told(Exception):
    """The name of a driver's error, and the first sentence on it."""


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """What the driver or cuda.core raises becomes a RunnerError of one line with its remedy."""
    failed = import_module("cuda.core._utils.cuda_utils").CUDAError
    with told(f"cuda: {doing}", (_Told, RuntimeError), REMEDIES, GONE):
        try:
            yield
        except failed as error:
            raise _Told(str(error).partition(". ")[0]) from error


def _given(result: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a function of the driver gives beside its status."""
    status, *given = result
    if int(status):
        raise _Told(status.name)
    return tuple(given)


@dataclass(frozen=True, slots=True)
class Call:
    """A launch: the kernel, blocks, threads of a block, and what it is given: addresses, then numbers."""

    kernel: Any
    grid: int
    block: int
    arguments: tuple[Any, ...]


class Gpu:
    """The GPU of a number, counted as CUDA_VISIBLE_DEVICES leaves them."""

    def __init__(self, number: int) -> None:
        self.core = import_module("cuda.core")
        with asking("opening the GPU"):
            try:
                self.device = self.core.Device(number)
            except ValueError as error:
                raise RunnerError(f"--gpu: there is none of that number (got {number}); {error}") from None
            self.device.set_current()
            self.stream = self.device.create_stream()
        self.capability = tuple(self.device.compute_capability)
        self._driver = import_module("cuda.bindings.driver")
        self._closing: list[Callable[[], Any]] = []

    def compiled(self, name: str, text: str, kernels: Sequence[str]) -> list[Any]:
        """The kernels of a text; KernelError where NVRTC refuses it, or the driver what NVRTC made of it."""
        code = machine_code(name, text, str(self.device.arch))
        try:
            with asking(f"loading {name}"):
                return [code.get_kernel(kernel) for kernel in kernels]
        except RunnerError as error:
            raise KernelError(name, str(error).removeprefix("cuda: ")) from None

    @property
    def multiprocessors(self) -> int:
        """How many the GPU has."""
        return int(self.device.properties.multiprocessor_count)

    @property
    def pci_bus_id(self) -> str:
        """Where the GPU is, by the driver itself: cuda.core asks a CUDA runtime, which may be newer than it."""
        with asking("opening the GPU"):
            (device,) = _given(self._driver.cuDeviceGet(self.device.device_id))
            (told,) = _given(self._driver.cuDeviceGetPCIBusId(_PCI_BUS_ID_BYTES, device))
        return str(told.partition(b"\0")[0].decode())

    # --- memory -----------------------------------------------------------------------------------

    def free_bytes(self) -> int:
        """What allocations may take at this moment."""
        free, _ = _given(self._driver.cuMemGetInfo())
        return int(free)

    def allocated(self, size_bytes: int) -> int:
        """The address of so much of the GPU's memory: of no pool, which would keep it from others when freed."""
        (pointer,) = _given(self._driver.cuMemAlloc(size_bytes))
        address = int(pointer)
        self._closing.append(lambda: self._driver.cuMemFree(address))
        return address

    def pinned_number(self) -> tuple[int, Numbers]:
        """The address of an int32 of the host's memory that a kernel can write, and the array [1] over it.

        By the driver, as all memory: what cuda.core cannot free after an error it adds to what the person reads.
        """
        (pointer,) = _given(self._driver.cuMemAllocHost(4))
        address = int(pointer)
        self._closing.append(lambda: self._driver.cuMemFreeHost(address))
        return address, np.ctypeslib.as_array((ctypes.c_int32 * 1).from_address(address))

    def free(self) -> None:
        """Let go of all memory and graphs. After an error of the driver nothing is left to free."""
        while self._closing:
            with suppress(Exception):
                self._closing.pop()()

    def send(self, array: Numbers, address: int) -> None:
        """Host to GPU; the array may be given away afterwards."""
        self._view(address, array.nbytes).copy_from(self._of_host(array), stream=self.stream)
        self.stream.sync()

    def fetch(self, address: int, array: Numbers) -> None:
        """GPU to host, into ``array``."""
        self._view(address, array.nbytes).copy_to(self._of_host(array), stream=self.stream)
        self.stream.sync()

    def _view(self, address: int, size_bytes: int) -> Any:
        return self.core.Buffer.from_handle(address, size_bytes)

    def _of_host(self, array: Numbers) -> Any:
        assert array.flags.c_contiguous, "what is copied lies together"
        return self.core.Buffer.from_handle(array.ctypes.data, array.nbytes, owner=array)

    # --- launches ---------------------------------------------------------------------------------

    def launch(self, call: Call) -> None:
        """One launch, to the end."""
        config = self.core.LaunchConfig(grid=call.grid, block=call.block)
        self.core.launch(self.stream, config, call.kernel, *call.arguments)
        self.stream.sync()

    def recorded(self, calls: Sequence[Call], overlap: bool) -> Any:
        """A graph of the calls in order. ``overlap``: each but the first may begin before its turn, and waits."""
        builder = self.device.create_graph_builder().begin_building()
        for place, call in enumerate(calls):
            early = overlap and place > 0
            config = self.core.LaunchConfig(
                grid=call.grid, block=call.block, programmatic_stream_serialization=early
            )
            self.core.launch(builder, config, call.kernel, *call.arguments)
        graph = builder.end_building().complete()
        self._closing.append(graph.close)
        builder.close()
        return graph

    def timed(self, calls: Sequence[Call], untimed: Sequence[Call] = ()) -> Timed:
        """A graph of the calls in order with an event between any two, then those that are not timed."""
        options = self.core.EventOptions(timing_enabled=True)
        events = [self.device.create_event(options) for _ in range(len(calls) + 1)]
        definition = self.core.graph.GraphDefinition()
        node = definition.record(events[0])
        for call, event in zip(calls, events[1:], strict=True):
            node = self._after(node, call).record(event)
        for call in untimed:
            node = self._after(node, call)
        graph = definition.instantiate()
        self._closing.append(graph.close)
        return Timed(graph, events)

    def _after(self, node: Any, call: Call) -> Any:
        config = self.core.LaunchConfig(grid=call.grid, block=call.block)
        return node.launch(config, call.kernel, *call.arguments)

    def run(self, graph: Any) -> None:
        """The whole graph, to the end."""
        graph.launch(self.stream)
        self.stream.sync()

    def run_timed(self, timed: Timed) -> list[int]:
        """The ns of each timed call: from the event before to the one after, on the GPU's own clock."""
        self.run(timed.graph)
        return [round((after - before) * 1e6) for before, after in pairwise(timed.events)]


@dataclass(frozen=True, slots=True)
class Timed:
    """A graph, and the events around each of its timed calls."""

    graph: Any
    events: list[Any]


def machine_code(name: str, text: str, architecture: str) -> Any:
    """A text compiled for a compute capability, such as 90. Needs NVRTC alone, and neither driver nor GPU."""
    core, utilities = import_module("cuda.core"), import_module("cuda.core._utils.cuda_utils")
    options = core.ProgramOptions(arch=f"sm_{architecture}", std="c++17", name=name)
    try:
        return core.Program(text, "c++", options).compile("cubin")
    except utilities.NVRTCError as error:
        remedy = "report it, or see whether a newer NVRTC takes it: pip install --upgrade nvidia-cuda-nvrtc"
        said, _, log = str(error).partition("compilation log:")
        found = complaint(log or said, type(error).__name__)
        raise KernelError(name, f"NVRTC refuses it (got '{found}'); {remedy}") from None
