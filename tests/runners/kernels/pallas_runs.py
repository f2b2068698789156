"""One case of a Pallas kernel in an interpreter: inputs, run, error."""

from __future__ import annotations

from dataclasses import replace

from runners.kernels.sizes import Storage
from tests.runners.kernels.cases import Case, compare
from tests.runners.kernels.text_runs import EXACT, ROUNDED, emitted_for, inputs, wanted
from tests.simulators.pallas import run

TILE = 16


def wrong(case: Case, storage: Storage, *, strict: bool, planted: tuple[str, str] = ("", "")) -> list[str]:
    """What is wrong with the case's outputs; nothing, if all is well. ``planted``: a bug's text, in place of it.

    The simulator of a TPU's memories cannot give back an array in place that it has filled up to whole tiles,
    so there a cache has room for whole tiles; the plain interpreter takes every capacity.
    """
    if strict and case.kernel == "kv_cache_append":
        case = replace(case, capacity=-(-case.capacity // TILE) * TILE)
    emitted, arrays = emitted_for(case, "pallas", storage), inputs(case, storage)
    right, (old, new) = wanted(case, storage, arrays), planted
    assert old in emitted.text
    text = emitted.text.replace(old, new) if old else emitted.text
    found = []
    for name, error in compare(right, run(emitted, arrays, strict=strict, text=text)).items():
        rounded = right[name].dtype.itemsize == 2
        if not error <= (ROUNDED if rounded else EXACT):
            found.append(f"{case} {storage} {name}: {error:.2g}")
    return found
