"""One case of a SIMT kernel on the simulator: inputs, run, error. Shared by all languages that it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import DTYPES, Case, compare
from tests.runners.kernels.oracles import expected
from tests.simulators.simt import Sanitized, Simulator
from tests.simulators.simt.languages import LANGUAGES

NORMED = ("rms_norm", "residual_add_rms_norm", "layernorm")
EXACT, ROUNDED = 1e-5, 3e-4
WIDENED = Sizes({"vocab": 1, "hidden": 2**16})

Run = Callable[[dict[str, Any], bool], None]


def fitting(case: Case, target: str) -> Case:
    """The case with a cache as large as the language's simulator wants it."""
    return replace(case, capacity=max(case.capacity, LANGUAGES[target].least_dynamic))


def emitted_for(case: Case, target: str, storage: Storage) -> Emitted:
    """The text for the case's sizes."""
    return emit(KERNELS[case.kernel], target, case.sizes, storage)


def inputs(case: Case, storage: Storage, seed: int = 0) -> dict[str, Any]:
    """The case's arrays; what is divided by its own size is so small that the epsilon counts."""
    arrays = case.inputs(storage, seed)
    if case.kernel in NORMED:
        for name in ("x", "residual"):
            if name in arrays:
                arrays[name] *= arrays[name].dtype.type(2**-10)
    return arrays


def wanted(case: Case, storage: Storage, arrays: dict[str, Any]) -> dict[str, Any]:
    """The oracle's numbers, rounded where the kernel stores them: then a wrong rounding shows."""
    found = expected(case.kernel, arrays, case.sizes)
    stored = {array.name for array in KERNELS[case.kernel].outputs if array.element == "stored"}
    return {name: n.astype(DTYPES[storage]) if name in stored else n for name, n in found.items()}


def wrong(case: Case, storage: Storage, run: Run) -> list[str]:
    """What is wrong with the case's outputs, in the threads' order and in reverse. Nothing, if all is well.

    Sums are in f32 of inputs that f32 holds exactly, so an f32 output is off by 1e-5 at most; a stored one
    differs from the rounded number only where that lies between two of its type.
    """
    found = []
    for reverse in (False, True):
        arrays = inputs(case, storage, seed=int(reverse))
        right = wanted(case, storage, arrays)
        run(arrays, reverse)
        for name, error in compare(right, arrays).items():
            rounded = right[name].dtype == DTYPES[storage] and storage != "f32"
            if not error <= (ROUNDED if rounded else EXACT):
                found.append(f"{case} {storage} {name} {'reversed' if reverse else 'forward'}: {error:.2g}")
    return found


def hard_to_round(storage: Storage) -> Any:
    """Numbers midway between two of the storage type, next to midway, and beyond the largest."""
    every = np.arange(2**16, dtype=np.uint16).view(DTYPES[storage]).astype(np.float32)
    every = np.sort(every[np.isfinite(every)])
    midway = every[:-1] / 2 + every[1:] / 2
    beside = [np.nextafter(midway, np.float32(end)) for end in (-np.inf, np.inf)]
    special = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 65520.0, 65519.996, 1e-45, -0.0], np.float32)
    found = np.concatenate([midway, *beside, special])
    return np.resize(found, -(-len(found) // 8) * 8)


def rounding_case(storage: Storage) -> Case:
    """The kernel that copies into storage, at the size of :func:`hard_to_round`."""
    return Case("kv_cache_append", Sizes({"kv_heads": 1, "head_dim": len(hard_to_round(storage))}))


def rounded_otherwise(storage: Storage, run: Run) -> int:
    """How many of :func:`hard_to_round` are not rounded as NumPy rounds them, bit by bit."""
    arrays = rounding_case(storage).inputs(storage)
    arrays["k"][...] = arrays["v"][...] = hard_to_round(storage)
    with np.errstate(over="ignore"):
        right = hard_to_round(storage).astype(DTYPES[storage])
    run(arrays, False)
    return sum(int(differ(right, arrays[name].reshape(-1)).sum()) for name in ("keys", "values"))


def widened_otherwise(storage: Storage, simulator: Simulator, text: Emitted) -> int:
    """How many of all stored numbers are not widened to themselves by a look-up in a table of them."""
    every = np.arange(2**16, dtype=np.uint16)
    arrays: dict[str, Any] = {"token": np.array(0, np.int32), "table": every}
    arrays["x"] = np.full(2**16, 7, np.float32)
    simulator.run(text, arrays)
    right, got = every.view(DTYPES[storage]).astype(np.float32), arrays["x"]
    unlike = np.where(np.isnan(right), np.isfinite(got), right.view(np.uint32) != got.view(np.uint32))
    return int(unlike.sum())  # in f16 a NaN may come out as infinity


def differ(right: Any, got: Any) -> Any:
    """Where two arrays of 16-bit floats differ; one NaN is as good as another."""
    both_nan = np.isnan(right.astype(np.float32)) & np.isnan(got.astype(np.float32))
    return (right.view(np.uint16) != got.view(np.uint16)) & ~both_nan


def on(simulator: Simulator | Sanitized, emitted: Emitted, case: Case) -> Run:
    """The run of the case on a simulator."""

    def run(arrays: dict[str, Any], reverse: bool) -> None:
        simulator.run(emitted, arrays, capacity=case.capacity, reverse=reverse)

    return run


def repeated(array: Any, rows: int) -> Any:
    """As many rows, by repeating those there are: a large array that is drawn and checked at little cost."""
    return array[np.arange(rows) % len(array)]
