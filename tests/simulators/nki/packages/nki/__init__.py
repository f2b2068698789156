"""``nki`` on the simulator: ``jit`` and ``simulate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.simulators.nki.memory import Chip, RefusedError, Storage, check

from .language import NkiTensor


class Kernel:
    """A function that is run only on a device, or by ``simulate``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *_: Any) -> Any:
        raise RefusedError("no device: use simulate")


def jit(function: Callable[..., Any]) -> Kernel:
    return Kernel(function)


def simulate(kernel: Kernel) -> Callable[..., Any]:
    """The kernel for arrays, of which those that it writes change in place."""

    def run(*given: Any) -> Any:
        Chip.current = Chip()
        with np.errstate(all="ignore"):
            found = kernel.function(*(NkiTensor(array, Storage("hbm")) for array in given))
        results = found if isinstance(found, tuple) else (found,)
        on_device = all(isinstance(one, NkiTensor) and one.buffer == "hbm" for one in results)
        shared = on_device and all(one.storage.returnable for one in results)
        check(shared, "a kernel returns shared device memory")
        arrays = tuple(one.data for one in results)
        return arrays if isinstance(found, tuple) else arrays[0]

    return run
