"""Each kernel's PTO text computes what the oracle says, on any number of cores, in a simulator that refuses much."""

from __future__ import annotations

import re
from functools import partial
from typing import get_args

import pytest

from runners.kernels.emit.pto import emit
from runners.kernels.expr import Load, Store, f32, i32, kernel, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, tokens
from tests.proofs import record_proof
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case
from tests.runners.kernels.pto_runs import TOOL, emitted_for, on
from tests.runners.kernels.text_runs import (
    MANY_ROWS,
    NEAR,
    WIDENED,
    rounded_otherwise,
    rounding_case,
    widened_otherwise,
    wrong,
    wrong_among_equals,
    wrong_in_a_vocabulary,
    wrong_where_rows_repeat,
)
from tests.runners.kernels.tile_cases import TILED
from tests.simulators.pto import Simulator


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_on_one_core_and_on_several(
    name: str, storage: Storage
) -> None:
    cases = [case for case in TILED if case.kernel == name]
    texts = [emitted_for(case, storage) for case in cases]
    pairs = zip(cases, texts, strict=True)
    assert [fault for case, text in pairs for fault in wrong(case, storage, on(text, case))] == []
    for text in texts:
        record_proof(name, "pto", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_kernel_is_right_at_the_published_models_shape(case: Case, storage: Storage) -> None:
    text = emitted_for(case, storage)
    assert wrong(case, storage, on(text, case, text.launch["blocks"])) == []
    record_proof(case.kernel, "pto", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("case", MANY_ROWS, ids=str)
def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
    case: Case, storage: Storage
) -> None:
    text = emitted_for(case, storage)
    assert wrong_where_rows_repeat(case, storage, partial(Simulator([text]).run, text)) == []
    record_proof(case.kernel, "pto", text.sha256, "simulated", TOOL)


@pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(name: str) -> None:
    (case,) = (case for case in TRUE if case.kernel == name)
    text = emitted_for(case, "bf16")
    assert wrong_in_a_vocabulary(case, partial(Simulator([text]).run, text)) == []
    record_proof(name, "pto", text.sha256, "simulated", TOOL, cases=3)


def test_the_first_of_equal_largest_wins_wherever_they_are() -> None:
    text = emitted_for(TILED[-1], "f32")
    vocab = TILED[-1].sizes.lengths["vocab"]
    assert wrong_among_equals(vocab, partial(Simulator([text]).run, text)) == []


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_numbers_are_rounded_to_storage_as_numpy_rounds_them(storage: Storage) -> None:
    case = rounding_case(storage)
    assert rounded_otherwise(storage, on(emitted_for(case, storage), case)) == 0


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_every_stored_number_is_widened_to_itself(storage: Storage) -> None:
    text = emit(KERNELS["embedding_lookup"], WIDENED, storage)
    assert widened_otherwise(storage, partial(Simulator([text]).run, text)) == 0


def test_what_the_dialect_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lm_head_matvec: weight has more elements than 32 bits count"):
        emit(KERNELS["lm_head_matvec"], Sizes({"out": 2**20, "in": 2048}), "bf16")
    with pytest.raises(ValueError, match=r"softmax: its tiles take .* bytes"):
        emit(KERNELS["softmax"], Sizes({"rows": 1, "cols": 40_000}), "f32")


def test_a_sum_over_the_tokens_that_cannot_be_rescaled_is_refused_by_name() -> None:
    @kernel()
    def plain(w: Load = f32(tokens), position: Load = i32(), y: Load = f32()) -> Store:
        """y = the sum of w"""
        del position
        return y.set(total(w, tokens))

    with pytest.raises(NotImplementedError, match="plain: "):
        emit(plain, Sizes({}), "f32")


def test_the_text_is_deterministic_and_says_how_many_cores_are_good() -> None:
    for case in TINY:
        first, again = (emitted_for(case, "bf16") for _ in range(2))
        assert (first.text, first.launch) == (again.text, again.launch)
        assert set(first.launch) == {"blocks"}


def test_nothing_in_a_text_is_unused() -> None:
    for case in TRUE:
        text = emitted_for(case, "bf16").text
        for name in re.findall(r"^ *(%\w+) = |^(!\w+) = ", text, re.MULTILINE):
            word = re.escape(name[0] or name[1])
            assert len(re.findall(rf"{word}\b", text)) > 1, (case.kernel, word)


def test_the_printer_knows_no_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("pto*.py")]
    names = "|".join(kernel.name for kernel in DECODE_STEP)
    assert len(files) >= 6
    for file in files:
        assert re.findall(names, file.read_text("utf-8").lower()) == [], file.name
