"""``neuronxcc.nki`` on the simulator: ``jit`` and ``simulate_kernel``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.simulators.nki.memory import Chip, RefusedError, Storage, check
from tests.simulators.nki.scopes import check_scopes

from .language import tensor
from .typing import mutable_tensor


class Kernel:
    """A function that is run only on a device, or by ``simulate_kernel``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *_: Any) -> Any:
        raise RefusedError("no device: use simulate_kernel")


def jit(function: Callable[..., Any]) -> Kernel:
    check_scopes(function)
    return Kernel(function)


def simulate_kernel(kernel: Kernel, *given: Any) -> Any:
    """What the kernel returns for arrays. A parameter marked as mutable is changed in place."""
    parameters = inspect.signature(kernel.function).parameters
    updatable = [parameter.annotation is mutable_tensor for parameter in parameters.values()]
    tensors = [
        tensor(array, Storage("hbm", updatable=one)) for array, one in zip(given, updatable, strict=True)
    ]
    Chip.current = Chip()
    with np.errstate(all="ignore"):
        found = kernel.function(*tensors)
    results = found if isinstance(found, tuple) else (found,)
    on_device = all(isinstance(one, tensor) and one.buffer == "hbm" for one in results)
    check(
        on_device and all(one.storage.returnable for one in results), "a kernel returns shared device memory"
    )
    returned = {id(one.storage) for one in results}
    for one, may in zip(tensors, updatable, strict=True):
        check(not may or id(one.storage) in returned, "a mutable parameter must be returned")
    arrays = tuple(one.data for one in results)
    return arrays if isinstance(found, tuple) else arrays[0]
