"""Kernels that no emitter was written for run in every language: an emitter knows expressions, not kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runners.kernels.emit import TARGETS, emit
from runners.kernels.expr import Axis, Kernel, Load, Store, f32, i32, kernel, largest, total
from runners.kernels.sizes import Sizes
from runners.kernels.source import softmax_of, tokens
from tests.runners.kernels.cases import relative_error
from tests.runners.kernels.executors import EXECUTORS
from tests.runners.kernels.text_runs import EXACT

PARTITIONED = ("nki", "nki-trn2")
"""Where an axis lies is half of such a text: these emitters know the frames of the decode step, and refuse others."""
heads, dim, slots = Axis("heads"), Axis("dim"), Axis("slots")


@kernel(heads)
def spread(
    x: Load = f32(heads, dim), w: Load = f32(slots), y: Load = f32(heads), z: Load = f32(heads, slots)
) -> tuple[Store, ...]:
    """y = largest x times all w; z = softmaxed w times the sum of x, and the sum of x"""
    height = largest(x, dim)
    return y.set(height * total(w, slots)), z.set(softmax_of(w, slots) * total(x, dim) + total(x, dim))


@kernel(heads)
def mean_weight(
    q: Load = f32(heads, dim),
    keys: Load = f32(tokens, dim),
    w: Load = f32(tokens),
    position: Load = i32(),
    y: Load = f32(heads),
) -> Store:
    """y = the mean of w, weighted by a softmax over the tokens"""
    del position
    return y.set(total(softmax_of(total(q * keys, dim), tokens) * w, tokens))


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in PARTITIONED])
def test_largest_and_sums_over_two_axes_and_one_number_a_program(target: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 37), 300))
    arrays = {"x": x, "w": w, "y": np.full(3, np.nan, np.float32), "z": np.full((3, 300), np.nan, np.float32)}
    text = emit(spread, target, Sizes({"heads": 3, "dim": 37, "slots": 300}), "f32")
    EXECUTORS[target]([text], tmp_path)(text, arrays, 1)
    e, sums = np.exp(w.astype(np.float64)), x.sum(1, dtype=np.float64)
    assert relative_error(x.max(1) * w.sum(dtype=np.float64), arrays["y"]) < EXACT
    assert relative_error(np.outer(sums, e / e.sum()) + sums[:, None], arrays["z"]) < EXACT


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in PARTITIONED])
def test_one_number_can_be_the_sum_over_the_tokens(target: str, tmp_path: Path) -> None:
    rng, end = np.random.default_rng(0), 700
    q, keys, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 8), (end + 9, 8), end + 9))
    keys[end:] = w[end:] = np.nan
    arrays = {"q": q, "keys": keys, "w": w, "position": np.array(end - 1, np.int32)}
    arrays["y"] = np.full(3, np.nan, np.float32)
    text = emit(mean_weight, target, Sizes({"heads": 3, "dim": 8}), "f32")
    EXECUTORS[target]([text], tmp_path)(text, arrays, end + 9)
    e = np.exp(q.astype(np.float64) @ keys[:end].T.astype(np.float64))
    assert relative_error((e * w[:end]).sum(1) / e.sum(1), arrays["y"]) < EXACT


@pytest.mark.parametrize("target", PARTITIONED)
@pytest.mark.parametrize("unknown", [spread, mean_weight], ids=lambda unknown: str(unknown.name))
def test_what_an_emitter_has_no_frame_for_is_refused_by_name(target: str, unknown: Kernel) -> None:
    with pytest.raises(NotImplementedError, match=f"^{unknown.name}: "):
        emit(unknown, target, Sizes({"heads": 3, "dim": 37, "slots": 300}), "f32")
