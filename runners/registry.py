"""Every runner by its name. To add one: its module, and its line here.

Only the module that is asked for is imported, and no runner's module imports a vendor's package by itself: so all
of them can be asked on any machine what they are and what they lack.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from runners.device import Device

RUNNERS: dict[str, str] = {
    "cpu": "runners.cpu:CpuDevice",
    "cuda": "runners.cuda:CudaDevice",
    "tpu": "runners.tpu:TpuDevice",
    "metal": "runners.metal:MetalDevice",
    "trainium": "runners.trainium:TrainiumDevice",
    "ascend": "runners.ascend:AscendDevice",
}


def device_class(runner: str) -> type[Device]:
    """The stack of that name."""
    module, _, name = RUNNERS[runner].partition(":")
    found: type[Device] = getattr(import_module(module), name)
    return found


def all_classes() -> Iterator[type[Device]]:
    """Every stack, in the order of the registry."""
    return map(device_class, RUNNERS)
