"""Whether this machine has what CUDA needs, asked before the GPU is touched."""

from __future__ import annotations

import ctypes
import re
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from runners.device import RunnerError

INSTALL = "pip install --constraint constraints.txt --editable '.[cuda]'"
PACKAGES = {"cuda-core": (1, 2), "cuda-bindings": (12, 9)}
"""What Python needs, from which release on: machines with CUDA often have older ones of their own."""
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_OLDER = (  # of two releases of NVRTC the newer one would be found
    "pip uninstall -y nvidia-cuda-nvrtc && pip install 'cuda-bindings<13' nvidia-cuda-nvrtc-cu12"
)


def missing() -> str | None:
    """What is not there, with its remedy: the driver's library, or packages. Imports none of them."""
    if not any(map(_loads, _DRIVERS)):
        return (
            f"no NVIDIA driver found (got no {_DRIVERS[0]}); install your GPU's, or use python -m runners.cpu"
        )
    absent = " and ".join(
        f"{name} {major}.{minor}"
        for name, (major, minor) in PACKAGES.items()
        if _installed(name) < (major, minor)
    )
    return f"a package is missing or too old (got no {absent} or newer); {INSTALL}" if absent else None


def _loads(library: str) -> bool:
    """Whether the system's own search, which is cuda.core's too, finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _installed(package: str) -> tuple[int, ...]:
    """The first two numbers of its release; none where it is not there."""
    try:
        return tuple(map(int, re.findall(r"\d+", version(package))[:2]))
    except PackageNotFoundError:
        return ()


def compiler_and_driver() -> tuple[str, str]:
    """The release of NVRTC, and the newest CUDA that the driver serves. An NVRTC of a later CUDA is refused.

    Within one major release a driver runs what a later NVRTC made: machine code, and not PTX.
    """
    try:
        error, major, minor = import_module("cuda.bindings.nvrtc").nvrtcVersion()
    except RuntimeError as problem:
        raise RunnerError(f"cuda: NVRTC is not there (got '{_first_line(problem)}'); {INSTALL}") from None
    failed, served = import_module("cuda.bindings.driver").cuDriverGetVersion()
    if int(error) or int(failed):
        told = error.name if int(error) else failed.name
        raise RunnerError(f"cuda: versions are not told (got {told}); install your GPU's driver anew")
    newest = f"{served // 1000}.{served % 1000 // 10}"
    if served // 1000 < major:
        remedy = f"install driver R580 or newer, or for this one: {_OLDER}"
        raise RunnerError(
            f"cuda: the driver is older than NVRTC (got CUDA {newest}, NVRTC {major}.{minor}); {remedy}"
        )
    return f"{major}.{minor}", newest


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0]
