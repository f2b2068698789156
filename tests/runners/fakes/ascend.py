"""A machine with an Ascend NPU, made of a folder: CANN's libraries and compilers, and simulators that run kernels."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_int32, c_int64, c_uint32, c_uint64
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from runners.device import element_type
from runners.kernels.emit import Emitted
from tests.runners.kernels.executors import Call
from tests.simulators.simt import compiler

HERE = Path(__file__).parent
LIBRARIES = ("libascendcl.so", "libnnopbase.so", "libopapi_nn.so", "libopapi_math.so")
INSTALLED = "package_name=Ascend-cann-toolkit\nversion=8.5.0\n"
TYPES: dict[int, Any] = {0: np.float32, 1: np.float16, 3: np.int32, 27: ml_dtypes.bfloat16}
KERNEL_FAILED = 507015


class Tensor(Structure):
    """A tensor as the fake hands it over: rank -1 is a scalar."""

    _fields_ = (("rank", c_int64), ("dims", c_int64 * 8), ("type", c_int), ("address", c_uint64))


RUN_KERNEL = ctypes.CFUNCTYPE(c_int, c_char_p, c_uint32, c_int, POINTER(c_uint64), POINTER(c_uint64), c_int32)
RUN_OPERATOR = ctypes.CFUNCTYPE(c_int, c_char_p, c_int, POINTER(Tensor), c_double)


def installed(folder: Path) -> Path:
    """CANN's folder: one library under the names of all, and the compilers as programs."""
    home = folder / "cann"
    for part in ("lib64", "bin", f"{platform.machine()}-linux"):
        (home / part).mkdir(parents=True)
    first, *others = (home / "lib64" / name for name in LIBRARIES)
    source = HERE / "ascend_runtime.cpp"
    flags = ("-std=c++20", "-O0", "-fPIC", "-shared", "-Wall", "-Wextra")
    subprocess.run([compiler(), *flags, str(source), "-o", str(first)], check=True)
    for other in others:
        other.symlink_to(first)
    for name in ("bisheng", "ptoas"):
        program = home / "bin" / name
        code = (HERE / f"ascend_{name}.py").read_text("utf-8")
        program.write_text(f"#!{sys.executable} -IS\n{code}", "utf-8")
        program.chmod(0o755)
    (home / f"{platform.machine()}-linux" / "ascend_toolkit_install.info").write_text(INSTALLED, "utf-8")
    return home


class Machine:
    """What a test sets and asks of the fake. A text runs only once :meth:`knows` has seen it."""

    def __init__(self, home: Path, executors: dict[str, Call]) -> None:
        self.home, self.executors = home, executors
        self.library = ctypes.CDLL(str(home / "lib64" / LIBRARIES[0]))
        self.library.fake_faults.restype = c_char_p
        self.library.fake_left.restype = c_uint64
        self.texts: dict[str, Emitted] = {}
        self.ran: list[str] = []
        self.raised: list[BaseException] = []
        self.spoil: Callable[[str, list[Any]], None] = lambda _kernel, _arrays: None
        self.slow: dict[str, float] = {}
        self._kept = RUN_KERNEL(self._told(self.run_kernel)), RUN_OPERATOR(self._told(self.run_operator))
        self.library.fake_set(*self._kept)

    def knows(self, emitted: Emitted) -> Emitted:
        self.texts[emitted.sha256] = emitted
        return emitted

    def fail(self, function: str, status: int, after: int = 0) -> None:
        """The call of ``function`` after so many others fails."""
        self.library.fake_fail(function.encode(), status, after)

    def vanish(self, status: int) -> None:
        """From now on, nothing succeeds."""
        self.library.fake_fail(b"", status, 0)

    @property
    def faults(self) -> str:
        """What CANN leaves undefined and was done all the same; and what a simulator found."""
        found: bytes = self.library.fake_faults()
        return found.decode() + "".join(map(str, self.raised))

    @property
    def left(self) -> int:
        """What was made and not given back."""
        found: int = self.library.fake_left()
        return found

    def _told(self, run: Callable[..., None]) -> Callable[..., int]:
        """A function of C's: what it raises is an exception in a core, and kept."""

        def told(*arguments: Any) -> int:
            try:
                run(*arguments)
            except Exception as error:
                self.raised.append(error)
                return KERNEL_FAILED
            return 0

        return told

    def run_kernel(
        self, text: bytes, blocks: int, count: int, addresses: Any, rooms: Any, capacity: int
    ) -> None:
        emitted = self.texts[text.decode()]
        kernel, dynamic = emitted.kernel, any(axis.dynamic for axis in emitted.kernel.axes)
        assert blocks == emitted.launch["blocks"], f"{kernel.name}: {blocks} blocks"
        assert count == len(kernel.arrays), kernel.name
        assert (capacity == -1) == (not dynamic), f"{kernel.name}: capacity {capacity}"
        arrays = {}
        for array, address, room in zip(kernel.arrays, addresses[:count], rooms[:count], strict=True):
            shape = emitted.sizes.shape(array.axes, capacity)
            dtype = element_type(array.element, emitted.storage)
            size = int(np.prod(shape)) * dtype.itemsize
            assert size == room, f"{kernel.name}: {array.name} has {room} bytes, needs {size}"
            arrays[array.name] = _memory(address, shape, dtype)
        self.ran.append(kernel.name)
        time.sleep(self.slow.get(kernel.name, 0.0))
        self.executors[emitted.target](emitted, arrays, capacity)
        self.spoil(kernel.name, [arrays[array.name] for array in kernel.outputs])

    def run_operator(self, name: bytes, count: int, tensors: Any, number: float) -> None:
        """As the operator's documentation has it for A2, with its types."""
        self.ran.append(name.decode())
        arrays = [_array(one) for one in tensors[:count]]
        kinds = [None if one is None else one.dtype for one in arrays]
        match name.decode(), arrays:
            case "aclnnRmsNorm", [x, gamma, y, root]:
                _norm(x, gamma, y, root, number)
            case "aclnnAddRmsNorm", [x1, x2, gamma, y, root, total]:
                assert len({*kinds[:4], kinds[5]}) == 1, kinds
                total[...] = x1 + x2
                _norm(total, gamma, y, root, number)
            case "aclnnArgMax", [x, out]:
                assert (number, kinds[1], out.shape) == (0, np.int32, ()), "dim 0, not kept, to i32"
                out[...] = x.argmax()
            case "aclnnMv", [matrix, vector, out]:
                assert len(set(kinds)) == 1, kinds
                assert (number, matrix.shape) == (0, (*out.shape, *vector.shape))
                out[...] = matrix.astype(np.float32) @ vector.astype(np.float32)
            case "aclnnAdd", [one, other, None, out]:
                assert kinds[3] == np.result_type(kinds[0], kinds[1]), kinds
                out[...] = one + other
            case "aclnnCast", [x, out]:
                assert kinds[1] == TYPES[int(number)], kinds
                assert x.shape == out.shape
                out[...] = x
            case _:
                raise AssertionError(f"{name!r} takes no {count} tensors")


def _array(tensor: Tensor) -> Any:
    if tensor.rank < 0:
        return None
    shape, dtype = tuple(tensor.dims[: tensor.rank]), np.dtype(TYPES[tensor.type])
    return _memory(tensor.address, shape, dtype)


def _memory(address: int, shape: tuple[int, ...], dtype: Any) -> Any:
    size = int(np.prod(shape)) * dtype.itemsize
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)


def _norm(x: Any, gamma: Any, y: Any, root: Any, epsilon: float) -> None:
    assert x.dtype == gamma.dtype == y.dtype, "one type for all"
    assert (root.dtype, root.shape) == (np.float32, (*x.shape[:-1], 1))
    root[...] = 1 / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + epsilon)
    y[...] = x * root * gamma
