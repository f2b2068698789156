"""The checks of AscendC texts see a bug: each of those planted in an emitted text is found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pytest

from runners.kernels.emit import Emitted
from runners.kernels.emit.ascendc_body import BARRIER
from runners.kernels.sizes import Sizes, Storage
from tests.runners.kernels.ascendc_runs import emitted_for, on
from tests.runners.kernels.cases import Case, relative_error
from tests.runners.kernels.text_runs import ROUNDED, inputs, rounded_otherwise, rounding_case, wanted, wrong
from tests.simulators.ascendc import Simulator
from tests.simulators.simt import SimulationError

ATTENTION = Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 128}), 700, 703)
SOFTMAX = Case("softmax", Sizes({"rows": 50, "cols": 1025}))
GELU = Case("gelu", Sizes({"rows": 5, "cols": 1025}))
LAYERNORM = Case("layernorm", Sizes({"rows": 5, "cols": 1025}))
NORM = Case("rms_norm", Sizes({"rows": 5, "cols": 600}, {"rms_norm_eps": 1e-6}))
Q_PROJ = Case("q_proj_matvec", Sizes({"out": 67, "in": 260}))
PARTS = Case("lm_head_matvec", Sizes({"out": 30, "in": 2500}))
GATE_UP = Case("mlp_gate_up_silu", Sizes({"out": 30, "in": 3840}))
ROPE = Case("rope_qk", Sizes({"q_heads": 3, "kv_heads": 2, "half": 2, "pair": 6}), 5, 9)
APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 10}), 5, 9)
LOOKUP = Case("embedding_lookup", Sizes({"vocab": 7, "hidden": 5001}))
ARGMAX = Case("argmax_greedy", Sizes({"vocab": 13_000}))  # the largest are in the third chunk and in the last


@dataclass(frozen=True, slots=True)
class Bug:
    """A text in which each of ``changes`` is made."""

    name: str
    case: Case
    changes: tuple[tuple[str, str], ...]
    storage: Storage = "bf16"

    def __str__(self) -> str:
        return f"{self.name}-{self.case.kernel}"

    def planted(self) -> Emitted:
        """The emitted text with the bug, in which every replaced piece stood."""
        emitted = emitted_for(self.case, self.storage)
        text = emitted.text
        for old, new in self.changes:
            assert old in text, f"{self.name}: nothing to replace: {old}"
            text = text.replace(old, new)
        return replace(emitted, text=text)


def bug(name: str, case: Case, *changes: tuple[str, str], storage: Storage = "bf16") -> Bug:
    return Bug(name, case, changes, storage)


ROWS_LEFT = "OUT - out < TILE_ROWS ? OUT - out : TILE_ROWS"
COLS_LEFT = "IN - in < TILE_COLS ? IN - in : TILE_COLS"
TOKENS_LEFT = "positionValue + 1 - start < TOKENS ? positionValue + 1 - start : TOKENS"
REFRESHED = (
    "DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>(positionGm);"
)
TAIL_MASK = "width - c < 64 ? width - c : 64"
DIVIDED = "Div(number2Local, number2Local, number1Local, 1)"
COPIED = "Muls(number2Local, number1Local, 1.0f, 1)"
COPY_IN = "        CopyIn(xQueue, xGm[rows * COLS], COLS);\n"
PADDED = """\
DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0}, DataCopyPadExtParams<T>{false, 0, 0, 0});"""
IN_16_BITS = """\
    LocalTensor<bfloat16_t> narrow = row1Buffer.Get<bfloat16_t>();
    PipeBarrier<PIPE_V>();
    Cast(narrow, totalLocal, RoundMode::CAST_RINT, 8);
    PipeBarrier<PIPE_V>();
    Cast(totalLocal, narrow, RoundMode::CAST_NONE, 8);
    PipeBarrier<PIPE_V>();
    LocalTensor<bfloat16_t> biasLocal ="""
BUGS = [
    bug("a tile of rows beyond the last", Q_PROJ, (ROWS_LEFT, "TILE_ROWS")),
    bug("no last tile", Q_PROJ, ("tile < TILES", "tile < TILES - 1")),
    bug("a part of a row beyond its end", PARTS, (COLS_LEFT, "TILE_COLS")),
    bug("only the first part of a row", PARTS, ("in < IN;", "in < TILE_COLS;")),
    bug("the vector's first part for all", PARTS, ("xLocal[in]", "xLocal")),
    bug("a row without its last elements", Q_PROJ, ("c < cols", "c < cols - 4")),
    bug("what fills a row up is added too", Q_PROJ, (TAIL_MASK, "64")),
    bug("what fills a row up is the largest too", SOFTMAX, ("reducedLocal, COLS)", "reducedLocal, COLS + 1)")),
    bug("tokens beyond the last", ATTENTION, (TOKENS_LEFT, "TOKENS")),
    bug("the last token left out", ATTENTION, ("start < positionValue + 1", "start < positionValue / 64 * 64")),
    bug("a position read from a stale line", ATTENTION, (f"    {REFRESHED}\n", "")),
    bug("one token too few", ATTENTION, ("positionValue + 1", "positionValue")),
    bug("the position before", APPEND, ("GetValue(0)", "GetValue(0) - 1")),
    bug("the angles of the position before", ROPE, ("GetValue(0)", "GetValue(0) - 1")),
    bug("the next row of the table", LOOKUP, ("GetValue(0)", "GetValue(0) - 1 + 2 * (GetBlockIdx() < 0)")),
    bug("the capacity taken for the length", ATTENTION, ("kv_heads * capacity", "kv_heads * (capacity - 1)")),
    bug("swapped heads", ATTENTION, ("Gm[(kv_heads * capacity", "Gm[(program % KV_HEADS * capacity")),
    bug("every head of the first group", ATTENTION, ("keysGm[(kv_heads * capacity", "keysGm[(0 * capacity")),
    bug("sums that are not rescaled", ATTENTION, ("MulNumber(total2Local", "if (start < 0) MulNumber(total2Local")),
    bug("half of the tokens not summed", ATTENTION, ("half = (left + 1) / 2", "half = left / 2")),
    bug("turned the other way", ROPE, ("Sub(", "Add(")),
    bug("no bias", Q_PROJ, ("Add(qLocal, totalLocal, row1Local", "Max(qLocal, totalLocal, totalLocal")),
    bug("the gate read from the other matrix", GATE_UP, ("gateWeightGm[", "upWeightGm[")),
    bug("sums kept in 16 bits", Q_PROJ, ("    LocalTensor<bfloat16_t> biasLocal =", IN_16_BITS)),
    bug("no epsilon", NORM, ("Adds(number1Local, number1Local, 1e-06f, 1);", "")),
    bug("a reciprocal root that is estimated", NORM, ("Sqrt(", "Rsqrt("), (DIVIDED, COPIED)),
    bug("the smallest in place of the largest", ARGMAX, ("ReduceMax(", "ReduceMin(")),
    bug("the last of equals", ARGMAX, ("ReduceMin(", "ReduceMax(")),
    bug("a chunk of the same indices", ARGMAX, ("Adds(placeLocal, placeLocal, 4096.0f, LANES);", "")),
    bug("the last chunk left out", ARGMAX, ("logitsGm[VOCAB - LANES]", "logitsGm[0]")),
    bug("a comparison of less than 256 bytes", ARGMAX, ("(LANES + 63) / 64 * 64", "LANES - 1")),
    bug("a tensor that never entered its queue", SOFTMAX, ("    queue.EnQue(to);\n", "")),
    bug("a tensor taken before it was copied", SOFTMAX, ("xQueue.DeQue<", "xQueue.AllocTensor<")),
    bug("a tensor that is never freed", SOFTMAX, ("        xQueue.FreeTensor(xLocal);\n", "")),
    bug("a result that is never freed", SOFTMAX, ("    queue.FreeTensor(from);\n", "")),
    bug("a result that leaves before it is computed", SOFTMAX, ("        yQueue.EnQue(yLocal);\n", "")),
    bug("a deeper queue than there is", SOFTMAX, (COPY_IN, COPY_IN * 2)),
    bug("a copy of no multiple of 32 bytes", SOFTMAX, (PADDED, "DataCopy(to, from, cols);")),
    bug("an operand at no multiple of 32 bytes", Q_PROJ, ("x[c], row[c]", "x[c + 1], row[c + 1]")),
    bug("rows copied closer than they are read", Q_PROJ, ("CopyRowsIn<272>", "CopyRowsIn<288>")),
    bug("a buffer beyond the unified buffer", Q_PROJ, ("(wideBuffer, 8 *", "(wideBuffer, 800 *")),
    bug("a buffer that is too small", Q_PROJ, ("(wideBuffer, 8 *", "(wideBuffer, 7 *")),
    bug("more repeats than an instruction has", SOFTMAX, ("spread, 64, whole,", "spread, 64, whole + 256,")),
]  # fmt: skip
ROUNDING = [
    bug("truncated", rounding_case("bf16"), ("CAST_RINT", "CAST_TRUNC")),
    bug("ties away from zero", rounding_case("bf16"), ("CAST_RINT", "CAST_ROUND")),
    bug("truncated", rounding_case("f16"), ("CAST_RINT", "CAST_TRUNC"), storage="f16"),
    bug("ties away from zero", rounding_case("f16"), ("CAST_RINT", "CAST_ROUND"), storage="f16"),
]
FORGOTTEN = bug("a largest score forgotten", ATTENTION, ("Max(grownLocal, grownLocal, largestLocal, 1);", ""))
ORDERED = [ATTENTION, SOFTMAX, GELU, LAYERNORM, NORM, Q_PROJ, PARTS, GATE_UP, ROPE, ARGMAX]


def without_one_barrier(case: Case) -> list[Emitted]:
    """The text of a case as often as it has barriers, each time without another one."""
    emitted = emitted_for(case, "bf16")
    places = [found.span() for found in re.finditer(re.escape(BARRIER), emitted.text)]
    return [replace(emitted, text=emitted.text[:start] + emitted.text[end:]) for start, end in places]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """All texts with a bug, and those they come from, compiled together."""
    right = [emitted_for(planted.case, planted.storage) for planted in BUGS]
    wrongs = [planted.planted() for planted in [*BUGS, *ROUNDING, FORGOTTEN]]
    unordered = chain.from_iterable(map(without_one_barrier, ORDERED))
    return Simulator([*right, *wrongs, *unordered], tmp_path_factory.mktemp("planted"), flags=["-O0"])


def found(emitted: Emitted, case: Case, storage: Storage, simulator: Simulator) -> bool:
    """Whether the check that all kernels pass finds fault with a text: a rule broken, or a wrong number."""
    try:
        return wrong(case, storage, on(simulator, emitted, case)) != []
    except SimulationError:
        return True


@pytest.mark.parametrize("planted", BUGS, ids=str)
def test_a_planted_bug_is_found(planted: Bug, simulator: Simulator) -> None:
    assert found(planted.planted(), planted.case, planted.storage, simulator)


@pytest.mark.parametrize("case", {str(planted.case): planted.case for planted in BUGS}.values(), ids=str)
def test_what_bugs_are_planted_in_is_right_without_them(case: Case, simulator: Simulator) -> None:
    assert not found(emitted_for(case, "bf16"), case, "bf16", simulator)


@pytest.mark.parametrize("case", ORDERED, ids=str)
def test_each_barrier_is_needed_and_its_absence_found(case: Case, simulator: Simulator) -> None:
    texts = without_one_barrier(case)
    assert len(texts) >= 3
    missed = [place for place, text in enumerate(texts) if not found(text, case, "bf16", simulator)]
    assert missed == []


@pytest.mark.parametrize("planted", ROUNDING, ids=lambda planted: f"{planted.name}-{planted.storage}")
def test_a_wrong_rounding_is_found(planted: Bug, simulator: Simulator) -> None:
    emitted = planted.planted()
    assert rounded_otherwise(planted.storage, on(simulator, emitted, planted.case)) > 0


def test_scores_whose_powers_overflow_are_noticed(simulator: Simulator) -> None:
    arrays = inputs(ATTENTION, "bf16")
    arrays["q"] *= 100
    arrays["keys"][:, 64:] = 0  # after the first block there are smaller scores alone
    right = wanted(ATTENTION, "bf16", arrays)["y"]
    errors = []
    for emitted in (emitted_for(ATTENTION, "bf16"), FORGOTTEN.planted()):
        arrays["y"].fill(np.nan)
        simulator.run(emitted, arrays, capacity=ATTENTION.capacity)
        errors.append(relative_error(right, arrays["y"]))
    assert errors[0] < ROUNDED  # f32 products of 100 and more are off by as much
    assert not errors[1] < 1
