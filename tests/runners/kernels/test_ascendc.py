"""Each kernel's AscendC text computes what the oracle says, within what CANN documents, on any number of cores."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

from runners.kernels.emit.ascendc import emit
from runners.kernels.expr import Axis, Load, Store, f32, i32, kernel, largest, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.proofs import record_proof
from tests.runners.kernels.ascendc_runs import TOOL, emitted_for, on
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case, relative_error
from tests.runners.kernels.simt_runs import (
    EXACT,
    ROUNDED,
    WIDENED,
    inputs,
    repeated,
    rounded_otherwise,
    rounding_case,
    wanted,
    widened_otherwise,
    wrong,
)
from tests.simulators.ascendc import Simulator

PERIOD = 509  # rows that are drawn; a prime, so that no tile meets the same ones at the same place
FAR = 2000  # rows from which on a true shape repeats those
QUICK = ["-O0"]  # to compile many texts of few numbers
EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 4099, "in": 24})),  # many rows in a tile, and few in the last
    Case("lm_head_matvec", Sizes({"out": 30, "in": 2500})),  # rows in parts, the last one short
    Case("mlp_gate_up_silu", Sizes({"out": 9, "in": 3840})),  # two matrices, rows in equal parts
    Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 2, "head_dim": 512}), 9, 10),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 1, "head_dim": 301}), 300, 303),
    Case("embedding_lookup", Sizes({"vocab": 7, "hidden": 5001})),  # a row in pieces
    Case("silu", Sizes({"rows": 3, "cols": 9000})),
    Case("rms_norm", Sizes({"rows": 50, "cols": 40}, {"rms_norm_eps": 1e-6})),  # several rows a core
    Case("kv_cache_append", Sizes({"kv_heads": 50, "head_dim": 24}), 3, 4),
    Case("argmax_greedy", Sizes({"vocab": 10007})),  # the last chunk overlaps
]
NEAR = [c for c in TRUE if c.sizes.programs(KERNELS[c.kernel]) < FAR and "vocab" not in c.sizes.lengths]
MANY_ROWS = [case for case in TRUE if case.sizes.programs(KERNELS[case.kernel]) >= FAR]

OfStorage = Callable[[Storage], Simulator]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
    """All tiny and odd texts of a storage type, compiled together when first asked for."""

    @cache
    def simulator(storage: Storage) -> Simulator:
        texts = [emitted_for(case, storage) for case in [*TINY, *EXTRA]]
        return Simulator(texts, tmp_path_factory.mktemp(f"tiny-{storage}"), flags=QUICK)

    return simulator


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """All published texts, compiled together."""
    texts = [emitted_for(case, "bf16") for case in TRUE]
    return Simulator(texts, tmp_path_factory.mktemp("published"))


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_on_one_core_and_on_several(
    name: str, storage: Storage, tiny: OfStorage
) -> None:
    cases = [case for case in [*TINY, *EXTRA] if case.kernel == name]
    texts = [emitted_for(case, storage) for case in cases]
    pairs = zip(cases, texts, strict=True)
    found = [fault for case, text in pairs for fault in wrong(case, storage, on(tiny(storage), text, case))]
    assert found == []
    for text in texts:
        record_proof(name, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_kernel_is_right_at_the_published_models_shape(case: Case, published: Simulator) -> None:
    text = emitted_for(case, "bf16")
    assert wrong(case, "bf16", on(published, text, case, text.launch["blocks"])) == []
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", MANY_ROWS, ids=str)
def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
    case: Case, published: Simulator
) -> None:
    (axis,) = KERNELS[case.kernel].parallel
    rows = case.sizes.lengths[axis.name]
    few = Case(case.kernel, Sizes({**case.sizes.lengths, axis.name: PERIOD}, case.sizes.settings))
    drawn = inputs(few, "bf16")
    ((name, right),) = wanted(few, "bf16", drawn).items()
    along = {array.name for array in KERNELS[case.kernel].arrays if axis in array.axes}
    arrays = {key: repeated(array, rows) if key in along else array for key, array in drawn.items()}
    text = emitted_for(case, "bf16")
    published.run(text, arrays)
    got = arrays[name]
    assert relative_error(right, got[:PERIOD]) <= (EXACT if right.dtype == np.float64 else ROUNDED)
    assert np.array_equal(repeated(got[:PERIOD], rows).view(np.uint8), got.view(np.uint8))
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL)
