"""The checks of Metal texts see a bug: each of those planted in an emitted text is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.runners.kernels.cases import Case
from tests.runners.kernels.simt_bugs import ARGMAX, ATTENTION, NORM, Q_PROJ, SOFTMAX, Bug, PlantedBugs, bug
from tests.runners.kernels.text_runs import emitted_for, inputs
from tests.simulators.simt import SimulationError, Simulator
from tests.simulators.simt.metal_lint import lint

TARGETS = ("metal", "metal-mlx")
UNORDERED = bug("a barrier that orders no memory", SOFTMAX, ("::mem_threadgroup", "::mem_none"))


class TestMetal(PlantedBugs):
    target = "metal"
    own = (UNORDERED,)

    def test_a_barrier_that_orders_no_threadgroup_memory_is_reported(self, simulator: Simulator) -> None:
        with pytest.raises(SimulationError, match="a barrier that orders no threadgroup memory"):
            simulator.run(UNORDERED.planted(self.target), inputs(SOFTMAX, "bf16"))


class TestMlxBody(PlantedBugs):
    target = "metal-mlx"


IMPRECISE = bug("a fast exponential", SOFTMAX, ("precise::exp", "exp"))
FINITE = bug("a maximum that may take infinity for a number", SOFTMAX, ("precise::fmax", "fmax"))
DOUBLE = bug("a double", NORM, ("total / (float)COLS", "total / (float)COLS * 1.0"))


@pytest.mark.parametrize(
    ("planted", "report"),
    [
        (IMPRECISE, "exp.*not declared"),
        (FINITE, "fmax.*not declared"),
        (DOUBLE, "from .float. to .double."),
    ],
    ids=str,
)
@pytest.mark.parametrize("target", TARGETS)
def test_what_metal_lacks_or_computes_in_haste_does_not_compile(
    target: str, planted: Bug, report: str, tmp_path: Path
) -> None:
    with pytest.raises(SimulationError, match=report):
        Simulator([planted.planted(target)], tmp_path)


def test_buffers_in_another_order_are_found() -> None:
    text = emitted_for(NORM, "metal", "bf16")
    moved = replace(text, text=text.text.replace("[[buffer(1)]]", "[[buffer(7)]]"))
    with pytest.raises(SimulationError, match="rms_norm: no buffer 7"):
        Simulator([moved], Path())


def test_more_threads_than_the_text_allows_are_found() -> None:
    text = emitted_for(NORM, "metal", "bf16")
    with pytest.raises(SimulationError, match=r"rms_norm: 1024 threads, allowed \['96'\]"):
        Simulator([replace(text, launch={**text.launch, "block": 1024})], Path())
    unsaid = replace(text, text=text.text.replace("[[max_total_threads_per_threadgroup(96)]]\n", ""))
    with pytest.raises(SimulationError, match=r"rms_norm: 96 threads, allowed \[\]"):
        Simulator([unsaid], Path())


def test_a_function_that_is_no_kernel_is_found() -> None:
    text = emitted_for(NORM, "metal", "bf16")
    with pytest.raises(SimulationError, match="rms_norm: no kernel of that name"):
        Simulator([replace(text, text=text.text.replace("kernel void", "void"))], Path())


def test_a_buffer_of_another_type_is_found(tmp_path: Path) -> None:
    text = emitted_for(ATTENTION, "metal", "bf16")
    narrow = replace(text, text=text.text.replace("constant int *position", "constant ushort *position"))
    with pytest.raises(SimulationError, match="cannot convert"):
        Simulator([narrow], tmp_path)


LINTED = [
    (ATTENTION, "const device ushort *from", "const ushort *from", "mismatching address spaces"),
    (ATTENTION, "(const device uint4 *)", "(const constant uint4 *)", "mismatching address spaces"),
    (ATTENTION, "$private float *to", "float *to", "no address space"),
    (ARGMAX, "$private int &best", "int &best", "no address space"),
    (ATTENTION, "(const device uint4 *)", "(device uint4 *)", "drops const qualifier"),
    (
        ATTENTION,
        "    return value;",
        "    threadgroup float all[2];\n    return all[0];",
        "non-kernel function variable",
    ),
    (ATTENTION, "_of[TEAMS][HEAD_DIM]", "_of[TEAMS][4 * HEAD_DIM]", "bytes of threadgroup memory"),
    (NORM, "total / (float)COLS", "total / (float)COLS * 1.0", "double: no such type"),
    (ATTENTION, "position[0] + 1", "position[0] + 1ll", "long long: no such type"),
    (
        ATTENTION,
        "float grown = ",
        "const auto f = [](int x) { return x; };\n        float grown = ",
        "a lambda",
    ),
    (ATTENTION, "float grown", "float constant", "expected"),
    (ATTENTION, "float grown", "float fragment", "expected"),
    (
        ATTENTION,
        "float grown",
        "if constexpr (RUN > 0) largest += 0.0f;\n        float grown",
        "before C++17",
    ),
    (ATTENTION, "math_mode(safe)", "mathmode(safe)", "no such pragma"),
    (ATTENTION, "#pragma unroll", "#pragma unrol", "no such pragma"),
    (Q_PROJ, "lane_sum(total[row])", "total[row] + 0.0f", "unused function 'lane_sum'"),
]


@pytest.mark.parametrize(("case", "old", "new", "message"), LINTED)
@pytest.mark.parametrize("target", TARGETS)
def test_the_lint_finds_a_planted_fault(target: str, case: Case, old: str, new: str, message: str) -> None:
    found = lint(bug(message, case, (old, new)).planted(target))
    assert [fault for fault in found if message in fault], found


def test_the_lint_finds_an_attribute_that_a_compiler_would_pass_over() -> None:
    threads = bug("attribute", NORM, ("max_total_threads", "most_threads")).planted("metal")
    assert lint(threads) == ["most_threads_per_threadgroup: no such attribute"]
