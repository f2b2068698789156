"""A bug put into the emitted NKI text makes the check fail: what the other tests would notice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runners.kernels.sizes import Sizes, Storage
from tests.runners.kernels.cases import Case
from tests.runners.kernels.nki_runs import TARGETS, wrong, wrong_text
from tests.runners.kernels.text_runs import emitted_for, inputs, wanted
from tests.simulators.nki import loaded, packed, run_module

MATRIX = Sizes({"out": 16640, "in": 384})
ATTENTION = Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 300, 310)
ROPE = Case("rope_qk", Sizes({"q_heads": 4, "kv_heads": 2, "half": 2, "pair": 8}), 37, 60)
APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 8}), 37, 64)
EMBED = Case("embedding_lookup", Sizes({"vocab": 200, "hidden": 40}))
ROW = Case("rms_norm", Sizes({"rows": 1, "cols": 1536}, {"rms_norm_eps": 1e-6}))
ROWS = Case("softmax", Sizes({"rows": 133, "cols": 67}))
Bugs = list[tuple[str, str]]

BOTH: list[tuple[Case, Bugs]] = [
    (
        Case("q_proj_matvec", MATRIX),
        [
            ("tiles = min(GROUP, OUT_TILES - first)", "tiles = GROUP"),
            ("tiles = min(GROUP, OUT_TILES - first)", "tiles = OUT_TILES - first"),
            ("weight_panels[first + t,", "weight_panels[t,"),
            ("weight_tile[:, k, :]", "weight_tile[:, 0, :]"),
            ("moving=x_parts[:, k, :]", "moving=x_parts[:, 0, :]"),
            ("moving=x_parts[:, k, :]", "moving=x_left"),
            ("OUT_LANES = 128", "OUT_LANES = 256"),
            ("nl.shared_hbm", "nl.private_hbm"),
            ("IN_LANES = 128", "IN_LANES = 192"),
            ("data2=x_parts[:, :, 0]", "data2=x_parts[:, :, 1]"),
        ],
    ),
    (
        ROW,
        [("1.0 / COLS", "1.0 / ROWS"), ("value=1.0", "value=0.5"), ("operand1=RMS_NORM_EPS", "operand1=0.0")],
    ),
    (
        ROWS,
        [
            ("rows = min(ROW_TILE, ROWS - first)", "rows = ROW_TILE"),
            ("ROW_TILE = 128", "ROW_TILE = 133"),
            ("op=nl.maximum", "op=nl.minimum"),
            ("op=nl.exp", "op=nl.copy"),
            ("axis=1", "axis=0"),
        ],
    ),
    (
        ATTENTION,
        [
            ("src=-3.0e38, predicate=past", "src=0.0, predicate=past"),
            ("op0=nl.minimum", "op0=nl.maximum"),
            ("op0=nl.greater,", "op0=nl.greater_equal,"),
            ("op0=nl.greater,", "op0=nl.less,"),
            ("operand1=kv_head * capacity", "operand1=0"),
            ("q[kv_head, :, :]", "q[1 - kv_head, :, :]"),
            ("y[kv_head, :, :]", "y[1 - kv_head, :, :]"),
            ("HEAD_DIM**-0.5", "HEAD_DIM**-1"),
            ("-(-capacity // TOKENS)", "capacity // TOKENS"),
            ("op=nl.maximum", "op=nl.minimum"),
            ("TOKENS = 128", "TOKENS = 256"),
        ],
    ),
    (ROPE, [("q[:, 1, :]", "q[:, 0, :]"), ("op=nl.subtract", "op=nl.add")]),
    (APPEND, [("op0=nl.add, ", "op0=nl.subtract, "), ("return keys, values", "return values, keys")]),
]
TRN1: list[tuple[Case, Bugs]] = [
    (
        Case("q_proj_matvec", MATRIX),
        [
            ("total_sums += nisa.nc_matmul", "total_sums = nisa.nc_matmul"),
            (
                "(OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum",
                "(OUT_LANES, PARTS), dtype=nl.bfloat16, buffer=nl.psum",
            ),
            ("dtype=nl.float32, buffer=nl.psum", "dtype=nl.float32, buffer=nl.sbuf"),
            ("data2=bias_tile", "data2=total"),
            ("total_columns[:, nl.ds(t, 1)]", "total_columns[:, nl.ds(0, 1)]"),
            ("for first in nl.static_range", "for first in nl.affine_range"),
        ],
    ),
    (
        ATTENTION,
        [
            ("values_weighed += nisa.nc_matmul", "values_weighed = nisa.nc_matmul"),
            ("row[nl.arange(TOKENS)[:, None], t]", "row[nl.arange(TOKENS)[:, None], 0]"),
            ("keys_rows[row[", "values_rows[row["),
            ("scores[...] = nisa.activation", "scores[:, 0:1] = nisa.activation"),
        ],
    ),
    (APPEND, [(": nt.mutable_tensor", ""), (", dtype=nl.bfloat16", "")]),
    (EMBED, [("token_tile[nl.arange(1)[:, None], 0]", "token_tile[nl.arange(2)[:, None], 0]")]),
    (
        Case("layernorm", Sizes({"rows": 3, "cols": 1025})),
        [("keepdims=True, dtype=nl.float32", "keepdims=True")],
    ),
]
TRN2: list[tuple[Case, Bugs]] = [
    (
        Case("q_proj_matvec", MATRIX),
        [
            ("accumulate=k > 0", "accumulate=True"),
            ("accumulate=k > 0", "accumulate=False"),
            ("dst=total_columns[:, nl.ds(t, 1)]", "dst=total_columns[:, nl.ds(0, 1)]"),
            ("dtype=nl.float32, buffer=nl.psum", "dtype=nl.bfloat16, buffer=nl.psum"),
            ("PARTS = 3", "PARTS = 600"),
            (
                "nisa.tensor_tensor(dst=q_tile, data1=total, data2=bias_tile, op=nl.add)",
                "nisa.dma_copy(dst=q_tile, src=total)",
            ),
            ("IN_STEPS, OUT_LANES), dtype=nl.bfloat16", "200 * IN_STEPS, OUT_LANES), dtype=nl.bfloat16"),
        ],
    ),
    (
        ATTENTION,
        [
            ("accumulate=t > 0", "accumulate=False"),
            ("values_rows.vector_select", "keys_rows.vector_select"),
            ("channel_multiplier=1)", "channel_multiplier=0)"),
            ("pattern=[[TOKENS, tiles]]", "pattern=[[1, tiles]]"),
            ("stationary=q_tile_columns", "stationary=q_tile_turned"),
        ],
    ),
    (ROPE, [("cosines.vector_select(0, position_for_q_heads)", "cosines[0:Q_HEADS, :]")]),
    (EMBED, [("vector_select(0, token_tile)", "vector_select(0, table_tile)")]),
]
PLANTED = [
    *((case, target, bugs) for case, bugs in BOTH for target in TARGETS),
    *((case, "nki", bugs) for case, bugs in TRN1),
    *((case, "nki-trn2", bugs) for case, bugs in TRN2),
]


@pytest.mark.parametrize(
    ("case", "target", "planted"), PLANTED, ids=lambda value: "" if isinstance(value, list) else str(value)
)
def test_a_planted_bug_makes_the_check_fail(case: Case, target: str, planted: Bugs, tmp_path: Path) -> None:
    storage: Storage = "bf16"
    assert wrong(case, storage, tmp_path, (target,)) == []
    unnoticed = [bug for bug in planted if not wrong(case, storage, tmp_path, (target,), bug)]
    assert unnoticed == []


@pytest.mark.parametrize("target", TARGETS)
def test_scores_whose_powers_overflow_are_noticed(target: str, tmp_path: Path) -> None:
    emitted, arrays = emitted_for(ATTENTION, target, "bf16"), inputs(ATTENTION, "bf16")
    arrays["q"] *= 40
    right = wanted(ATTENTION, "bf16", arrays)
    as_they_are = emitted.text.replace("op0=nl.subtract, operand0=largest", "op0=nl.subtract, operand0=0.0")
    assert wrong_text(emitted, emitted.text, arrays, right, tmp_path) == []
    assert wrong_text(emitted, as_they_are, arrays, right, tmp_path) != []


def test_a_text_leaves_the_next_what_it_was_given(tmp_path: Path) -> None:
    """A cache that one text wrote would hide that the next writes nothing."""
    emitted, arrays = emitted_for(APPEND, "nki", "bf16"), inputs(APPEND, "bf16")
    before = {name: array.tobytes() for name, array in arrays.items()}
    assert wrong_text(emitted, emitted.text, arrays, wanted(APPEND, "bf16", arrays), tmp_path) == []
    assert before == {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("target", TARGETS)
def test_the_last_of_equal_largest_is_noticed(target: str, tmp_path: Path) -> None:
    emitted = emitted_for(Case("argmax_greedy", Sizes({"vocab": 300})), target, "f32")
    arrays = {"logits": np.zeros(300, np.float32), "token": np.array(-1, np.int32)}
    later = (
        emitted.text.replace("op=nl.minimum", "op=nl.maximum")
        .replace("VOCAB)", "-1)")
        .replace("value=VOCAB,", "value=-1,")
    )
    found = [
        run_module(emitted, loaded(emitted, text, tmp_path), packed(emitted, arrays))["token"].item()
        for text in (emitted.text, later)
    ]
    assert found == [0, 299]
