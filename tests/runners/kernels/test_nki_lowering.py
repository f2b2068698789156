"""How kernels are laid on partitions, beyond those of the step; and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runners.kernels.emit import TARGETS as EMITTERS
from runners.kernels.emit import emit
from runners.kernels.expr import Axis, Constant, Kernel, Length, Load, Store, f32, i32, kernel, stored, total
from runners.kernels.sizes import Sizes
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.runners.kernels.cases import DTYPES, ROOT, Case
from tests.runners.kernels.nki_runs import TARGETS
from tests.runners.kernels.simt_runs import emitted_for
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
def averaged(
    x: Load = f32(rows, cols), position: Load = i32(), w: Load = f32(tokens), y: Load = f32(rows, cols)
) -> Store:
    """y = x over the number of tokens"""
    del position, w
    return y.set(x / Length(tokens))


SMALL = {"rows": 3, "cols": 3, "slots": 3}
UNDONE: list[tuple[Kernel, dict[str, int]]] = [
    *((refused, SMALL) for refused in (spread, turned, filled, averaged)),
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
