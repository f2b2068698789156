"""MLX as a baseline decodes our tokens; its CPU build runs here too, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runners.baselines import Baseline
from runners.baselines.job import Job
from runners.baselines.stacks import STACKS, names
from runners.checkpoint import Checkpoint
from runners.device import RunnerError
from runners.kernels.sizes import Storage
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import START_TOKEN, Synthetic, first_contents
from schemas.records import Model
from tests.runners.tiny import random_tensors, save, tiny_model, untexted

DEPTH_TOKENS, STEPS = 5, 12
MODEL = tiny_model(hidden_size=128, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                   intermediate_size=96, vocab_size=160)  # fmt: skip
TIED = tiny_model(tie_word_embeddings=True)
STACK = STACKS["mlx"]

needs_mlx = pytest.mark.skipif(
    find_spec("mlx") is None, reason="mlx is not installed: pip install mlx mlx-cpu"
)


def job(folder: Path, model: Model = MODEL, **changed: Any) -> Job:
    """A job of the checkpoint that is saved in ``folder``."""
    fields: dict[str, Any] = {"model": model, "storage": "f32", "depth_tokens": DEPTH_TOKENS, "steps": STEPS,
                              "runner": "metal", "settings": {}, "seed": None,
                              "weights_folder": folder, "cache_folder": folder}  # fmt: skip
    return Job(**{**fields, **changed})


def saved(folder: Path, model: Model, scale: float = 1.0) -> Path:
    save(folder, {name: np.float32(scale) * numbers for name, numbers in random_tensors(model).items()})
    return folder


def our_tokens(told: Job) -> list[int]:
    """The null device's, after the same prompt."""
    model, storage = told.model, told.storage
    step = decode_step(model, storage, told.depth_tokens + STEPS)
    device = NullDevice()
    device.load(step, untexted(step), first_contents(model, step, told.weights, 0, 0))
    for token in told.prompt:
        device.write("token", np.array(token, np.int32))
        device.run(1)
    device.write("token", np.array(START_TOKEN, np.int32))
    return device.run(STEPS).tokens


def test_mlx_runs_beside_metal_alone() -> None:
    assert STACK.runners == ("metal",)
    assert "mlx" in names("metal")
    assert not STACK.in_process


@needs_mlx
@pytest.mark.parametrize(
    ("model", "depth_tokens", "storage", "agreeing"),
    [
        (MODEL, DEPTH_TOKENS, "f32", STEPS),
        (TIED, 0, "f32", STEPS),
        (MODEL, 1, "f16", 3),  # MLX's activations are in 16 bits too, so a close choice may fall otherwise
        (MODEL, DEPTH_TOKENS, "bf16", 3),
    ],
    ids=["untied", "tied, empty cache", "f16", "bf16"],
)
def test_mlx_decodes_our_tokens_again_and_again(
    tmp_path: Path, model: Model, depth_tokens: int, storage: Storage, agreeing: int
) -> None:
    told = job(saved(tmp_path, model, 0.5), model, depth_tokens=depth_tokens, storage=storage)
    expected = our_tokens(told)
    assert len(set(expected)) > STEPS // 2
    with Baseline("mlx", STACK.module, told) as worker:
        assert set(worker.versions) == {"mlx"}
        assert all(worker.versions.values())
        first = worker.repetition(STEPS)
        assert first.tokens[:agreeing] == expected[:agreeing]
        assert min(first.step_ns) > 0
        assert [worker.repetition(steps).tokens for steps in (3, STEPS)] == [first.tokens[:3], first.tokens]


@needs_mlx
def test_bf16_weights_arrive_bit_by_bit() -> None:
    import mlx.core as mx

    from runners.baselines import mlx_native

    numbers = Synthetic(0, "bf16").rows("some", (3, 5), 0, 3)
    found = mlx_native._array(numbers)
    assert found.dtype == mx.bfloat16
    assert np.array_equal(np.array(found.astype(mx.float32)), numbers.astype(np.float32))


@needs_mlx
def test_a_repetition_begins_no_step_that_it_does_not_time(tmp_path: Path) -> None:
    from runners.baselines import mlx_native

    decoder = mlx_native.Mlx(job(saved(tmp_path, MODEL), steps=3))
    begun = []
    inner = decoder._next
    decoder._next = lambda tokens: (begun.append(1), inner(tokens))[1]  # type: ignore[func-returns-value,method-assign]
    for _ in range(2):
        decoder.restart()
        token = START_TOKEN
        for _ in range(3):
            token = decoder.step(token)
    assert len(begun) == 6


@needs_mlx
def test_a_prompt_that_is_read_in_pieces_is_the_same_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runners.baselines import mlx_native

    told = job(saved(tmp_path, MODEL, 0.5))
    monkeypatch.setattr(mlx_native, "_PREFILLED_AT_ONCE", 2)
    decoder = mlx_native.Mlx(told)
    token, tokens = START_TOKEN, []
    for _ in range(STEPS):
        token = decoder.step(token)
        tokens.append(token)
    assert tokens == our_tokens(told)


@needs_mlx
def test_on_a_mac_without_a_gpu_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from runners.baselines import mlx_native

    monkeypatch.setattr(mlx_native, "sys", SimpleNamespace(platform="darwin"))
    with pytest.raises(RunnerError, match=r"mlx finds no GPU \(got .*\); measure without it"):
        mlx_native.Mlx(job(saved(tmp_path, MODEL)))


@needs_mlx
def test_a_checkpoint_that_is_none_is_told_by_the_worker(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"model\.safetensors: file: is missing"):
        Baseline("mlx", STACK.module, job(tmp_path))


def test_the_weights_are_the_runs_own(tmp_path: Path) -> None:
    assert isinstance(job(saved(tmp_path, MODEL)).weights, Checkpoint)
