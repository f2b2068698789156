"""Arrays in one allocation of a GPU's memory, by their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.device import Numbers, RunnerError
from runners.kernels.emit.layout import Layout
from runners.stacks.cuda.gpu import Gpu
from runners.vendor import MEMORY

_ALIGNED_BYTES = 256


@dataclass(frozen=True, slots=True)
class Form:
    """How an array lies in memory, and its logical shape and type."""

    layout: Layout
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """In memory, filled up to where the next array may begin."""
        size = math.prod(self.layout.shape(self.shape)) * self.dtype.itemsize
        return -(-size // _ALIGNED_BYTES) * _ALIGNED_BYTES


class Arena:
    """Memory for arrays of these forms. RunnerError where the GPU has too little of it left."""

    def __init__(self, gpu: Gpu, forms: Mapping[str, Form]) -> None:
        self._gpu, self.forms = gpu, forms
        self.size_bytes = sum(form.size_bytes for form in forms.values())
        free = gpu.free_bytes()
        if self.size_bytes > free:
            raise RunnerError(
                f"cuda: memory: too little is free on the GPU (got {free / 1e9:.1f} GB, the arrays need "
                f"{self.size_bytes / 1e9:.1f} GB); {MEMORY}"
            )
        self.address = gpu.allocated(self.size_bytes)
        self.addresses, address = dict[str, int](), self.address
        for name, form in forms.items():
            self.addresses[name] = address
            address += form.size_bytes

    def fill(self, name: str, packed: Numbers) -> None:
        """Write an array that is in its layout already."""
        self._gpu.send(packed, self.addresses[name])

    def write(self, name: str, numbers: Numbers) -> None:
        """Write an array of its logical shape."""
        form = self.forms[name]
        array = np.ascontiguousarray(numbers, form.dtype).reshape(form.shape)
        self.fill(name, form.layout.pack(array))

    def read_into(self, name: str, array: Numbers) -> None:
        """Read an array that lies in rows."""
        assert self.forms[name].layout.kind == "rows", "what is read is not in another layout"
        self._gpu.fetch(self.addresses[name], array)

    def read(self, name: str) -> Numbers:
        """A copy of an array that lies in rows."""
        array: Numbers = np.empty(self.forms[name].shape, self.forms[name].dtype)
        self.read_into(name, array)
        return array
