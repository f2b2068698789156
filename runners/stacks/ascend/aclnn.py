"""CANN's own operators (aclnn), for kernels that are to run by the vendor's library.

Each is called in its two phases: the first says how much workspace it needs and gives an executor, the second puts it
on the stream. Signatures and types are those of the operators' documentation for A2 and A3. Where an operator wants
one type for all, an ``aclnnCast`` before it widens a weight or narrows the activations, which is a part of the call:
so a matrix times a vector with 16-bit storage rounds both its input and its output to 16 bits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from ctypes import POINTER, c_bool, c_double, c_int, c_int8, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import ml_dtypes
import numpy as np

from runners.device import RunnerError
from runners.kernels.emit import Emitted
from runners.stacks.ascend.acl import Acl, Placed
from runners.stacks.ascend.cann import OPERATORS_PACKAGE, declare, home, loaded

_TENSOR = c_void_p
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "aclnnRmsNorm": (_TENSOR, _TENSOR, c_double, _TENSOR, _TENSOR),
    "aclnnAddRmsNorm": (_TENSOR, _TENSOR, _TENSOR, c_double, _TENSOR, _TENSOR, _TENSOR),
    "aclnnArgMax": (_TENSOR, c_int64, c_bool, _TENSOR),
    "aclnnMv": (_TENSOR, _TENSOR, _TENSOR, c_int8),
    "aclnnAdd": (_TENSOR, _TENSOR, c_void_p, _TENSOR),
    "aclnnCast": (_TENSOR, c_int, _TENSOR),
}
"""What the first phase takes before it gives the workspace's size and the executor."""
_MAKERS: dict[str, tuple[Any, ...]] = {
    "aclCreateTensor": (
        POINTER(c_int64), c_uint64, c_int, POINTER(c_int64), c_int64, c_int, POINTER(c_int64), c_uint64, c_void_p,
    ),
    "aclCreateScalar": (c_void_p, c_int),
}  # fmt: skip
_LIBRARIES = ("libopapi_nn.so", "libopapi_math.so", "libopapi.so")  # before CANN 8.5 all are in the last
_ND = 2  # ACL_FORMAT_ND
_KEEP_TYPE = 0  # KEEP_DTYPE: a cube computes in the type that it is given
_CODES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1, np.dtype(np.int32): 3,
          np.dtype(ml_dtypes.bfloat16): 27}  # fmt: skip
_F32: np.dtype[Any] = np.dtype(np.float32)

OPERATORS: dict[str, str] = {
    "rms_norm": "aclnnRmsNorm",
    "residual_add_rms_norm": "aclnnAddRmsNorm",
    "q_proj_matvec": "aclnnMv and aclnnAdd",
    "kv_proj_matvec": "aclnnMv and aclnnAdd",
    "o_proj_matvec": "aclnnMv",
    "down_proj_residual": "aclnnMv and aclnnAdd",
    "lm_head_matvec": "aclnnMv",
    "argmax_greedy": "aclnnArgMax",
}
"""The kernels that operators compute, and which ones do."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array as an operator takes it."""

    handle: int
    placed: Placed


class Operators:
    """The operators' libraries, on one stream. What they need beside the arrays is theirs until :meth:`close`."""

    def __init__(self, acl: Acl, stream: int) -> None:
        self.acl, self.stream = acl, stream
        folder = home() / "lib64"
        self.base = loaded(folder / "libnnopbase.so")
        for name, types in _MAKERS.items():
            function = getattr(self.base, name)
            function.argtypes, function.restype = types, c_void_p
        declare(self.base, "aclDestroyTensor", (c_void_p,))
        declare(self.base, "aclDestroyScalar", (c_void_p,))
        self.libraries = [loaded(folder / name) for name in _LIBRARIES if (folder / name).is_file()]
        self.memory: list[int] = []
        self.tensors: list[int] = []
        one = ctypes.c_float(1.0)
        self.one = self.base.aclCreateScalar(ctypes.byref(one), _CODES[_F32])

    def bound(self, emitted: Emitted, placed: Mapping[str, Placed]) -> Callable[[], None]:
        """What puts the kernel's operators on the stream; ``placed`` are its arrays by name."""
        arrays = {name: self.tensor(found) for name, found in placed.items()}
        calls = _Recipe(self, emitted, arrays).calls

        def launch() -> None:
            for call in calls:
                call()

        return launch

    def tensor(self, placed: Placed) -> Tensor:
        count = len(placed.shape)
        shape = (c_int64 * count)(*placed.shape)
        strides = (c_int64 * count)(*(prod(placed.shape[place + 1 :]) for place in range(count)))
        handle = self.base.aclCreateTensor(
            shape, count, _CODES[placed.dtype], strides, 0, _ND, shape, count, placed.address
        )
        if not handle:
            raise RunnerError("aclCreateTensor: makes no tensor (got nothing); see that CANN is 8.5 or newer")
        self.tensors.append(handle)
        return Tensor(handle, placed)

    def scratch(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Memory between two operators."""
        placed = Placed(self.allocate(prod(shape) * dtype.itemsize), shape, dtype)
        return self.tensor(placed)

    def allocate(self, size: int) -> int:
        self.memory.append(self.acl.allocate(size))
        return self.memory[-1]

    def operation(self, name: str, *arguments: Any) -> Callable[[], None]:
        """One operator on its arguments. Its workspace is allocated at the first call, which no graph may hold."""
        library = next((one for one in self.libraries if hasattr(one, name)), None)
        if library is None:
            raise RunnerError(f"CANN: has no operator {name} (looked in lib64); {OPERATORS_PACKAGE}")
        declare(library, f"{name}GetWorkspaceSize",
                (*SIGNATURES[name], POINTER(c_uint64), POINTER(c_void_p)))  # fmt: skip
        declare(library, name, (c_void_p, c_uint64, c_void_p, c_void_p))
        handles = [one.handle if isinstance(one, Tensor) else one for one in arguments]
        workspace = [0, 0]
        return partial(self._run, library, name, handles, workspace)

    def _run(self, library: ctypes.CDLL, name: str, arguments: list[Any], workspace: list[int]) -> None:
        """``workspace`` is the address and the size of what the operator has, and is kept from call to call."""
        size, executor = c_uint64(), c_void_p()
        first = getattr(library, f"{name}GetWorkspaceSize")
        if status := first(*arguments, ctypes.byref(size), ctypes.byref(executor)):
            self.acl.refuse(f"{name}GetWorkspaceSize", status)
        if size.value > workspace[1]:
            workspace[:] = self.allocate(size.value), size.value
        if status := getattr(library, name)(workspace[0] or None, size, executor, self.stream):
            self.acl.refuse(name, status)

    def close(self) -> None:
        """Give back all that was made."""
        for handle in self.tensors:
            self.base.aclDestroyTensor(handle)
        self.base.aclDestroyScalar(self.one)
        for address in self.memory:
            self.acl.free(address)


class _Recipe:
    """One kernel as operators in order."""

    def __init__(self, operators: Operators, emitted: Emitted, arrays: Mapping[str, Tensor]) -> None:
        self.operators, self.arrays = operators, arrays
        self.calls: list[Callable[[], None]] = []
        self.epsilon = emitted.sizes.settings.get("rms_norm_eps", 0.0)
        name = emitted.kernel.name
        assert name in OPERATORS, name
        if name == "argmax_greedy":
            self.add("aclnnArgMax", arrays["logits"], 0, False, arrays["token"])
        elif OPERATORS[name].startswith("aclnnMv"):
            self.matvec(arrays[emitted.kernel.outputs[0].name])
        else:
            self.norm(fused=name == "residual_add_rms_norm")

    def add(self, name: str, *arguments: Any) -> None:
        self.calls.append(self.operators.operation(name, *arguments))

    def cast(self, x: Tensor, dtype: np.dtype[Any], out: Tensor | None = None) -> Tensor:
        """``x`` in another type, or as it is where it has that type."""
        if x.placed.dtype == dtype and out is None:
            return x
        out = out or self.operators.scratch(x.placed.shape, dtype)
        self.add("aclnnCast", x, _CODES[dtype], out)
        return out

    def norm(self, fused: bool) -> None:
        a, shape = self.arrays, self.arrays["x"].placed.shape
        weight = self.cast(a["weight"], _F32)
        root = self.operators.scratch((shape[0], 1), _F32)
        if fused:
            self.add("aclnnAddRmsNorm", a["x"], a["residual"], weight, self.epsilon, a["y"], root, a["sum"])
        else:
            self.add("aclnnRmsNorm", a["x"], weight, self.epsilon, a["y"], root)

    def matvec(self, out: Tensor) -> None:
        """Weight times x in the weight's type, and what is added to it in f32."""
        weight = self.arrays["weight"]
        stored, shape = weight.placed.dtype, out.placed.shape
        added = self.arrays.get("bias") or self.arrays.get("residual")
        x = self.cast(self.arrays["x"], stored)
        direct = stored == _F32 and added is None
        product = out if direct else self.operators.scratch(shape, stored)
        self.add("aclnnMv", weight, x, product, _KEEP_TYPE)
        if added is not None:
            wide = self.cast(product, _F32)
            self.add("aclnnAdd", wide, self.cast(added, _F32), self.operators.one, out)
        elif not direct:
            self.cast(product, _F32, out)
