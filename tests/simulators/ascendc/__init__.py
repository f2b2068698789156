"""Runs emitted Ascend C kernels on the CPU, under the rules of a vector core of Atlas A2 (910B).

``kernel_operator.h`` stands in for CANN's header of that name: the text compiles unchanged with a C++ compiler.
It computes what the calls say, and reports what the hardware leaves undefined or would do wrong: addresses and
lengths that are not aligned, buffers beyond 192 KB, queues and flags that do not pair, an access of one pipe to
what another has not finished with, an access outside of a tensor or an array. What was never written is NaN.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runners.kernels.emit import Emitted
from tests.simulators.simt import LIBRARY, WARNINGS, SimulationError, compiled, distinct, places

HEADERS = Path(__file__).parent
FLAGS = ("-O3", "-ffp-contract=off", "-fno-strict-aliasing")
AUTO_SYNC = "-DASCENDC_AUTO_SYNC=1"
"""The flag for a compiler that orders dependent vector calls itself; without, they need a PipeBarrier."""

_SIMULATE = """
extern "C" const char *simulate(int kernel, int blocks, int reverse, int count, void *const *arguments,
                                const uint64_t *bytes, int capacity) {
    core::arguments = arguments, core::capacity = capacity;
    core::arrays.clear();
    for (int place = 0; place < count; place++)
        core::arrays.push_back({(uintptr_t)arguments[place], (uintptr_t)arguments[place] + bytes[place], {}});
    return core::launch(KERNELS[kernel], blocks, reverse);
}
"""


class Fault(SimulationError):
    """A rule of the hardware that a kernel breaks: which block, line and call, what is wrong."""


def source(texts: Sequence[Emitted]) -> str:
    """One file with all ``texts``, each in a namespace and under a name of its own, and a table of them."""
    parts = ['#include "launch.h"']
    for place, emitted in enumerate(distinct(texts)):
        parts += [f"namespace in_{place} {{", f"#define {emitted.kernel.name} kernel_{place}", "#line 1"]
        parts += [emitted.text, f"#undef {emitted.kernel.name}", "}"]
    calls = ", ".join(
        f"[] {{ core::call(in_{place}::kernel_{place}); }}" for place in range(len(distinct(texts)))
    )
    return "\n".join([*parts, f"static void (*const KERNELS[])() = {{{calls}}};", _SIMULATE])


def build(texts: Sequence[Emitted], output: Path, flags: Sequence[str]) -> Path:
    """Compile ``texts`` to the shared object ``output``."""
    return compiled(source(texts), output, (*WARNINGS, *flags, *LIBRARY, f"-I{HEADERS}"))


class Simulator:
    """Some emitted kernels, compiled together into one shared object in ``folder``."""

    def __init__(self, texts: Sequence[Emitted], folder: Path, flags: Sequence[str] = FLAGS) -> None:
        self.places = places(texts)
        output = build(texts, folder / f"ascendc_{id(self)}.so", flags)
        self.library = ctypes.CDLL(str(output))
        self.library.simulate.restype = ctypes.c_char_p

    def run(
        self,
        emitted: Emitted,
        arrays: Mapping[str, Any],
        *,
        capacity: int = 1,
        blocks: int | None = None,
        reverse: bool = False,
    ) -> None:
        """Run the kernel on ``arrays``, in place, on ``blocks`` cores (else as many as its launch says).

        The cores run one after the other, ``reverse``: the last one first. Raises :class:`Fault`.
        """
        found = [arrays[array.name] for array in emitted.kernel.arrays]
        if any(not array.flags.c_contiguous for array in found):
            raise SimulationError("arrays must be contiguous")
        report = self.library.simulate(
            self.places[emitted.sha256],
            emitted.launch["blocks"] if blocks is None else blocks,
            int(reverse),
            len(found),
            (ctypes.c_void_p * len(found))(*(array.ctypes.data for array in found)),
            (ctypes.c_uint64 * len(found))(*(array.nbytes for array in found)),
            capacity,
        )
        if report is not None:
            raise Fault(report.decode())


def execute(texts: Sequence[Emitted], folder: Path) -> Callable[[Emitted, dict[str, Any], int], None]:
    """What runs any of ``texts`` on arrays, in place, at a capacity: for a whole step."""
    simulator = Simulator(texts, folder)

    def run(emitted: Emitted, arrays: dict[str, Any], capacity: int) -> None:
        simulator.run(emitted, arrays, capacity=capacity)

    return run
