"""cuda.core, and the parts of cuda.bindings that the runner calls, strict: emitted texts run on the SIMT simulator.

What is asked of a stream is done when the stream is synchronised, and no sooner. Memory begins as poison and ends
as poison; what is not within a live allocation, or of another size or type than the kernel says, is a misuse.
Names, parameters and error texts are those of cuda-core 1.2 and cuda-bindings 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted
from tests.runners.fakes.cuda_device import Buffer, Device, Memory, Program, ProgramOptions
from tests.runners.fakes.cuda_streams import (
    CUDAError,
    EventOptions,
    Graph,
    GraphDefinition,
    LaunchConfig,
    Misuse,
    NvmlError,
    NVRTCError,
    must,
)
from tests.runners.kernels.executors import Call

POISON = 0xFF
STICKY = ("ILLEGAL_ADDRESS", "LAUNCH_FAILED", "UNKNOWN", "ECC")


def result(code: int, name: str = "CUDA_ERROR_UNKNOWN") -> Any:
    """A driver's status: a number with a name."""

    class Status(int):
        pass

    found = Status(code)
    found.name = name if code else "CUDA_SUCCESS"  # type: ignore[attr-defined]
    return found


def pci_bus_id(gpu: int) -> bytes:
    """As the driver tells it: each GPU is elsewhere."""
    return b"0000:%02X:00.0" % (gpu + 11)


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
            LaunchConfig=LaunchConfig,
            EventOptions=EventOptions,
            launch=lambda stream, config, kernel, *arguments: stream._launched(config, kernel, arguments),
            graph=SimpleNamespace(GraphDefinition=lambda: GraphDefinition(fake)),
        )
        driver = SimpleNamespace(
            cuMemGetInfo=lambda: (result(0), fake.free_bytes - fake.used_bytes, fake.free_bytes),
            cuMemAlloc=fake.mem_alloc,
            cuMemFree=fake.mem_free,
            cuMemAllocHost=lambda size: fake.mem_alloc(size, "pinned"),
            cuMemFreeHost=lambda address: fake.mem_free(address, "pinned"),
            cuDriverGetVersion=lambda: (result(0), fake.cuda_version),
            cuDeviceGet=lambda number: (result(0), number),
            cuDeviceGetPCIBusId=lambda size, number: (result(0), pci_bus_id(number).ljust(size, b"\0")),
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
            must(handle == self.opened, "another GPU's energy")
            if self.energy_mj < 0:
                raise NvmlError("Not Supported")
            return self.energy_mj + 7 * sum(graph.launches for graph in self.graphs)

        def handle_of(pci: str) -> int:
            (found,) = (gpu for gpu in range(self.gpus) if pci_bus_id(gpu).decode() == pci)
            return found

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

    def made(self, size: int, kind: str) -> Memory:
        must(type(size) is int and size > 0, f"an allocation of {size} bytes")
        whole = np.full(size + 256, POISON, np.uint8)
        first = -whole.ctypes.data % 256
        found = Memory(whole[first : first + size], kind)
        self.memory.append(found)
        return found

    def mem_alloc(self, size: int, kind: str = "device") -> tuple[Any, ...]:
        """cuMemAlloc or cuMemAllocHost, which give a status and do not raise."""
        try:
            self.asked("allocate")
        except CUDAError as error:
            return result(2, str(error).partition(":")[0]), None
        return result(0), self.made(size, kind).address

    def mem_free(self, address: int, kind: str = "device") -> tuple[Any]:
        (found,) = (one for one in self.memory if one.alive and (one.address, one.kind) == (address, kind))
        found.free()
        return (result(0),)

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
