"""Bytes, operations and calls of a kernel at a shape."""

from __future__ import annotations

import math

import pytest

from generator.kernel_sizes import call_size, model_shape, shape_label
from tests.generator.examples import MODEL, Folder


def test_a_stated_shape(basic: Folder) -> None:
    size = call_size(basic.dataset(), "soft", (("cols", 5), ("rows", 3)), "f16", None, None)
    assert (size.bytes_moved, size.flops, size.elements) == (15 * 2 + 15 * 4, 0, 15)
    assert (size.label, size.rate, size.calls_per_token) == ("rows 3 × cols 5", "gb_per_s", 0)


def test_operations_of_a_kernel_bound_by_arithmetic(basic: Folder) -> None:
    size = call_size(basic.dataset(), "gemm", (("m", 2), ("n", 3), ("k", 5)), "f32", None, None)
    assert (size.flops, size.rate) == (60, "gflop_per_s")


def test_the_shape_that_the_model_gives(basic: Folder) -> None:
    size = call_size(basic.dataset(), "proj", None, "f16", MODEL, None)
    assert (size.bytes_moved, size.flops, size.calls_per_token) == (160, 128, 2)
    assert size.label == "out 8 × in 8"


def test_calls_of_a_token_count_layers_and_the_step(basic: Folder) -> None:
    assert call_size(basic.dataset(), "norm", None, "f16", MODEL, None).calls_per_token == 2 * 2 + 1


def test_without_a_model_a_shape_is_not_known(basic: Folder) -> None:
    size = call_size(basic.dataset(), "proj", None, "f16", None, None)
    assert math.isnan(size.bytes_moved)
    assert math.isnan(size.flops)
    assert size.label == "out not stated × in not stated"
    assert size.calls_per_token == 0


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_bytes_need_the_depth(basic: Folder, unknown: float | None) -> None:
    data = basic.dataset()
    stated = call_size(data, "attend", None, "f16", MODEL, 10.0)
    assert (stated.label, stated.bytes_moved) == ("depth 10", 24)
    silent = call_size(data, "attend", None, "f16", MODEL, unknown)
    assert silent.label == "depth not stated"
    assert math.isnan(silent.bytes_moved)
    assert silent.calls_per_token == 2


def test_missing_values_of_a_frame_stand_for_no_model(basic: Folder) -> None:
    size = call_size(basic.dataset(), "soft", (("rows", 1), ("cols", 1)), "f16", math.nan, math.nan)  # type: ignore[arg-type]
    assert (size.bytes_moved, size.calls_per_token) == (6, 0)


def test_a_call_at_another_shape_is_none_of_the_step(basic: Folder) -> None:
    data = basic.dataset()
    assert call_size(data, "norm", (("cols", 8),), "f16", MODEL, None).calls_per_token == 5
    assert call_size(data, "norm", (("cols", 4096),), "f16", MODEL, None).calls_per_token == 0


def test_a_call_at_any_depth_may_be_one_of_the_step(basic: Folder) -> None:
    assert call_size(basic.dataset(), "attend", (("depth", 77),), "f16", MODEL, 10.0).calls_per_token == 2


def test_a_fused_call_counts_each_part_as_often_as_it_is_called(basic: Folder) -> None:
    size = call_size(basic.dataset(), "norm + proj", None, "f16", MODEL, None)
    assert size.calls_per_token == 5
    assert size.bytes_moved == pytest.approx(48 + 160 * 2 / 5)
    assert size.flops == pytest.approx(128 * 2 / 5)
    assert size.label == "shapes of the model"


def test_a_fused_call_with_an_unknown_part_is_unknown(basic: Folder) -> None:
    size = call_size(basic.dataset(), "norm + attend", None, "f16", MODEL, None)
    assert math.isnan(size.bytes_moved)


def test_a_fusion_that_no_step_calls_counts_each_part_once(basic: Folder) -> None:
    basic.kernel("norm", calls_per_layer=0, calls_per_step=0).kernel("proj", calls_per_layer=0)
    size = call_size(basic.dataset(), "norm + proj", None, "f16", MODEL, None)
    assert (size.bytes_moved, size.calls_per_token) == (208, 0)


def test_a_kernel_without_axes(basic: Folder) -> None:
    basic.kernel("tick", axes=[], model_shape={}, flops=[{"times": 3, "axes": []}], reads=[], writes=[])
    size = call_size(basic.dataset(), "tick", (), "f16", MODEL, None)
    assert (size.label, size.elements, size.bytes_moved, size.flops) == ("–", 1, 0, 3)


def test_a_shape_larger_than_a_machine_word_stays_a_number(basic: Folder) -> None:
    size = call_size(basic.dataset(), "gemm", (("m", 10**9), ("n", 10**9), ("k", 10**9)), "f32", None, None)
    assert isinstance(size.elements, float)
    assert size.elements == 1e27


def test_axes_of_a_model_shape_are_numbers_or_dimensions(basic: Folder) -> None:
    basic.kernel("proj", model_shape={"out": 24, "in": "vocab_size"})
    data = basic.dataset()
    assert model_shape(data.kernels["proj"], data.models[MODEL], None) == {"out": 24, "in": 32}
    assert model_shape(data.kernels["attend"], data.models[MODEL], 5) == {"depth": 5}


def test_a_label_has_the_order_of_the_kernel(basic: Folder) -> None:
    kernel = basic.dataset().kernels["gemm"]
    assert shape_label(kernel, {"k": 3, "m": 1, "n": 2}) == "m 1 × n 2 × k 3"
