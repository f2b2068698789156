"""How the texts of each language are executed here: compile them once, then call any of them on host arrays.

A call takes a text, the kernel's arrays by name in their logical shapes, and the capacity of a dynamic axis;
outputs are written in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted
from tests.runners.kernels import c_runs
from tests.simulators import ascendc, nki, pallas, pto, simt

Call = Callable[[Emitted, dict[str, Any], int], None]
Executor = Callable[[Sequence[Emitted], Path], Call]


def run_c(texts: Sequence[Emitted], folder: Path) -> Call:
    """Natively, by one thread."""
    del folder
    return c_runs.built(texts, threads=1).call


def run_pallas(texts: Sequence[Emitted], folder: Path) -> Call:
    """In JAX's interpreter, each text traced once."""
    import jax

    del folder
    traced = {text.sha256: jax.jit(partial(pallas.function(text), interpret=True)) for text in texts}

    def call(text: Emitted, arrays: dict[str, Any], capacity: int) -> None:
        del capacity  # the arrays' shapes say it
        given = [np.atleast_1d(arrays[array.name]) for array in pallas.taken(text)]
        results = traced[text.sha256](*given)
        found = results if isinstance(results, tuple) else (results,)
        for array, numbers in zip(text.kernel.outputs, found, strict=True):
            arrays[array.name][...] = np.asarray(numbers).reshape(arrays[array.name].shape)

    return call


EXECUTORS: dict[str, Executor] = {
    "c": run_c,
    "cuda": simt.execute,
    "pallas": run_pallas,
    "metal": simt.execute,
    "metal-mlx": simt.execute,
    "nki": nki.execute,
    "nki-trn2": nki.execute,
    "ascendc": ascendc.execute,
    "pto": pto.execute,
}
