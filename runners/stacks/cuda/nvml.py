"""What NVIDIA's management library tells of a GPU: the driver's release, and the energy used.

The energy counter is the whole GPU's, and moves in steps of some tens of milliseconds: a short repetition's
energy is no more exact than that.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Nvml:
    """The GPU at a PCI address. Whatever the library or the driver does not tell is None."""

    def __init__(self, pci_bus_id: str) -> None:
        self._library, self._gpu = _opened(pci_bus_id)

    @property
    def driver(self) -> str | None:
        """The driver's release, such as 580.65.06."""
        found: str | None = self._told("system_get_driver_version")
        return found

    def energy_j(self) -> float | None:
        """J since the driver was loaded. A GPU that is divided is None: the counter is not of its part."""
        if self._gpu is None or self._divided():
            return None
        used_mj = self._told("device_get_total_energy_consumption", self._gpu)
        return None if used_mj is None else int(used_mj) / 1e3

    def _divided(self) -> bool:
        return bool((self._told("device_get_mig_mode", self._gpu) or (0,))[0])

    def _told(self, function: str, *arguments: Any) -> Any:
        if self._library is None:
            return None
        try:
            return getattr(self._library, function)(*arguments)
        except (self._library.NvmlError, RuntimeError):  # the latter where an old driver has no such function
            return None


def _opened(pci_bus_id: str) -> tuple[Any, Any]:
    """The library and the GPU's handle. It comes with the driver; CUDA can be there without it."""
    try:
        library = import_module("cuda.bindings.nvml")
        library.init_v2()
    except Exception:  # of several modules; none of them keeps a GPU from being measured
        return None, None
    try:
        return library, library.device_get_handle_by_pci_bus_id_v2(pci_bus_id)
    except library.NvmlError:
        return library, None
