"""Runs emitted SIMT kernels on the CPU: compiles them with a C++ compiler and the simulator's headers.

Many kernels share one compilation, which takes longer to start than to do. A simulator proves arithmetic,
indexing and barriers. It does not prove that a vendor's compiler takes the text, nor how fast it runs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.kernels.emit import Emitted

HEADERS = Path(__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused")
FAST = ("-O2", "-march=native", "-fPIC", "-shared")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover", "-ftrivial-auto-var-init=pattern")

_LIBRARY = """
extern "C" const char *simulate(int kernel, int grid, int threads, int reverse, const int *blocks, int count,
                                void *const *arguments, int capacity) {
    simt::arguments = arguments, simt::capacity = capacity;
    return simt::launch(KERNELS[kernel], grid, threads, reverse, blocks, count);
}
"""


class SimulationError(Exception):
    """What the simulator says about a kernel that cannot go on."""


def compiler() -> str:
    """The C++ compiler; a test that needs it is skipped where there is none."""
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if found is None:
        pytest.skip("no C++ compiler")
    return found


def source(kernels: Sequence[Emitted], header: str, tail: str) -> str:
    """One file with all ``kernels``, each in a namespace and under a name of its own, and a table of them."""
    parts = [f'#include "{header}"']
    for place, emitted in enumerate(kernels):
        parts += [f"namespace in_{place} {{", f"#define {emitted.kernel.name} kernel_{place}", "#line 1"]
        parts += [emitted.text, f"#undef {emitted.kernel.name}"]
        parts += [f"#undef {setting.upper()}" for setting in emitted.sizes.settings]
        parts += ["}"]
    calls = ", ".join(f"[] {{ simt::call(in_{place}::kernel_{place}); }}" for place in range(len(kernels)))
    return "\n".join([*parts, f"static void (*const KERNELS[])() = {{{calls}}};", tail])


def build(text: str, output: Path, flags: Sequence[str]) -> Path:
    """Compile ``text`` to ``output``."""
    output.with_suffix(".cpp").write_text(text, "utf-8")
    command = [compiler(), "-std=c++17", *WARNINGS, *flags, f"-I{HEADERS}"]
    done = subprocess.run(
        [*command, str(output.with_suffix(".cpp")), "-o", str(output)], capture_output=True, text=True
    )
    if done.returncode:
        raise SimulationError(done.stderr)
    return output


class Simulator:
    """Some emitted kernels, compiled together."""

    def __init__(self, kernels: Sequence[Emitted], folder: Path, header: str = "cuda.h") -> None:
        self.kernels = list({emitted.sha256: emitted for emitted in kernels}.values())
        self.places = {emitted.sha256: place for place, emitted in enumerate(self.kernels)}
        text = source(self.kernels, header, _LIBRARY)
        self.library = ctypes.CDLL(str(build(text, folder / f"kernels_{id(self)}.so", FAST)))
        self.library.simulate.restype = ctypes.c_char_p

    def run(
        self,
        emitted: Emitted,
        arrays: Mapping[str, Any],
        *,
        capacity: int = 1,
        reverse: bool = False,
        blocks: Sequence[int] | None = None,
    ) -> None:
        """Run the kernel on ``arrays``, in place; of its blocks all, or those in ``blocks`` only."""
        chosen = None if blocks is None else np.array(blocks, np.int32)
        found = [arrays[array.name] for array in emitted.kernel.arrays]
        if any(not array.flags.c_contiguous or array.ctypes.data % 16 for array in found if array.ndim):
            raise SimulationError("arrays must be contiguous and begin at a multiple of 16 bytes")
        report = self.library.simulate(
            self.places[emitted.sha256],
            emitted.launch["grid"],
            emitted.launch["block"],
            int(reverse),
            None if chosen is None else chosen.ctypes.data_as(ctypes.c_void_p),
            0 if chosen is None else len(chosen),
            (ctypes.c_void_p * len(found))(*(array.ctypes.data for array in found)),
            capacity,
        )
        if report is not None:
            raise SimulationError(report.decode())
