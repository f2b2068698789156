"""``nki.language`` on the simulator. Loops are Python's own, as this package unrolls them."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from tests.simulators.nki.instructions import Op
from tests.simulators.nki.memory import Rows, Slice, Tensor, check

float32, float16, bfloat16 = np.float32, np.float16, ml_dtypes.bfloat16
int32, uint8, uint16, uint32 = np.int32, np.uint8, np.uint16, np.uint32
sbuf, psum, hbm, private_hbm, shared_hbm = "sbuf", "psum", "hbm", "private_hbm", "shared_hbm"
add, subtract, multiply = Op("add"), Op("subtract"), Op("multiply")
maximum, minimum = Op("maximum"), Op("minimum")
equal, not_equal = Op("equal"), Op("not_equal")
greater, greater_equal, less, less_equal = Op("greater"), Op("greater_equal"), Op("less"), Op("less_equal")
exp, rsqrt, copy = Op("exp"), Op("rsqrt"), Op("copy")
ds = Slice


class NkiTensor(Tensor):
    """A tensor with the views of memory that this package has."""

    def broadcast(self, dim: int, size: int) -> NkiTensor:
        """A place of length one, repeated."""
        check(self.buffer == "hbm" or dim > 0, "partitions cannot be repeated")
        check(self.shape[dim] == 1, f"axis {dim} of {self.shape} is not one")
        shape = (*self.shape[:dim], size, *self.shape[dim + 1 :])
        return NkiTensor(np.broadcast_to(self.data, shape), self.storage, self.start)

    def vector_select(self, dim: int, vector_offset: NkiTensor) -> Rows:
        """For each partition its own row."""
        check(dim == 0, "only rows are selected")
        return Rows(self, vector_offset)


def ndarray(shape: tuple[int, ...], dtype: Any, buffer: str = sbuf) -> NkiTensor:
    return NkiTensor.fresh(shape, dtype, buffer)
