"""A bug put into the emitted PTO text makes the check fail: what the other tests would notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runners.kernels.emit import Emitted
from runners.kernels.sizes import Sizes
from tests.runners.kernels.cases import Case, relative_error
from tests.runners.kernels.pto_runs import emitted_for, on
from tests.runners.kernels.text_runs import ROUNDED, inputs, wanted, wrong
from tests.simulators.pto import Refused, Simulator

MATRIX = Case("q_proj_matvec", Sizes({"out": 300, "in": 2500}))  # rows in two parts, tails of both
ATTENTION = Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 100, 130)
ROPE = Case("rope_qk", Sizes({"q_heads": 4, "kv_heads": 2, "half": 2, "pair": 8}), 37, 60)
APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 8}), 37, 64)
EMBED = Case("embedding_lookup", Sizes({"vocab": 200, "hidden": 40}))
ARGMAX = Case("argmax_greedy", Sizes({"vocab": 13_000}))  # the largest are in the third chunk and in the last
NORM = Case("layernorm", Sizes({"rows": 3, "cols": 67}))

PLANTED: list[tuple[Case, dict[str, tuple[str, str]]]] = [
    (
        MATRIX,
        {
            "a tile too few": ("%TILES = arith.constant 38", "%TILES = arith.constant 37"),
            "rows past the end": ("minui %TILE_ROWS, %rest", "minui %TILE_ROWS, %TILE_ROWS"),
            "columns past the end": ("minui %TILE_COLS, %rest_2", "minui %TILE_COLS, %TILE_COLS"),
            "the first columns again": ("offsets = [%out, %in]", "offsets = [%out, %c0]"),
            "the first part of x again": ("[%c0, %in] sizes", "[%c0, %c0] sizes"),
            "no bias": ("%total_part, %row_1_part :", "%total_part, %total_part :"),
            "the last part alone": ("tadd ins(%total_part, %partial_part", "tadd ins(%partial_part, %partial_part"),
            "a sum that starts anywhere": ("pto.texpands ins(%cst : f32) outs(%total_part : !tile_1x16xf32_nxn)", ""),
            "sums in f16": ("dtype=f32, rows=8, cols=1280", "dtype=f16, rows=8, cols=1280"),
            "products in bf16": ("dtype=f32, rows=8, cols=1280", "dtype=bf16, rows=8, cols=1280"),
            "an over-full buffer": ("dtype=f32, rows=8, cols=1280", "dtype=f32, rows=8, cols=12800"),
            "a row of 24 bytes": ("dtype=bf16, rows=1, cols=16", "dtype=bf16, rows=1, cols=12"),
            "a part that is not aligned": ("%TILE_COLS = arith.constant 1280", "%TILE_COLS = arith.constant 1250"),
            "a view larger than its array": ("shape = [%OUT, %IN]", "shape = [%IN, %IN]"),
            "a step that is the same for any number of cores": ("step %blocks", "step %c1"),
        },
    ),
    (
        ATTENTION,
        {
            "another KV head": ("arith.muli %kv_heads, %capacity", "arith.muli %c1, %capacity"),
            "the next query head": ("%q_row = arith.addi %product, %group", "%q_row = arith.addi %product, %c1"),
            "without the last token": ("arith.addi %position, %c1", "arith.muli %position, %c1"),
            "a token too many": ("arith.addi %position, %c1", "arith.addi %position, %c2"),
            "a block past the position": ("minui %TOKENS, %rest", "minui %TOKENS, %TOKENS"),
            "the heads' caches overlap": ("muli %kv_heads, %capacity", "muli %kv_heads, %position"),
            "one head's cache": ("arith.addi %product_2, %start", "arith.muli %start, %c1"),
            "no scaling of scores": ("arith.constant 0.25 :", "arith.constant 1.0 :"),
            "the largest is not kept": ("pto.tmov ins(%grown", "pto.tmov ins(%largest"),
            "no rescaling": ("pto.tmul ins(%total_1, %shrink", "pto.tmax ins(%total_1, %total_1"),
            "a total that starts anywhere": ("(%cst_2 : f32) outs(%total_2", "(%cst_2 : f32) outs(%part_2"),
            "all rows of a block": ("set_validshape %wide_part, %count", "set_validshape %wide_part, %TOKENS"),
            "keys for values": ("make_tensor_view %values_ptr", "make_tensor_view %keys_ptr"),
        },
    ),
    (
        ROPE,
        {
            "turned the other way": ("pto.tsub", "pto.tadd"),
            "the first token's angle": ("%cosines_view, offsets = [%position,", "%cosines_view, offsets = [%c0,"),
            "sines for cosines": ("pto.tmul ins(%q, %cosines", "pto.tmul ins(%q, %sines"),
        },
    ),
    (
        APPEND,
        {
            "the place before": ("arith.addi %product, %position", "arith.subi %product, %position"),
            "one head": ("muli %kv_heads, %capacity", "muli %kv_heads, %c1"),
            "keys for values": ("tcvt ins(%v :", "tcvt ins(%k :"),
            "a rounding towards zero": ("tcvt ins(%k :", "tcvt ins(%k {rmode = #pto<round_mode TRUNC>} :"),
            "a view of one head's cache": ("muli %capacity, %c2", "muli %capacity, %c1"),
            "more of a tile than is valid": ("v_row=1, v_col=8", "v_row=1, v_col=16"),
        },
    ),
    (
        ARGMAX,
        {
            "no barrier behind the scalar pipe": ("pto.barrier <PIPE_ALL>", ""),
            "a chunk of the same indices": ("arith.constant 4096.0", "arith.constant 0.0"),
            "the last chunk in the place of another": ("arith.constant -3384.0", "arith.constant 0.0"),
            "the last chunk left out": ("offsets = [%c0, %logits_first]", "offsets = [%c0, %c0]"),
            "the last of equals": ("pto.trowmin", "pto.trowmax"),
        },
    ),
    (EMBED, {"the first row": ("offsets = [%token,", "offsets = [%c0,")}),
    (
        NORM,
        {
            "no epsilon": ("arith.constant 1.0e-05", "arith.constant 0.0"),
            "the largest for the sum": ("pto.trowsum", "pto.trowmax"),
            "not centred": ("pto.trowexpandsub", "pto.trowexpandadd"),
            "an estimate of the root": ("pto.tsqrt", "pto.trsqrt"),
            "the padding too": ("v_row=1, v_col=67", "v_row=1, v_col=80"),
            "a row for a number": ("%number_1_column, %spread", "%number_1, %spread"),
            "scratch that is too small": ("dtype=f32, rows=8, cols=8", "dtype=f32, rows=1, cols=8"),
        },
    ),
]  # fmt: skip


def noticed(case: Case, emitted: Emitted) -> bool:
    """Whether the simulator refuses the text or its numbers are wrong."""
    try:
        return bool(wrong(case, "bf16", on(emitted, case)))
    except Refused:
        return True


@pytest.mark.parametrize(
    ("case", "planted"), PLANTED, ids=lambda value: str(value) if isinstance(value, Case) else ""
)
def test_a_planted_bug_makes_the_check_fail(case: Case, planted: dict[str, tuple[str, str]]) -> None:
    emitted = emitted_for(case, "bf16")
    assert wrong(case, "bf16", on(emitted, case)) == []
    assert [bug for bug, (old, _) in planted.items() if old not in emitted.text] == []
    unnoticed = [
        bug
        for bug, (old, new) in planted.items()
        if not noticed(case, replace(emitted, text=emitted.text.replace(old, new)))
    ]
    assert unnoticed == []


def test_the_last_of_equal_largest_is_noticed() -> None:
    emitted = emitted_for(Case("argmax_greedy", Sizes({"vocab": 10007})), "f32")
    for old, new, wins in (("", "", 0), ("#pto<cmp greater_than>", "#pto<cmp greater_equal>", 5911)):
        assert old in emitted.text
        text = replace(emitted, text=emitted.text.replace(old, new) if old else emitted.text)
        arrays = {"logits": np.zeros(10007, np.float32), "token": np.array(-1, np.int32)}
        Simulator([text]).run(text, arrays)
        assert arrays["token"] == wins


def test_scores_whose_powers_overflow_are_noticed() -> None:
    emitted, arrays = emitted_for(ATTENTION, "bf16"), inputs(ATTENTION, "bf16")
    arrays["q"] *= 100
    arrays["keys"][:, 64:] = 0  # after the first block there are smaller scores alone
    right, kept = wanted(ATTENTION, "bf16", arrays)["y"], "pto.tmax ins(%grown, %largest"
    assert kept in emitted.text
    errors = []
    for text in (emitted.text, emitted.text.replace(kept, "pto.tmax ins(%grown, %grown")):
        arrays["y"].fill(np.nan)
        planted = replace(emitted, text=text)
        Simulator([planted]).run(planted, arrays, ATTENTION.capacity)
        errors.append(relative_error(right, arrays["y"]))
    assert errors[0] < ROUNDED  # f32 products of 100 and more are off by as much
    assert not errors[1] < 1
