"""Each kernel's CUDA text computes what the oracle says, on the simulator and in both orders of threads."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runners.kernels.emit import emit
from runners.kernels.expr import Axis, Load, Store, f32, i32, kernel, total
from runners.kernels.sizes import Sizes
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.runners.kernels.cases import ROOT
from tests.runners.kernels.simt_tests import SimtTests
from tests.simulators.simt import Simulator


class TestCuda(SimtTests):
    target = "cuda"


def test_a_sum_over_the_tokens_that_cannot_be_rescaled_is_refused_by_name() -> None:
    @kernel()
    def plain(w: Load = f32(tokens), position: Load = i32(), y: Load = f32()) -> Store:
        """y = the sum of w"""
        del position
        return y.set(total(w, tokens))

    with pytest.raises(NotImplementedError, match="plain: no softmax over the tokens"):
        emit(plain, "cuda", Sizes({}), "f32")


def test_a_row_of_sums_that_no_block_has_room_for_is_refused_by_name() -> None:
    dim = Axis("dim")

    @kernel()
    def wide(
        q: Load = f32(dim), keys: Load = f32(tokens, dim), position: Load = i32(), y: Load = f32(dim)
    ) -> Store:
        """y = softmax(q · keysᵀ) · keys"""
        del position
        return y.set(total(softmax_of(total(q * keys, dim), tokens) * keys, tokens))

    with pytest.raises(NotImplementedError, match="wide: 16384 sums of a team are too many for a block"):
        emit(wide, "cuda", Sizes({"dim": 16384}), "f32")


def test_an_axis_that_32_bits_do_not_count_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match="argmax_greedy: an axis of more than 1073741824 elements"):
        emit(KERNELS["argmax_greedy"], "cuda", Sizes({"vocab": 2**30 + 1}), "f32")


@pytest.mark.parametrize("target", ["cuda", "metal", "metal-mlx"])
def test_more_points_than_32_bits_count_are_written_to_the_end(target: str, tmp_path: Path) -> None:
    shape = (2**20 + 1, 2048)
    text = emit(KERNELS["silu"], target, Sizes({"rows": shape[0], "cols": shape[1]}), "bf16")
    x, y = (np.zeros(shape, np.uint16) for _ in "xy")  # only the rows that are touched take memory
    x[-1] = 0x3F80  # one
    Simulator([text], tmp_path).run(text, {"x": x, "y": y}, blocks=[text.launch["grid"] - 1])
    assert y[-1].tolist() == [0x3F3B] * 2048  # 0.731
    assert not y[-2].any()


def test_the_lowering_knows_neither_a_languages_words_nor_a_kernel() -> None:
    folder = ROOT / "runners/kernels/emit"
    lowering, dialects = (
        [*folder.glob("simt*.py"), folder / "online.py"],
        [folder / "cuda.py", folder / "metal.py"],
    )
    words = r"cuda|__\w+sync|__shared__|__global__|__device__|threadidx|blockidx|fmaf|expf"
    words += r"|metal|mlx|threadgroup|simdgroup|as_type|precise"
    names = "|".join(kernel.name for kernel in DECODE_STEP)
    assert len(lowering) >= 6
    for file in [*lowering, *dialects]:
        forbidden = names if file in dialects else f"{words}|{names}"
        assert re.findall(forbidden, file.read_text("utf-8").lower()) == [], file.name
