"""Bugs to plant in SIMT texts, spelled once for all languages, and what must find each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import ClassVar

import pytest

from runners.kernels.emit import Emitted, cuda, metal
from runners.kernels.emit.simt import Dialect
from runners.kernels.emit.simt_text import renamed
from runners.kernels.sizes import Sizes, Storage
from tests.runners.kernels.cases import Case
from tests.runners.kernels.simt_runs import fitting, on
from tests.runners.kernels.text_runs import (
    emitted_for,
    inputs,
    rounded_otherwise,
    rounding_case,
    wrong,
)
from tests.simulators.simt import Sanitized, SimulationError, Simulator

DIALECTS = {one.target: one for one in (cuda.DIALECT, metal.DIALECT, metal.MLX_DIALECT)}
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
    """A text in which each of ``changes`` is made, of words that stand for each language's own."""

    name: str
    case: Case
    changes: tuple[tuple[str, str], ...]
    storage: Storage = "bf16"

    def __str__(self) -> str:
        return f"{self.name}-{self.storage}"

    def planted(self, target: str) -> Emitted:
        """The emitted text with the bug, in which every replaced piece stood."""
        emitted = emitted_for(self.case, target, self.storage)
        text = emitted.text
        for old, new in self.changes:
            spelled = spelling(old, DIALECTS[target])
            assert spelled in text, f"{self.name}: nothing to replace: {spelled}"
            text = text.replace(spelled, spelling(new, DIALECTS[target]))
        return replace(emitted, text=text)


def spelling(text: str, dialect: Dialect) -> str:
    """``text`` with the language's names, and its words for what a ``$`` marks."""
    words = {name: getattr(dialect, name) for name in ("barrier", "private", "wide", "as_unsigned")}
    words |= {name: dialect.functions[name] for name in ("rsqrt", "fma")} | {"bf16": dialect.stored["bf16"]}
    return Template(renamed(text, dialect.names)).substitute(words)


def bug(name: str, case: Case, *changes: tuple[str, str], storage: Storage = "bf16") -> Bug:
    """A bug by its name."""
    return Bug(name, case, changes, storage)


MERGED = "    $barrier\n    for (int each"
SHARED_SHARES = "    $barrier\n    for (int head_dim"
SECOND_SUM = "    $barrier\n    total = lane_sum"
SKIPPED = bug("a barrier that some threads skip", SOFTMAX, ("    $barrier", "    if (warp) $barrier"))
IN_16_BITS = "total[row] = widen(($bf16)($as_unsigned(total[row]) >> 16)); total[row] = $fma("
BUGS = [
    bug("no barrier before a row's sum is read", SOFTMAX, (SECOND_SUM, SECOND_SUM.split("\n", 1)[1])),
    bug("no barrier before the teams are merged", ATTENTION, (MERGED, MERGED.split("\n", 1)[1])),
    bug("no barrier before the shares are read", ATTENTION, (SHARED_SHARES, SHARED_SHARES.split("\n", 1)[1])),
    bug("no barrier before the best is read", ARGMAX, ("    $barrier\n", "")),
    SKIPPED,
    bug(
        "a shuffle that some lanes skip", Q_PROJ, ("total[row] = lane_sum", "if (lane) total[row] = lane_sum")
    ),
    bug("a row without its last element", SOFTMAX, ("start < COLS", "start < COLS - 1")),
    bug("a sum without its last run", Q_PROJ, (">= IN", ">= IN - RUN")),
    bug("half of the lanes left out of the sums", Q_PROJ, ("distance > 0", "distance > 1")),
    bug("no bias", Q_PROJ, (" + widen(bias[out])", "")),
    bug("a sum in 16 bits", Q_PROJ, ("total[row] = $fma(", IN_16_BITS)),
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
    bug("scores not scaled", ATTENTION, (" * $rsqrt((float)HEAD_DIM)", "")),
    bug("a cache read as if it were as long as its tokens", ATTENTION, ("* capacity +", "* TOKENS +")),
    bug("the row before the position", APPEND, ("($wide)position[0]", "($wide)(position[0] - 1)")),
    bug("a cache written by another head", APPEND, ("&keys[(kv_heads *", "&keys[((1 - kv_heads) *")),
    bug("angles of the token before", ROPE, ("($wide)position[0]", "($wide)(position[0] - 1)")),
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
SOUND = [Bug("none", case, ()) for case in {str(planted.case): planted.case for planted in BUGS}.values()]


class PlantedBugs:
    """The bugs of one language: a subclass names its ``target``, and adds ``own`` bugs."""

    target: ClassVar[str]
    own: ClassVar[Sequence[Bug]] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def simulator(cls, tmp_path_factory: pytest.TempPathFactory) -> Simulator:
        """All texts with a bug, and those without, compiled together."""
        texts = [one.planted(cls.target) for one in (*BUGS, *ROUNDING_BUGS, *SOUND, *cls.own)]
        return Simulator(texts, tmp_path_factory.mktemp("bugs"), flags=["-O1"])

    def found(self, planted: Bug, simulator: Simulator) -> bool:
        """Whether the check that all kernels pass finds it: an error of the simulator, or a wrong number."""
        case = fitting(planted.case, self.target)
        try:
            run = on(simulator, planted.planted(self.target), case)
            return wrong(case, planted.storage, run) != []
        except SimulationError:
            return True

    @pytest.mark.parametrize("planted", BUGS, ids=str)
    def test_a_planted_bug_is_found(self, planted: Bug, simulator: Simulator) -> None:
        assert self.found(planted, simulator)

    @pytest.mark.parametrize("planted", SOUND, ids=lambda planted: str(planted.case))
    def test_what_bugs_are_planted_in_is_right_without_them(self, planted: Bug, simulator: Simulator) -> None:
        assert not self.found(planted, simulator)

    @pytest.mark.parametrize("planted", ROUNDING_BUGS, ids=str)
    def test_a_wrong_rounding_is_found(self, planted: Bug, simulator: Simulator) -> None:
        run = on(simulator, planted.planted(self.target), planted.case)
        assert rounded_otherwise(planted.storage, run) > 0

    def test_what_reads_behind_an_array_or_16_bytes_at_an_odd_place_is_stopped(self, tmp_path: Path) -> None:
        behind = bug("one element too many", SOFTMAX, ("start < COLS", "start <= COLS"))
        beside = bug("one element on", NORM, ("&x[rows * COLS + start]", "&x[rows * COLS + 1 + start]"))
        texts = [one.planted(self.target) for one in (behind, beside)]
        program = Sanitized(texts, tmp_path)
        for text, one, report in zip(
            texts, (behind, beside), ("heap-buffer-overflow", "misaligned"), strict=True
        ):
            with pytest.raises(SimulationError, match=report):
                program.run(text, inputs(one.case, "bf16"))

    def test_a_barrier_that_some_threads_skip_is_reported_with_those_that_wait(
        self, simulator: Simulator
    ) -> None:
        with pytest.raises(SimulationError, match=r"block 0: deadlock|meet at different places"):
            simulator.run(SKIPPED.planted(self.target), inputs(SOFTMAX, "bf16"))
