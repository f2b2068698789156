"""The source, evaluated in float64, agrees with the independent oracle; and it holds what its readers count on."""

from __future__ import annotations

import re

import numpy as np
import pytest

from runners.kernels.reference import evaluate
from runners.kernels.source import DECODE_STEP, KERNELS, MICROBENCHMARKS
from schemas.load import load
from schemas.records import Kernel
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case, compare
from tests.runners.kernels.oracles import ORACLES, expected

SMALL_TRUE = [case for case in TRUE if "vocab" not in case.sizes.lengths and "lm_head" not in case.kernel]


@pytest.mark.parametrize("case", [*TINY, *SMALL_TRUE], ids=str)
def test_the_reference_agrees_with_the_oracle(case: Case) -> None:
    arrays = {
        name: array if array.dtype.kind == "i" else array.astype(np.float64)
        for name, array in case.inputs("f32").items()
    }
    wanted = expected(case.kernel, arrays, case.sizes)
    evaluate(KERNELS[case.kernel], case.sizes, arrays)
    assert max(compare(wanted, arrays).values()) < 1e-12


def test_there_are_thirteen_kernels_in_the_step_and_four_microbenchmarks() -> None:
    assert (len(DECODE_STEP), len(MICROBENCHMARKS)) == (13, 4)
    assert set(ORACLES) == set(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=lambda kernel: str(kernel.name))
def test_a_kernel_names_no_lane_tile_or_language(kernel: object) -> None:
    source = KERNELS[kernel.name].text.lower()  # type: ignore[attr-defined]
    words = r"lane|tile|warp|thread|block|simd|panel|partition|cuda|metal|pallas|nki|ascend|pto|\bc\+\+|vector_size"
    assert re.findall(words, source) == []
    assert len(source.splitlines()) <= 22


@pytest.mark.parametrize("name", KERNELS)
def test_every_array_of_a_kernels_file_is_an_array_of_the_source(name: str) -> None:
    fact = load(ROOT / "data" / "kernels" / f"{name}.md", ROOT / "data")
    assert isinstance(fact, Kernel)
    source = {array.name for array in KERNELS[name].arrays}
    renamed = {"row": "table", "angles": "cosines", "k_row": "keys", "v_row": "values"}
    assert {renamed.get(tensor.name, tensor.name) for tensor in (*fact.reads, *fact.writes)} <= source
