"""The arithmetic of models and kernels, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from schemas.load import schema
from schemas.records import Dtype, Kernel, Model
from tests.schemas import examples

WEIGHTS = 1_543_714_304
ROW = 1536


@pytest.fixture
def model() -> Model:
    return msgspec.convert(examples.model(), Model)


@pytest.fixture
def kernel() -> Kernel:
    return msgspec.convert(examples.kernel(), Kernel)


def test_a_layer_has_the_published_number_of_parameters(model: Model) -> None:
    assert model.layer_parameters == 46_797_824


def test_a_token_reads_all_layers_the_final_norm_and_the_head(model: Model) -> None:
    assert model.weights_read_per_token == WEIGHTS == 28 * 46_797_824 + 1536 + 151936 * 1536


def test_without_biases_a_layer_is_smaller_by_those_of_q_k_and_v(model: Model) -> None:
    unbiased = replace(model, attention_bias=False)
    assert model.layer_parameters - unbiased.layer_parameters == 1536 + 256 + 256


@pytest.mark.parametrize(("dtype", "width"), [("f16", 2), ("bf16", 2), ("f32", 4)])
def test_bytes_per_token_are_weights_and_an_embedding_row(model: Model, dtype: Dtype, width: int) -> None:
    assert model.bytes_per_token(dtype) == width * (WEIGHTS + ROW)


def test_keys_and_values_of_a_token_are_those_of_all_layers(model: Model) -> None:
    assert (model.q_size, model.kv_size) == (1536, 256)
    assert model.kv_elements_per_token == 2 * 28 * 256


def test_bytes_per_token_grow_with_the_depth_of_the_cache(model: Model) -> None:
    assert model.bytes_per_token("bf16", 1000.5) == 2 * (WEIGHTS + ROW) + 1000.5 * 28_672


def test_a_dimension_is_a_number_or_one_of_the_model(model: Model) -> None:
    assert model.dimension(77) == 77
    assert model.dimension("kv_size") == 256
    assert model.dimension("intermediate_size") == 8960


def test_depth_is_what_the_row_states(model: Model) -> None:
    assert model.dimension("depth", 64) == 64
    assert model.dimension("depth", 0) == 0
    assert model.dimension("depth") is None


def test_every_dimension_that_the_schema_knows_is_one_of_the_model(model: Model) -> None:
    names = schema("kernel")["$defs"]["dimension"]["anyOf"][1]["enum"]
    assert all(model.dimension(name, 1) for name in names)


def test_a_kernel_is_called_per_layer_and_per_step(kernel: Kernel, model: Model) -> None:
    assert kernel.calls_per_token(model) == 2 * 28 + 1
