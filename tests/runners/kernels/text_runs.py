"""One case of an emitted text, however it is executed: inputs, run, what is wrong. Shared by all languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import DTYPES, TRUE, Case, compare, relative_error
from tests.runners.kernels.oracles import expected

NORMED = ("rms_norm", "residual_add_rms_norm", "layernorm")
EXACT, ROUNDED = 1e-5, 3e-4
WIDENED = Sizes({"vocab": 1, "hidden": 2**16})

PERIOD = 509  # rows that are drawn; a prime, so that no block or tile meets the same ones at the same place
FAR = 2000  # rows from which on a true shape repeats those
NEAR = [c for c in TRUE if c.sizes.programs(KERNELS[c.kernel]) < FAR and "vocab" not in c.sizes.lengths]
MANY_ROWS = [case for case in TRUE if case.sizes.programs(KERNELS[case.kernel]) >= FAR]

Run = Callable[[dict[str, Any], bool], None]
Once = Callable[[dict[str, Any]], None]


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


def widened_otherwise(storage: Storage, once: Once) -> int:
    """How many of all stored numbers are not widened to themselves by a look-up in a table of them."""
    every = np.arange(2**16, dtype=np.uint16)
    arrays: dict[str, Any] = {"token": np.array(0, np.int32), "table": every}
    arrays["x"] = np.full(2**16, 7, np.float32)
    once(arrays)
    right, got = every.view(DTYPES[storage]).astype(np.float32), arrays["x"]
    unlike = np.where(np.isnan(right), np.isfinite(got), right.view(np.uint32) != got.view(np.uint32))
    return int(unlike.sum())  # in f16 a NaN may come out as infinity


def differ(right: Any, got: Any) -> Any:
    """Where two arrays of 16-bit floats differ; one NaN is as good as another."""
    both_nan = np.isnan(right.astype(np.float32)) & np.isnan(got.astype(np.float32))
    return (right.view(np.uint16) != got.view(np.uint16)) & ~both_nan


def repeated(array: Any, rows: int) -> Any:
    """As many rows, by repeating those there are: a large array that is drawn and checked at little cost."""
    return array[np.arange(rows) % len(array)]


def wrong_where_rows_repeat(case: Case, storage: Storage, once: Once) -> list[str]:
    """What is wrong with a kernel of many rows at its true shape, where those that were drawn repeat."""
    (axis,) = KERNELS[case.kernel].parallel
    rows = case.sizes.lengths[axis.name]
    few = Case(case.kernel, Sizes({**case.sizes.lengths, axis.name: PERIOD}, case.sizes.settings))
    drawn = inputs(few, storage)
    ((name, right),) = wanted(few, storage, drawn).items()
    along = {array.name for array in KERNELS[case.kernel].arrays if axis in array.axes}
    arrays = {key: repeated(array, rows) if key in along else array for key, array in drawn.items()}
    once(arrays)
    got, error = arrays[name], relative_error(right, arrays[name][:PERIOD])
    found = (
        [] if error <= (EXACT if right.dtype.itemsize > 2 else ROUNDED) else [f"{case} {name}: {error:.2g}"]
    )
    same = np.array_equal(repeated(got[:PERIOD], rows).view(np.uint8), got.view(np.uint8))
    return found if same else [*found, f"{case} {name}: rows that are alike differ"]


def wrong_in_a_vocabulary(case: Case, once: Once) -> list[str]:
    """What is wrong with the lookup in, or the search of, a vocabulary: its first, a middle and its last entry."""
    last, rng, found = case.sizes.lengths["vocab"] - 1, np.random.default_rng(1), []
    for chosen in (0, 4097, last):
        if case.kernel == "argmax_greedy":
            arrays = inputs(case, "bf16", seed=chosen)
            arrays["logits"][chosen] = 99.0
            once(arrays)
            right = arrays["token"] == chosen
        else:
            table = np.zeros((last + 1, case.sizes.lengths["hidden"]), np.uint16)  # costs no memory
            row = rng.standard_normal(table.shape[1], np.float32)
            table[chosen] = row.view(np.uint32) >> 16
            arrays = {"token": np.array(chosen, np.int32), "table": table, "x": row * np.nan}
            once(arrays)
            right = np.array_equal(arrays["x"].view(np.uint32), table[chosen].astype(np.uint32) << 16)
        found += [] if right else [f"{case}: {chosen}"]
    return found


def wrong_among_equals(vocab: int, once: Once) -> list[str]:
    """Where the first of equal logits was not found, wherever they are; even minus infinity and the least number."""
    found = []
    for value, places in (
        (5.0, [9001, 77, 10006]),
        (5.0, [9001, 10006]),
        (5.0, range(vocab)),
        (-np.inf, range(vocab)),
        (np.finfo(np.float32).min, [5000]),
    ):
        logits = np.full(vocab, -np.inf, np.float32)
        logits[list(places)] = value
        arrays: dict[str, Any] = {"logits": logits, "token": np.array(-1, np.int32)}
        once(arrays)
        found += [] if arrays["token"] == min(places) else [f"{value} at {places}: {arrays['token']}"]
    return found
