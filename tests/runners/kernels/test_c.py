"""Every kernel as emitted C gives what the oracle gives: all storage types, odd sizes, few and many threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.compiler import FLAGS, find
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.proofs import record_proof
from tests.runners.kernels.c_runs import SANITIZED, built, emitted, errors
from tests.runners.kernels.cases import DTYPES, ROOT, TINY, TRUE, Case, bound

STORAGES: tuple[Storage, ...] = ("bf16", "f16", "f32")
THREADS = (1, 3)


def _groups(cases: list[Case]) -> list[list[Case]]:
    """Cases that one library can serve: as many kernels as there are, but no kernel at two sizes."""
    groups: list[dict[str, tuple[Sizes, list[Case]]]] = []
    for case in cases:
        fits = (g for g in groups if case.kernel not in g or g[case.kernel][0] == case.sizes)
        group = next(fits, None)
        if group is None:
            groups.append(group := {})
        group.setdefault(case.kernel, (case.sizes, []))[1].append(case)
    return [[case for _, found in group.values() for case in found] for group in groups]


GROUPS = _groups(TINY)


def _wrong(storage: Storage, cases: list[Case], threads: int, flags: tuple[str, ...] = FLAGS) -> list[str]:
    """The outputs of cases of equal sizes that are beyond their bound, each told with its case."""
    texts = {case.kernel: emitted(case, storage) for case in cases}
    device = built(list(texts.values()), threads, flags)
    return [
        f"{case} with {threads} threads: {output} is off by {error:.2e}"
        for case in cases
        for output, error in errors(device, texts[case.kernel], case, storage).items()
        if not error <= bound(case.kernel, output, storage)
    ]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_c_gives_what_the_oracle_gives_at_tiny_sizes(group: int, storage: Storage) -> None:
    assert [wrong for threads in THREADS for wrong in _wrong(storage, GROUPS[group], threads)] == []


@pytest.mark.parametrize("kernel", KERNELS)
def test_c_gives_what_the_oracle_gives_at_true_sizes(kernel: str) -> None:
    cases = [case for case in TRUE if case.kernel == kernel]
    assert [wrong for threads in THREADS for wrong in _wrong("bf16", cases, threads)] == []
    sha256 = emitted(cases[0], "bf16").sha256
    record_proof(kernel, "c", sha256, "simulated", "the machine's C compiler, run natively", cases=len(cases))


def test_c_reads_and_writes_within_its_arrays_and_does_nothing_undefined() -> None:
    """In a process of its own, as the address sanitizer must be loaded first."""
    said = subprocess.run(
        [*find().command, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    library = said.stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("the compiler has no address sanitizer")
    environment = {**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.runners.kernels.test_c"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    assert done.stdout.split() == sorted(KERNELS)
    for case in TINY:
        sha256 = emitted(case, "bf16").sha256
        record_proof(case.kernel, "c", sha256, "simulated", "address and undefined-behaviour sanitizers")


def test_the_sum_does_not_depend_on_the_number_of_threads() -> None:
    case = next(case for case in TRUE if case.kernel == "kv_proj_matvec")
    text = emitted(case, "bf16")
    results = set()
    for threads in (1, 2, 5):
        arrays = case.inputs("bf16")
        built([text], threads).call(text, arrays, case.capacity)
        results.add(arrays["kv"].tobytes())
    assert len(results) == 1


def _every_pattern(storage: Storage) -> Any:
    """Every number of a 16-bit type, its infinities and NaNs among them."""
    return np.arange(1 << 16, dtype=np.uint16).view(DTYPES[storage])


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_every_stored_number_is_widened_exactly(storage: Storage) -> None:
    case = Case("embedding_lookup", Sizes({"vocab": 1, "hidden": 1 << 16}))
    arrays = case.inputs(storage)
    arrays["table"][0], text = _every_pattern(storage), emitted(case, storage)
    built([text], 2).call(text, arrays, 1)
    np.testing.assert_array_equal(arrays["x"], _every_pattern(storage).astype(np.float32))


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_what_is_stored_is_the_nearest_number_with_ties_to_even(storage: Storage) -> None:
    """All numbers of the type, those halfway to the next, and those just beside that."""
    exact = _every_pattern(storage).astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        halfway = ((exact.astype(np.float64) + np.roll(exact, -1)) / 2).astype(np.float32)
        sides = [np.nextafter(halfway, np.float32(side)) for side in (-np.inf, np.inf)]
        numbers = np.concatenate([exact, halfway, *sides])
        expected = numbers.astype(DTYPES[storage])
    case = Case("kv_cache_append", Sizes({"kv_heads": 1, "head_dim": len(numbers)}))
    arrays, text = case.inputs(storage), emitted(case, storage)
    arrays["k"][0] = numbers
    built([text], 2).call(text, arrays, 1)
    got, is_number = arrays["keys"][0, 0], ~np.isnan(numbers)
    np.testing.assert_array_equal(got[is_number].view(np.uint16), expected[is_number].view(np.uint16))
    assert np.isnan(got[~is_number].astype(np.float32)).all()


def main() -> int:
    """Run tiny cases of every kernel under the sanitizers, and say which; the exit status."""
    wrong = [line for group in GROUPS for line in _wrong("bf16", group, 2, SANITIZED)]
    wrong += _wrong("f16", GROUPS[1], 2, SANITIZED)
    print("\n".join(wrong), file=sys.stderr)
    print("\n".join(sorted({case.kernel for group in GROUPS for case in group})))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
