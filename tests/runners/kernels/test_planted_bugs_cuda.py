"""The checks of CUDA texts see a bug: each of these, planted in an emitted text, is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from runners.kernels.emit import Emitted
from runners.kernels.sizes import Sizes, Storage
from tests.runners.kernels.cases import Case
from tests.runners.kernels.simt_runs import emitted_for, inputs, on, rounded_otherwise, rounding_case, wrong
from tests.simulators.simt import Sanitized, SimulationError, Simulator

ATTENTION = Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 64}), 700, 703)
SOFTMAX = Case("softmax", Sizes({"rows": 2, "cols": 1025}))
NORM = Case("rms_norm", Sizes({"rows": 2, "cols": 600}, {"rms_norm_eps": 1e-6}))
RAGGED = Case("o_proj_matvec", Sizes({"out": 4099, "in": 24}))
Q_PROJ = Case("q_proj_matvec", Sizes({"out": 67, "in": 264}))
ROPE = Case("rope_qk", Sizes({"q_heads": 3, "kv_heads": 2, "half": 2, "pair": 6}), 5, 9)
APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 10}), 5, 9)
TO_BF16, TO_F16 = rounding_case("bf16"), rounding_case("f16")
ARGMAX = Case("argmax_greedy", Sizes({"vocab": 3000}))


@dataclass(frozen=True, slots=True)
class Bug:
    """A text in which each of ``changes`` is made."""

    name: str
    case: Case
    changes: tuple[tuple[str, str], ...]
    storage: Storage = "bf16"

    def planted(self) -> Emitted:
        """The emitted text with the bug, in which every replaced piece stood."""
        emitted = emitted_for(self.case, "cuda", self.storage)
        text = emitted.text
        for old, new in self.changes:
            assert old in text, f"{self.name}: nothing to replace: {old}"
            text = text.replace(old, new)
        return replace(emitted, text=text)


def bug(name: str, case: Case, *changes: tuple[str, str], storage: Storage = "bf16") -> Bug:
    return Bug(name, case, changes, storage)


MERGED = "    __syncthreads();\n    for (int each"
SHARED_SHARES = "    __syncthreads();\n    for (int head_dim"
SECOND_SUM = "    __syncthreads();\n    total = lane_sum"
BUGS = [
    bug("no barrier before a row's sum is read", SOFTMAX, (SECOND_SUM, SECOND_SUM.split("\n", 1)[1])),
    bug("no barrier before the teams are merged", ATTENTION, (MERGED, MERGED.split("\n", 1)[1])),
    bug("no barrier before the shares are read", ATTENTION, (SHARED_SHARES, SHARED_SHARES.split("\n", 1)[1])),
    bug("no barrier before the best is read", ARGMAX, ("    __syncthreads();\n", "")),
    bug(
        "a barrier that some threads skip",
        SOFTMAX,
        ("    __syncthreads();", "    if (warp) __syncthreads();"),
    ),
    bug(
        "a shuffle that some lanes skip", Q_PROJ, ("total[row] = lane_sum", "if (lane) total[row] = lane_sum")
    ),
    bug("a row without its last element", SOFTMAX, ("start < COLS", "start < COLS - 1")),
    bug("a sum without its last run", Q_PROJ, (">= IN", ">= IN - RUN")),
    bug("half of the lanes left out of the sums", Q_PROJ, ("distance > 0", "distance > 1")),
    bug("no bias", Q_PROJ, (" + widen(bias[out])", "")),
    bug("all rows of a warp read from the first", RAGGED, ("? first + row :", "? first :")),
    bug("rows beyond the first of a warp not written", RAGGED, ("lane == 0 &&", "lane == 0 && row == 0 &&")),
    bug("no epsilon", NORM, (" + RMS_NORM_EPS", "")),
    bug("a sum where the mean belongs", NORM, ("total / (float)COLS", "total")),
    bug("keys of another head", ATTENTION, ("&keys[(kv_heads *", "&keys[(group % KV_HEADS *")),
    bug("a group that misses a query head", ATTENTION, ("block % GROUP", "block % (GROUP - 1)")),
    bug("the newest token left out", ATTENTION, ("TOKENS = position[0] + 1", "TOKENS = position[0]")),
    bug("a token too many", ATTENTION, ("TOKENS = position[0] + 1", "TOKENS = position[0] + 2")),
    bug("tokens that no team has counted", ATTENTION, ("next < TOKENS ? total_1", "true ? total_1")),
    bug("sums not rescaled as the largest grows", ATTENTION, ("total_3[i] *= rescale;", ";")),
    bug("the total not rescaled", ATTENTION, ("    total_2 *= rescale;\n", "")),
    bug("scores not scaled", ATTENTION, (" * rsqrtf((float)HEAD_DIM)", "")),
    bug("a cache read as if it were as long as its tokens", ATTENTION, ("* capacity +", "* TOKENS +")),
    bug("the row before the position", APPEND, ("(long long)position[0]", "(long long)(position[0] - 1)")),
    bug("a cache written by another head", APPEND, ("&keys[(kv_heads *", "&keys[((1 - kv_heads) *")),
    bug("angles of the token before", ROPE, ("(long long)position[0]", "(long long)(position[0] - 1)")),
    bug("turned the other way", ROPE, ("cosines_run[i] - ", "cosines_run[i] + ")),
    bug("the smallest in place of the largest", ARGMAX, ("value > best_value", "value < best_value")),
]

ROUNDING_BUGS = [
    bug("truncated", TO_BF16, ("bits + 0x7fffu + (bits >> 16 & 1u)", "bits")),
    bug("ties away from zero", TO_BF16, ("0x7fffu + (bits >> 16 & 1u)", "0x8000u")),
    bug("NaN rounded to infinity", TO_BF16, ("bits >> 16 | 0x40u", "0x7f80u")),
    bug("ties away from zero", TO_F16, ("(magnitude >> 13 & 1u)", "1u"), storage="f16"),
    bug("subnormals lost", TO_F16, ("? subnormal :", "? 0u :"), storage="f16"),
    bug("infinity rounded to the largest number", TO_F16, ("? 0x7c00u", "? 0x7bffu"), storage="f16"),
]


def found_in(planted: Bug, folder: Path) -> bool:
    """Whether the check that all kernels pass finds the bug: an error of the simulator, or a wrong number."""
    emitted = planted.planted()
    run = on(Simulator([emitted], folder, flags=["-O1"]), emitted, planted.case)
    try:
        return wrong(planted.case, planted.storage, run) != []
    except SimulationError:
        return True


@pytest.mark.parametrize("planted", BUGS, ids=lambda planted: str(planted.name))
def test_a_planted_bug_is_found(planted: Bug, tmp_path: Path) -> None:
    assert found_in(planted, tmp_path)


@pytest.mark.parametrize("case", {str(planted.case): planted.case for planted in BUGS}.values(), ids=str)
def test_what_bugs_are_planted_in_is_right_without_them(case: Case, tmp_path: Path) -> None:
    storages = {planted.storage for planted in BUGS if planted.case == case}
    for storage in storages:
        assert not found_in(Bug("none", case, (), storage), tmp_path)


@pytest.mark.parametrize("planted", ROUNDING_BUGS, ids=lambda planted: f"{planted.name}-{planted.storage}")
def test_a_wrong_rounding_is_found(planted: Bug, tmp_path: Path) -> None:
    emitted = planted.planted()
    run = on(Simulator([emitted], tmp_path), emitted, planted.case)
    assert rounded_otherwise(planted.storage, run) > 0


def test_a_kernel_that_reads_behind_an_array_is_stopped(tmp_path: Path) -> None:
    planted = bug("one element too many", SOFTMAX, ("start < COLS", "start <= COLS")).planted()
    with pytest.raises(SimulationError, match="heap-buffer-overflow"):
        Sanitized([planted], tmp_path).run(planted, inputs(SOFTMAX, "bf16"))


def test_a_16_byte_load_at_an_odd_place_is_stopped(tmp_path: Path) -> None:
    planted = bug(
        "one element on", NORM, ("load_f32(&x[rows * COLS + start]", "load_f32(&x[rows * COLS + 1 + start]")
    ).planted()
    with pytest.raises(SimulationError, match="misaligned"):
        Sanitized([planted], tmp_path).run(planted, inputs(NORM, "bf16"))


def test_a_barrier_that_some_threads_skip_is_reported_with_those_that_wait(tmp_path: Path) -> None:
    planted = bug("skipped", SOFTMAX, ("    __syncthreads();", "    if (warp) __syncthreads();")).planted()
    with pytest.raises(SimulationError, match=r"block 0: deadlock|meet at different places"):
        Simulator([planted], tmp_path).run(planted, inputs(SOFTMAX, "bf16"))
