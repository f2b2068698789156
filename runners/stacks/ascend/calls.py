"""Calls of kernels on arrays of an Ascend device: as emitted, by an operator of CANN's, or on the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from runners.device import Numbers, RunnerError
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.reference import evaluate_in_blocks
from runners.stacks.ascend.acl import Acl, Placed
from runners.stacks.ascend.aclnn import Operators
from runners.stacks.ascend.bisheng import Launcher
from schemas.records import Execution

Call = Callable[[], None]
"""Puts one call of a kernel on the stream; one on the host is over when it returns."""


class Calls:
    """Arrays in the device's memory, and calls on them, until :meth:`close`."""

    def __init__(
        self, acl: Acl, stream: int, launchers: Mapping[str, Launcher], executions: Mapping[str, Execution]
    ) -> None:
        self.acl, self.stream, self.launchers, self.executions = acl, stream, launchers, executions
        self.arrays: list[Placed] = []
        self.operators: Operators | None = None

    def place(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Placed:
        """An array that nobody has filled."""
        self.arrays.append(self.acl.place(shape, dtype))
        return self.arrays[-1]

    def bound(self, kernel: Emitted, placed: Sequence[Placed], capacity: int) -> Call:
        """The call of a kernel on its arrays. An operator has run once, so that its workspace is there."""
        named = {array.name: place for array, place in zip(kernel.kernel.arrays, placed, strict=True)}
        match self.executions.get(kernel.kernel.name, "emitted"):
            case "vendor_library":
                self.operators = self.operators or Operators(self.acl, self.stream)
                call = self.operators.bound(kernel, named)
                call()
                self.acl.synchronize(self.stream)
                return call
            case "host":
                return partial(self._on_host, kernel, named, {})
        dynamic = [capacity] * has_dynamic(kernel.kernel.axes)
        addresses = (place.address for place in placed)
        launcher = self.launchers[kernel.kernel.name]
        return partial(launcher, kernel.launch["blocks"], self.stream, *addresses, *dynamic)

    def _on_host(self, kernel: Emitted, placed: Mapping[str, Placed], kept: dict[str, Numbers]) -> None:
        """Inputs come here, NumPy evaluates, outputs go back. What no step changes is ``kept`` here."""
        self.acl.synchronize(self.stream)
        for array in kernel.kernel.inputs:
            fixed = array.element == "stored" and not has_dynamic(array.axes)
            if not (fixed and array.name in kept):
                kept[array.name] = self.acl.fetch(placed[array.name])
        inputs = {array.name: kept[array.name] for array in kernel.kernel.inputs}
        outputs = {array.name: self.acl.fetch(placed[array.name]) for array in kernel.kernel.outputs}
        evaluate_in_blocks(kernel.kernel, kernel.sizes, inputs, [outputs])
        for name, numbers in outputs.items():
            self.acl.upload(placed[name].address, numbers)

    def close(self) -> None:
        """Free all of it, once nothing uses it; what a device that hangs or is gone has ends with the process."""
        with suppress(RunnerError):
            self.acl.synchronize(self.stream)
            if self.operators:
                self.operators.close()
            for place in self.arrays:
                self.acl.free(place.address)
