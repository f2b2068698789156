"""AscendCL, the C interface of CANN's runtime, by ctypes: memory, streams, events and captured graphs.

Every function that is called stands in ``SIGNATURES`` as ``acl/acl_rt.h`` declares it in CANN 8.5; those of capture
are looked for, as older releases lack them. A status that is not 0 becomes a :class:`RunnerError`.
"""

from __future__ import annotations

import atexit
import ctypes
from collections.abc import Callable
from contextlib import suppress
from ctypes import POINTER, c_char_p, c_float, c_int, c_int32, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from runners.device import Numbers, RunnerError
from runners.environment import line
from runners.stacks.ascend.cann import ERRORS, declare, library_path, loaded
from runners.vendor import GONE

_OUT = POINTER(c_void_p)
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "aclInit": (c_char_p,),
    "aclrtGetDeviceCount": (POINTER(c_uint32),),
    "aclrtSetDevice": (c_int32,),
    "aclrtResetDevice": (c_int32,),
    "aclFinalize": (),
    "aclrtGetMemInfo": (c_int, POINTER(c_size_t), POINTER(c_size_t)),
    "aclrtMalloc": (_OUT, c_size_t, c_int),
    "aclrtFree": (c_void_p,),
    "aclrtMallocHost": (_OUT, c_size_t),
    "aclrtFreeHost": (c_void_p,),
    "aclrtMemcpy": (c_void_p, c_size_t, c_void_p, c_size_t, c_int),
    "aclrtMemcpyAsync": (c_void_p, c_size_t, c_void_p, c_size_t, c_int, c_void_p),
    "aclrtCreateStream": (_OUT,),
    "aclrtDestroyStream": (c_void_p,),
    "aclrtSynchronizeStreamWithTimeout": (c_void_p, c_int32),
    "aclrtCreateEvent": (_OUT,),
    "aclrtDestroyEvent": (c_void_p,),
    "aclrtRecordEvent": (c_void_p, c_void_p),
    "aclrtGetLastError": (c_int,),
    "aclrtEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
}
CAPTURE: dict[str, tuple[Any, ...]] = {
    "aclmdlRICaptureBegin": (c_void_p, c_int),
    "aclmdlRICaptureEnd": (c_void_p, _OUT),
    "aclmdlRIExecuteAsync": (c_void_p, c_void_p),
    "aclmdlRIDestroy": (c_void_p,),
}
TIMEOUT_MS = 60_000
"""No step takes so long: what does, hangs."""

TO_DEVICE, TO_HOST, WITHIN_DEVICE = 1, 2, 3  # aclrtMemcpyKind
_HUGE_FIRST = 0  # ACL_MEM_MALLOC_HUGE_FIRST
_HBM = 1  # ACL_HBM_MEM
_OF_THREAD = 0  # ACL_RT_THREAD_LEVEL
_CAPTURE_GLOBAL = 0  # ACL_MODEL_RI_CAPTURE_MODE_GLOBAL
_REPEATED = 100002  # ACL_ERROR_REPEAT_INITIALIZE: somebody in this process was first, which is no fault


@dataclass(frozen=True, slots=True)
class Placed:
    """An array in the device's memory."""

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


class Acl:
    """The runtime, on the first device that this process may use."""

    def __init__(self) -> None:
        self._library = loaded(library_path())
        self._library.aclGetRecentErrMsg.restype = c_char_p
        self._library.aclrtGetSocName.restype = c_char_p
        for name, types in SIGNATURES.items():
            declare(self._library, name, types)
        self.captures = all(hasattr(self._library, name) for name in CAPTURE)
        for name, types in CAPTURE.items() if self.captures else ():
            declare(self._library, name, types)
        if (status := self._library.aclInit(None)) not in (0, _REPEATED):
            self.refuse("aclInit", status)
        if self.device_count() == 0:
            self.refuse("aclrtGetDeviceCount", 207004)
        self.call("aclrtSetDevice", 0)
        atexit.register(self._finish)

    def _finish(self) -> None:
        """As CANN asks for before a process ends; nobody is left to tell of an error."""
        self._library.aclrtResetDevice(0)
        self._library.aclFinalize()

    # --- what the machine is ----------------------------------------------------------------------

    def device_count(self) -> int:
        """The devices that this process may use."""
        count = c_uint32()
        self.call("aclrtGetDeviceCount", ctypes.byref(count))
        return count.value

    def soc_name(self) -> str:
        """What the chip calls itself, such as ``Ascend910B2``."""
        return (self._library.aclrtGetSocName() or b"").decode("utf-8", "replace")

    def free_bytes(self) -> int:
        """What the device's memory has left."""
        free, total = c_size_t(), c_size_t()
        self.call("aclrtGetMemInfo", _HBM, ctypes.byref(free), ctypes.byref(total))
        return free.value

    # --- memory -----------------------------------------------------------------------------------

    def place(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Placed:
        """Room for an array."""
        empty = Placed(0, shape, dtype)
        return replace(empty, address=self.allocate(empty.nbytes))

    def fetch(self, place: Placed) -> Numbers:
        """A copy of an array."""
        numbers = np.empty(place.shape, place.dtype)
        self.download(place.address, numbers)
        return numbers

    def allocate(self, size_bytes: int) -> int:
        """The address of new memory of the device, which nobody has cleared."""
        return self._made("aclrtMalloc", size_bytes, _HUGE_FIRST)

    def free(self, address: int) -> None:
        self.call("aclrtFree", address)

    def host_memory(self, count: int) -> tuple[int, Numbers]:
        """``count`` i32 of the host that the device copies to and from by itself: their address, and they."""
        address = self._made("aclrtMallocHost", count * 4)
        return address, np.ctypeslib.as_array((c_int32 * count).from_address(address))

    def free_host(self, address: int) -> None:
        self.call("aclrtFreeHost", address)

    def upload(self, address: int, numbers: Numbers) -> None:
        """Host to device; returns when it is done."""
        assert numbers.flags.c_contiguous
        size = numbers.nbytes
        self.call("aclrtMemcpy", address, size, numbers.ctypes.data, size, TO_DEVICE)

    def download(self, address: int, numbers: Numbers) -> None:
        """Device to host, into ``numbers``."""
        assert numbers.flags.c_contiguous
        size = numbers.nbytes
        self.call("aclrtMemcpy", numbers.ctypes.data, size, address, size, TO_HOST)

    def copy_later(self, kind: int, to: int, source: int, size: int, stream: int) -> None:
        """Copy when the stream comes to it; what is the host's must be :meth:`host_memory`."""
        self.call("aclrtMemcpyAsync", to, size, source, size, kind, stream)

    # --- streams, events, graphs ------------------------------------------------------------------

    def stream(self) -> int:
        """A stream: what is given to it runs in order, some time before :meth:`synchronize` returns."""
        return self._made("aclrtCreateStream")

    def close_stream(self, stream: int) -> None:
        self.call("aclrtDestroyStream", stream)

    def synchronize(self, stream: int) -> None:
        """Wait for all that the stream was given."""
        self.call("aclrtSynchronizeStreamWithTimeout", stream, TIMEOUT_MS)

    def launch(self, what: str, call: Callable[[], None]) -> None:
        """Make a call, and tell of what CANN refuses of it: its ``<<<>>>`` gives no status, but leaves one behind."""
        self._library.aclrtGetLastError(_OF_THREAD)  # of something that was told long ago
        call()
        if status := self._library.aclrtGetLastError(_OF_THREAD):
            self.refuse(what, status)

    def event(self) -> int:
        return self._made("aclrtCreateEvent")

    def record(self, event: int, stream: int) -> None:
        """The event takes the time when the stream comes to it."""
        self.call("aclrtRecordEvent", event, stream)

    def elapsed_ns(self, first: int, last: int) -> int:
        """The time between two recorded events of a stream that has been synchronised."""
        ms = c_float()
        self.call("aclrtEventElapsedTime", ctypes.byref(ms), first, last)
        return round(ms.value * 1e6)

    def close_event(self, event: int) -> None:
        self.call("aclrtDestroyEvent", event)

    def can_capture(self) -> bool:
        """Try it on a copy of four bytes; what fails leaves its stream unfit, so the trial has its own."""
        if not self.captures:
            return False
        stream, source, target = self.stream(), self.allocate(4), self.allocate(4)
        found = np.zeros((), np.int32)
        with suppress(RunnerError):
            self.upload(source, np.array(7, np.int32))
            graph = self.captured(stream, lambda: self.copy_later(WITHIN_DEVICE, target, source, 4, stream))
            self.replay(graph, stream)
            self.synchronize(stream)
            self.download(target, found)
            self.close_graph(graph)
        self.free(source)
        self.free(target)
        self.close_stream(stream)
        return int(found) == 7

    def captured(self, stream: int, enqueue: Callable[[], None]) -> int:
        """The graph of all that ``enqueue`` gives to the stream, none of which runs now."""
        self.call("aclmdlRICaptureBegin", stream, _CAPTURE_GLOBAL)
        enqueue()
        return self._made("aclmdlRICaptureEnd", stream, last=True)

    def replay(self, graph: int, stream: int) -> None:
        self.call("aclmdlRIExecuteAsync", graph, stream)

    def close_graph(self, graph: int) -> None:
        self.call("aclmdlRIDestroy", graph)

    # --- calls ------------------------------------------------------------------------------------

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function, and refuse a status that is not 0."""
        if status := getattr(self._library, function)(*arguments):
            self.refuse(function, status)

    def _made(self, function: str, *arguments: Any, last: bool = False) -> int:
        """What a function gives through a pointer, its first argument or its ``last``."""
        found = c_void_p()
        out = ctypes.byref(found)
        self.call(function, *((*arguments, out) if last else (out, *arguments)))
        return found.value or 0

    def refuse(self, function: str, status: int) -> None:
        """Raise what a status means, with the first of CANN's own lines that says more than that it is inner."""
        said = (self._library.aclGetRecentErrMsg() or b"").decode("utf-8", "replace").splitlines()
        told = [words for words in map(str.strip, said) if words and not words.endswith("Inner Error!")]
        words = line(told[0]) if told else "no message"
        meaning, remedy = ERRORS.get(status, ("failed", GONE))
        raise RunnerError(f"{function}: {meaning} (got {status}: '{words}'); {remedy}")
