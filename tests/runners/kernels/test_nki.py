"""Each kernel's NKI text, for trn1 and for trn2 and newer, computes what the oracle says, on the simulators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case
from tests.runners.kernels.nki_runs import TARGETS, prove, wrong
from tests.runners.kernels.oracles import expected
from tests.runners.kernels.text_runs import (
    emitted_for,
    hard_to_round,
    repeated,
    rounded_otherwise,
    rounding_case,
)
from tests.simulators.nki import execute

STORAGES: tuple[Storage, ...] = get_args(Storage)
EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 300, "in": 4096})),
    Case("q_proj_matvec", Sizes({"out": 16640, "in": 3})),  # 130 panels: a whole group, and one cut short
    Case("down_proj_residual", Sizes({"out": 131, "in": 131})),  # a prime that no partitions divide
    Case("softmax", Sizes({"rows": 133, "cols": 67})),  # a tile of rows cut short
    Case("gelu", Sizes({"rows": 256, "cols": 3})),
    Case("gelu", Sizes({"rows": 1, "cols": 5632})),  # the longest row that is taken
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 127, 128),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 4}), 700, 13_000),
]
VOCABULARY = {"lm_head_matvec": ("weight", "logits"), "embedding_lookup": ("table",)}
LARGE = 1 << 24
PERIOD = 1000  # rows that are drawn; no number of panels is as many


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_at_any_depth(
    name: str, storage: Storage, tmp_path: Path
) -> None:
    found = []
    for case in (case for case in [*TINY, *EXTRA] if case.kernel == name):
        found += wrong(case, storage, tmp_path)
        prove(case, storage)
    assert found == []


@pytest.mark.parametrize("case", [case for case in TRUE if case.kernel not in VOCABULARY], ids=str)
def test_a_kernel_is_right_at_its_true_shape(case: Case, tmp_path: Path) -> None:
    large = case.sizes.lengths.get("rows", 1) * case.sizes.lengths.get("cols", 1) >= LARGE
    for storage in STORAGES[:1] if large else STORAGES:
        assert wrong(case, storage, tmp_path) == []
        prove(case, storage)


@pytest.mark.parametrize(("name", "along"), VOCABULARY.items())
def test_a_matrix_of_the_whole_vocabulary_is_right(name: str, along: tuple[str, ...], tmp_path: Path) -> None:
    """Its rows repeat those that were drawn, and so does what the oracle says of them."""
    (true,) = (case for case in TRUE if case.kernel == name)
    axis = "out" if "out" in true.sizes.lengths else "vocab"
    count = true.sizes.lengths[axis]
    drawn = Case(name, Sizes({**true.sizes.lengths, axis: PERIOD}))
    few = drawn.inputs("bf16")
    right = {
        key: n if n.shape[0] != PERIOD else repeated(n, count)
        for key, n in expected(name, few, drawn.sizes).items()
    }
    arrays = {key: repeated(array, count) if key in along else array for key, array in few.items()}
    if "token" in arrays:
        arrays["token"] += PERIOD * (count // PERIOD - 1)
    texts = [emitted_for(true, target, "bf16") for target in TARGETS]
    run = execute(texts, tmp_path)
    for text in texts:
        got = {**arrays, **{key: np.full_like(numbers, np.nan, np.float32) for key, numbers in right.items()}}
        run(text, got, 1)
        for key, numbers in right.items():
            assert np.linalg.norm(got[key] - numbers) <= 1e-6 * np.linalg.norm(numbers)
    prove(true, "bf16")


@pytest.mark.parametrize("target", TARGETS)
def test_the_first_of_equal_largest_wins_wherever_they_are(target: str, tmp_path: Path) -> None:
    (case,) = (case for case in TRUE if case.kernel == "argmax_greedy")
    emitted, vocab = emitted_for(case, target, "f32"), case.sizes.lengths["vocab"]
    run = execute([emitted], tmp_path)
    for value, places in (
        (5.0, [9001, 77, vocab - 1]),
        (5.0, range(vocab)),
        (-np.inf, range(vocab)),
        (0.0, [2374]),
    ):
        logits = np.full(vocab, -np.inf, np.float32)
        logits[list(places)] = value
        arrays = {"logits": logits, "token": np.array(-1, np.int32)}
        run(emitted, arrays, 1)
        assert arrays["token"] == min(places)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_what_is_stored_is_rounded_to_nearest_even(target: str, storage: Storage, tmp_path: Path) -> None:
    assert len(hard_to_round(storage)) > 4096
    case = rounding_case(storage)
    pieces = Case(case.kernel, Sizes({"kv_heads": 1, "head_dim": 4096}))
    emitted = emitted_for(pieces, target, storage)
    run = execute([emitted], tmp_path)

    def in_pieces(arrays: dict[str, Any], reverse: bool) -> None:
        del reverse
        length = arrays["k"].shape[1]
        for first in range(0, length, 4096):
            part = slice(min(first, length - 4096), min(first + 4096, length))
            piece = {key: array[..., part] if array.ndim else array for key, array in arrays.items()}
            run(emitted, piece, 1)

    assert rounded_otherwise(storage, in_pieces) == 0


@pytest.mark.parametrize("target", TARGETS)
def test_the_vector_of_a_narrow_matrix_is_not_rounded(target: str, tmp_path: Path) -> None:
    """Of the unit matrix the product is x itself, to the last of its 24 bits, whatever its size."""
    case = Case("o_proj_matvec", Sizes({"out": 256, "in": 256}))
    for storage in ("bf16", "f16"):
        arrays = case.inputs(storage)
        arrays["weight"][...] = np.eye(256)
        arrays["x"] *= np.float32(2.0) ** np.arange(-64, 64, 0.5, dtype=np.float32).round()
        emitted = emitted_for(case, target, storage)
        execute([emitted], tmp_path)(emitted, arrays, 1)
        assert np.array_equal(arrays["x"], arrays["y"])


def test_the_text_is_deterministic_commented_and_formatted(tmp_path: Path) -> None:
    for case in TRUE:
        for target in TARGETS:
            for storage in STORAGES:
                first, again = (emitted_for(case, target, storage) for _ in range(2))
                assert first.text == again.text
                assert KERNELS[case.kernel].doc in first.text
                (tmp_path / f"{case.kernel}_{target}_{storage}.py").write_text(first.text, "utf-8")
    config = f"--config={ROOT}/pyproject.toml"
    ruff = [sys.executable, "-m", "ruff", "format", "--check", config, str(tmp_path)]
    found = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "102 files already formatted"
