"""NVIDIA GPUs. The kernels are emitted and proven; launching them from here is still to come."""

from __future__ import annotations

import ctypes.util
import sys
from importlib.util import find_spec

import click


def missing() -> str | None:
    """What this machine lacks for CUDA, with its remedy; None where nothing is missing."""
    library = ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda")
    if library is None:
        return "no NVIDIA driver found (looked for libcuda); install your GPU's, or use python -m runners.cpu"
    if find_spec("cuda") is None or find_spec("cuda.core") is None:
        return "the package cuda-core is not installed; run: pip install cuda-core nvidia-cuda-nvrtc"
    return None


def main() -> int:
    """Say in one line what is missing; the exit status."""
    lacking = missing() or "this runner cannot launch kernels yet; use python -m runners.cpu"
    click.echo(f"error: cuda: {lacking}", err=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
