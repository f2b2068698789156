"""How kernels are laid on partitions, beyond those of the step; and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runners.kernels.emit import TARGETS as EMITTERS
from runners.kernels.emit import emit
from runners.kernels.expr import (
    Axis,
    Constant,
    Kernel,
    Length,
    Load,
    Store,
    exp,
    f32,
    i32,
    kernel,
    rsqrt,
    stored,
    total,
)
from runners.kernels.sizes import Sizes
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.runners.kernels.cases import DTYPES, ROOT, Case
from tests.runners.kernels.nki_runs import TARGETS
from tests.runners.kernels.text_runs import emitted_for
from tests.simulators.nki import execute, packed

rows, cols, slots = Axis("rows"), Axis("cols"), Axis("slots")


def test_a_kernel_that_no_emitter_was_written_for_runs(tmp_path: Path) -> None:
    """A softmax of sums, a column for each row, and a number taken off from the left."""

    @kernel(rows)
    def tempered(
        x: Load = f32(rows, cols), w: Load = f32(cols), h: Load = f32(rows), y: Load = f32(rows, cols)
    ) -> Store:
        """y = softmax of (2 − x w), times h over the sum of w x²"""
        return y.set(softmax_of(2.0 + -(x * w), cols) * (h / total(w * (x * x), cols)))

    rng = np.random.default_rng(0)
    x, w, h = (rng.random(shape, np.float32) for shape in ((150, 37), 37, 150))
    z = 2.0 - x.astype(np.float64) * w
    e = np.exp(z - z.max(1, keepdims=True)) * h[:, None]
    right = e / (e / h[:, None]).sum(1, keepdims=True) / (w * x.astype(np.float64) ** 2).sum(1, keepdims=True)
    for target in TARGETS:
        emitted = emit(tempered, target, Sizes({"rows": 150, "cols": 37}), "f32")
        arrays = {"x": x, "w": w, "h": h, "y": np.full_like(x, np.nan)}
        execute([emitted], tmp_path)(emitted, arrays, 1)
        assert np.linalg.norm(arrays["y"] - right) <= 1e-6 * np.linalg.norm(right)


def test_numbers_are_computed_as_the_expression_says(tmp_path: Path) -> None:
    @kernel(rows)
    def spread_out(x: Load = f32(rows, cols), y: Load = f32(rows, cols)) -> Store:
        """y = x times (1 / sqrt(2 + n) - (3 - (1 - n)) / (4 n)), where n is the length of a row"""
        n = Length(cols)
        return y.set(x * (rsqrt(2.0 + n) - (Constant(3.0) - (Constant(1.0) - n)) / (4.0 * n)))

    x = np.linspace(-1, 1, 35, dtype=np.float32).reshape(5, 7)
    for target in TARGETS:
        emitted = emit(spread_out, target, Sizes({"rows": 5, "cols": 7}), "f32")
        arrays = {"x": x, "y": np.full_like(x, np.nan)}
        execute([emitted], tmp_path)(emitted, arrays, 1)
        assert np.allclose(arrays["y"], x * (1 / 3 - 9 / 28), rtol=1e-6)


@kernel(rows, slots)
def attention(
    keys: Load = stored(rows, tokens, cols),
    values: Load = stored(rows, tokens, cols),
    q: Load = f32(rows, slots, cols),
    position: Load = i32(),
    y: Load = f32(rows, slots, cols),
) -> Store:
    """y = values, weighed by the softmax of keys times q, which is not scaled"""
    del position
    return y.set(total(values * softmax_of(total(keys * q, cols), tokens), tokens))


@pytest.mark.parametrize("target", TARGETS)
def test_scores_may_be_unscaled_and_factors_in_any_order(target: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    keys, values = rng.standard_normal((2, 2, 140, 8), np.float32)
    keys[:, 131:], values[:, 131:] = np.nan, np.nan
    q = rng.standard_normal((2, 3, 8), np.float32)
    arrays = {"keys": keys, "values": values, "q": q, "position": np.array(130, np.int32)}
    arrays["y"] = np.full_like(q, np.nan)
    emitted = emit(attention, target, Sizes({"rows": 2, "slots": 3, "cols": 8}), "f32")
    execute([emitted], tmp_path)(emitted, arrays, 140)
    e = np.exp(np.einsum("rsc,rtc->rst", q.astype(float), keys[:, :131]))
    right = np.einsum("rst,rtc->rsc", e / e.sum(2, keepdims=True), values[:, :131])
    assert np.linalg.norm(arrays["y"] - right) <= 1e-6 * np.linalg.norm(right)


@pytest.mark.parametrize("target", TARGETS)
def test_a_capacity_whose_scores_do_not_fit_is_refused_when_it_is_traced(target: str, tmp_path: Path) -> None:
    emitted = emit(attention, target, Sizes({"rows": 1, "slots": 1, "cols": 1}), "f32")
    arrays = {array.name: np.zeros((1, 13_001, 1), np.float32) for array in attention.arrays}
    with pytest.raises(AssertionError):
        execute([emitted], tmp_path)(emitted, arrays, 13_001)


def test_sums_of_a_folded_row_are_multiplied_and_inverted(tmp_path: Path) -> None:
    """Both come out of the Tensor Engine, and an instruction reads one operand there; the result is stored."""

    @kernel(rows)
    def inverse(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
        """y = 2 / (x times all x times all x²)"""
        return y.set(Constant(2.0) / (x * (total(x, cols) * total(x * x, cols))))

    @kernel(rows)
    def reciprocal(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
        """y = 1 / (x + all x)"""
        return y.set(Constant(1.0) / (x + total(x, cols)))

    x = (np.random.default_rng(0).random((1, 384)) + 0.5).astype(DTYPES["bf16"])
    wide = x.astype(np.float64)
    right = {"inverse": 2 / (wide * wide.sum() * (wide**2).sum()), "reciprocal": 1 / (wide + wide.sum())}
    for found in (inverse, reciprocal):
        for target in TARGETS:
            emitted = emit(found, target, Sizes({"rows": 1, "cols": 384}), "bf16")
            arrays = {"x": x, "y": np.zeros_like(x)}
            execute([emitted], tmp_path)(emitted, arrays, 1)
            assert np.array_equal(arrays["y"], right[found.name].astype(x.dtype))


@kernel(rows)
def spread(x: Load = f32(rows, cols), w: Load = f32(slots), y: Load = f32(rows, cols)) -> Store:
    """y = x times all w"""
    return y.set(x * total(w, slots))


@kernel(rows)
def turned(x: Load = f32(cols, rows), y: Load = f32(rows, cols)) -> Store:
    """y = x, transposed"""
    return y.set(x + x)


@kernel(rows)
def filled(y: Load = f32(rows, cols)) -> Store:
    """y = the length of a row"""
    return y.set(1.0 * Length(cols) + 0.0)


@kernel(rows)
def powered(x: Load = f32(rows, cols), y: Load = f32(rows, cols)) -> Store:
    """y = x times a number's power of e"""
    return y.set(x * exp(Constant(2.0)))


@kernel(rows)
def counted(x: Load = f32(rows, cols), y: Load = f32(rows, cols)) -> Store:
    """y = x times a sum of ones"""
    return y.set(x * total(Constant(1.0), cols))


@kernel(rows)
def averaged(
    x: Load = f32(rows, cols), position: Load = i32(), w: Load = f32(tokens), y: Load = f32(rows, cols)
) -> Store:
    """y = x over the number of tokens"""
    del position, w
    return y.set(x / Length(tokens))


@kernel(rows)
def shadowed(i: Load = f32(rows, cols), y: Load = f32(rows, cols)) -> Store:
    """y = i + i, where i counts tiles in the text"""
    return y.set(i + i)


@kernel(rows)
def overwritten(tiles: Load = stored(rows, cols), x: Load = f32(cols), y: Load = f32(rows)) -> Store:
    """y = tiles times x, where tiles are counted in the text"""
    return y.set(total(tiles * x, cols))


@kernel(Axis("group"))
def grouped(
    w: Load = stored(Axis("group"), cols), x: Load = f32(cols), y: Load = f32(Axis("group"))
) -> Store:
    """y = w x, where a group of panels has another length"""
    return y.set(total(w * x, cols))


SMALL = {"rows": 3, "cols": 3, "slots": 3}
UNDONE: list[tuple[Kernel, dict[str, int]]] = [
    *((refused, SMALL) for refused in (spread, turned, filled, powered, counted, averaged)),
    (shadowed, {"rows": 256, "cols": 3}),
    (overwritten, {"rows": 16640, "cols": 3}),
    (grouped, {"group": 16640, "cols": 3}),
    (KERNELS["softmax"], {"rows": 1, "cols": 5633}),
    (KERNELS["argmax_greedy"], {"vocab": 1 << 25}),
    (KERNELS["attention_decode_gqa"], {"kv_heads": 1, "group": 1, "head_dim": 200}),
    (KERNELS["kv_cache_append"], {"kv_heads": 256, "head_dim": 2}),
    (KERNELS["o_proj_matvec"], {"out": 128, "in": 1 << 16}),
]


@pytest.mark.parametrize("target", TARGETS)
def test_what_cannot_be_done_is_refused_with_the_kernels_name(target: str) -> None:
    for refused, lengths in UNDONE:
        with pytest.raises(NotImplementedError, match=refused.name):
            emit(refused, target, Sizes(lengths), "f32")


def test_the_host_lays_a_weight_out_in_whole_panels() -> None:
    case = Case("o_proj_matvec", Sizes({"out": 300, "in": 7}))
    emitted, arrays = emitted_for(case, "nki", "f32"), case.inputs("f32")
    panels = packed(emitted, arrays)["weight"]
    assert panels.shape == (3, 7, 100)
    assert np.array_equal(panels[2, :, 5], arrays["weight"][205])


def test_the_lowering_knows_no_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("nki*.py")]
    assert len(files) == 11
    for file in files:
        names = "|".join(kernel.name for kernel in DECODE_STEP)
        assert re.findall(names, file.read_text("utf-8")) == [], file.name


def test_the_later_package_is_a_form_of_the_same_language() -> None:
    assert [EMITTERS[target].form_of for target in TARGETS] == [None, "nki"]
