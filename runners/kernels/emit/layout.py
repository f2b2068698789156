"""How the host lays out a weight before it uploads it: an emitter's choice, and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """``rows``: as the checkpoint has it, ``[out, in]``. ``panels``: ``[out / width, in, width]``, the last
    panel filled up with zeros. ``columns``: transposed, ``[in, out]``.
    """

    kind: Literal["rows", "panels", "columns"]
    width: int = 1

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in memory of an array of ``shape``."""
        if self.kind == "rows":
            return shape
        out, inner = shape
        return (-(-out // self.width), inner, self.width) if self.kind == "panels" else (inner, out)

    def pack(self, array: Numbers) -> Numbers:
        """``array`` in this layout, contiguous."""
        if self.kind == "rows":
            return np.ascontiguousarray(array)
        if self.kind == "columns":
            return np.ascontiguousarray(array.T)
        panels, inner, width = self.shape(array.shape)
        packed = np.zeros((panels, inner, width), array.dtype)
        whole = array.shape[0] // width
        packed[:whole] = array[: whole * width].reshape(whole, width, inner).transpose(0, 2, 1)
        if whole < panels:
            packed[whole, :, : array.shape[0] - whole * width] = array[whole * width :].T
        return packed


ROWS = Layout("rows")
