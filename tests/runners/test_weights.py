"""Synthetic numbers are the same everywhere, however they are asked for; a run starts from what it should."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from runners.device import element_type
from runners.kernels.sizes import Storage
from runners.step import Buffer, Step, decode_step
from runners.weights import CACHE, START_TOKEN, Synthetic, angles, first_contents
from tests.runners.tiny import tiny_model

MATRIX = ("model.layers.0.mlp.up_proj.weight", (200, 37))
BIAS = ("model.layers.0.self_attn.q_proj.bias", (75,))
NORM = ("model.norm.weight", (301,))
STORAGES: tuple[Storage, ...] = ("bf16", "f16", "f32")


def whole(tensor: tuple[str, tuple[int, ...]], storage: Storage = "bf16", seed: int = 7) -> Any:
    name, shape = tensor
    return Synthetic(seed, storage).rows(name, shape, 0, shape[0])


@pytest.mark.parametrize(
    ("tensor", "sha256"),
    [
        (MATRIX, "011a35fd345b499d1ab722640167454c43cf877f4cf712eff4d488f20336f690"),
        (BIAS, "e42f029ef71634d2e852592f2b06f1dacdec1b15f83441816a21f1fb727edd9d"),
        (NORM, "97eca1f77c7285cd79ae0a2efef74f7b4f973d47c3e92e091e6ca0e616508061"),
    ],
)
def test_a_seed_always_gives_the_same_bits(tensor: Any, sha256: str) -> None:
    assert hashlib.sha256(whole(tensor).tobytes()).hexdigest() == sha256


def test_a_cache_of_a_seed_always_holds_the_same_bits() -> None:
    numbers = Synthetic(7, "bf16").drawn("0.keys.0", CACHE, (130, 10), 0, 130)
    assert (
        hashlib.sha256(numbers.tobytes()).hexdigest()
        == "b8c4f116da4d88c5f012bd79be2703fa93b256c7d71d8701864926b4bad78c71"
    )


@pytest.mark.parametrize("tensor", [MATRIX, BIAS, NORM])
@pytest.mark.parametrize("cuts", [(0, 1), (0, 64), (63, 65), (64, 75), (10, 10), (1, 5, 64, 70, 75)])
def test_rows_do_not_depend_on_what_else_is_asked_for(tensor: Any, cuts: tuple[int, ...]) -> None:
    name, shape = tensor
    source = Synthetic(7, "bf16")
    parts = [source.rows(name, shape, first, last) for first, last in pairwise(cuts)]
    assert np.concatenate(parts).tobytes() == whole(tensor)[cuts[0] : cuts[-1]].tobytes()
    assert [part.shape for part in parts] == [(last - first, *shape[1:]) for first, last in pairwise(cuts)]


def test_seed_and_tensor_choose_the_numbers_and_no_block_repeats_another() -> None:
    name, shape = MATRIX
    numbers = whole(MATRIX)
    assert not np.array_equal(numbers, whole(MATRIX, seed=8))
    assert not np.array_equal(numbers, whole((name.replace("up", "gate"), shape)))
    assert not np.array_equal(numbers[:64], numbers[64:128])


@pytest.mark.parametrize("tensor", [MATRIX, BIAS, NORM])
def test_every_storage_type_holds_the_same_numbers_exactly(tensor: Any) -> None:
    bf16, f16, f32 = (whole(tensor, storage=storage) for storage in STORAGES)
    assert [part.dtype for part in (bf16, f16, f32)] == [ml_dtypes.bfloat16, np.float16, np.float32]
    assert np.array_equal(bf16.astype(np.float64), f32.astype(np.float64))
    assert np.array_equal(f16.astype(np.float64), f32.astype(np.float64))


@pytest.mark.parametrize(
    ("tensor", "smallest", "largest", "rms"),
    [(MATRIX, 2**-8, 2**-4, 0.0276), (BIAS, 2**-5, 2**-1, 0.22), (NORM, 0.96875, 1.0546875, 1.005)],
)
def test_magnitudes_keep_a_deep_network_near_one(
    tensor: Any, smallest: float, largest: float, rms: float
) -> None:
    numbers = whole(tensor, storage="f32").astype(np.float64)
    assert abs(numbers).min() >= smallest
    assert abs(numbers).max() <= largest
    assert np.sqrt((numbers**2).mean()) == pytest.approx(rms, rel=0.2)
    assert len(np.unique(numbers)) > 12


def test_signs_and_exponents_are_evenly_drawn() -> None:
    numbers = whole(("lm_head.weight", (512, 256)), storage="f32")
    assert (numbers < 0).mean() == pytest.approx(0.5, abs=0.01)
    exponents = np.floor(np.log2(abs(numbers)))
    assert [(exponents == one).mean() for one in (-8, -7, -6, -5)] == pytest.approx([0.25] * 4, abs=0.01)


def test_the_record_says_synthetic_and_the_seed() -> None:
    record = Synthetic(7, "bf16").record
    assert (record.kind, record.seed, record.sha256) == ("synthetic", 7, None)


# --- what a run starts from -----------------------------------------------------------------------


def filled(step: Step, depth_tokens: int, seed: int = 3, rows: int = 1000) -> dict[str, Any]:
    """The first contents of all buffers, asked for ``rows`` rows at a time."""
    contents = first_contents(tiny_model(), step, Synthetic(1, step.storage), depth_tokens, seed)

    def of(buffer: Buffer) -> Any:
        if not buffer.shape:
            return contents(buffer, 0, 1)
        cuts = [*range(0, buffer.shape[0], rows), buffer.shape[0]]
        return np.concatenate([contents(buffer, first, last) for first, last in pairwise(cuts)])

    return {name: of(buffer) for name, buffer in step.buffers.items() if buffer.role != "activation"}


@pytest.mark.parametrize("storage", STORAGES)
def test_first_contents_have_the_shape_and_type_of_their_buffer(storage: Storage) -> None:
    step = decode_step(tiny_model(), storage, 9)
    for name, numbers in filled(step, 5).items():
        buffer = step.buffers[name]
        assert (numbers.shape, numbers.dtype) == (buffer.shape, element_type(buffer.element, storage))


def test_first_contents_do_not_depend_on_the_rows_asked_for() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    by_one, at_once = filled(step, 5, rows=1), filled(step, 5)
    assert all(by_one[name].tobytes() == at_once[name].tobytes() for name in at_once)


def test_a_run_starts_at_its_depth_with_the_start_token() -> None:
    found = filled(decode_step(tiny_model(), "bf16", 9), 5)
    assert (int(found["token"]), int(found["position"])) == (START_TOKEN, 5)


def test_the_cache_is_full_up_to_the_depth_and_zero_beyond() -> None:
    found = filled(decode_step(tiny_model(), "f32", 9), 5)
    for name in ("0.keys", "0.values", "2.keys"):
        assert (found[name][:, :5] != 0).all()
        assert (found[name][:, 5:] == 0).all()
    assert len({found[f"{layer}.{name}"].tobytes() for layer in range(3) for name in ("keys", "values")}) == 6
    assert not np.array_equal(found["0.keys"][0], found["0.keys"][1])


def test_a_cached_token_is_the_same_at_every_depth_and_capacity() -> None:
    small = filled(decode_step(tiny_model(), "bf16", 9), 5)
    large = filled(decode_step(tiny_model(), "bf16", 100), 70)
    assert np.array_equal(small["1.values"][:, :5], large["1.values"][:, :5])


def test_an_empty_cache_can_be_had() -> None:
    assert not filled(decode_step(tiny_model(), "f32", 9), 0)["0.keys"].any()


def test_the_seed_of_a_run_chooses_its_cache_but_not_its_weights() -> None:
    step = decode_step(tiny_model(), "bf16", 9)
    one, other = filled(step, 5, seed=3), filled(step, 5, seed=4)
    assert {name for name in one if one[name].tobytes() != other[name].tobytes()} == {
        f"{layer}.{name}" for layer in range(3) for name in ("keys", "values")
    }


def test_a_tied_head_is_the_embedding() -> None:
    model = tiny_model(tie_word_embeddings=True)
    step = decode_step(model, "bf16", 4)
    contents = first_contents(model, step, Synthetic(1, "bf16"), 0, 0)
    head, embedding = (contents(step.buffers[name], 0, 131) for name in ("lm_head", "embed_tokens"))
    assert np.array_equal(head, embedding)


def test_an_activation_has_no_first_contents() -> None:
    step = decode_step(tiny_model(), "bf16", 4)
    contents = first_contents(tiny_model(), step, Synthetic(1, "bf16"), 0, 0)
    with pytest.raises(ValueError, match="an activation has no first contents"):
        contents(step.buffers["logits"], 0, 1)


def test_angles_are_those_of_rotary_embeddings() -> None:
    cosines, sines = angles(tiny_model(head_dim=4), 3)
    turned = np.outer([0.0, 1.0, 2.0], [1.0, 0.01])
    assert cosines == pytest.approx(np.cos(turned), abs=1e-7)
    assert sines == pytest.approx(np.sin(turned), abs=1e-7)
