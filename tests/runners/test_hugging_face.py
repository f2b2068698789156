"""Our decode step of a saved Qwen2 is the one of transformers: from its files to its logits and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.checkpoint import Checkpoint
from runners.cpu import CpuDevice
from runners.device import Device
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import first_contents
from schemas.records import Model
from tests.runners.tiny import emitted, tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install '.[test]'"
)

DEVICES: tuple[type[Device], ...] = (NullDevice, CpuDevice)
PROMPT = (7, 130, 0, 64)
POSITIONS = 12
MODELS = {
    "three heads a group": tiny_model(),
    "tied": tiny_model(tie_word_embeddings=True),
    "four groups, another base": tiny_model(
        hidden_size=48, num_attention_heads=8, num_key_value_heads=4, head_dim=6, rope_theta=500.0,
        rms_norm_eps=1e-3, vocab_size=257, num_hidden_layers=2,
    ),
}  # fmt: skip


@pytest.fixture(params=list(MODELS), scope="module")
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]


@pytest.fixture(scope="module")
def published(model: Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The model as transformers makes it, every weight random, and the folder that it is saved to."""
    fields = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
              "intermediate_size", "vocab_size", "max_position_embeddings", "rms_norm_eps",
              "tie_word_embeddings")  # fmt: skip
    config = transformers.Qwen2Config(
        **{name: getattr(model, name) for name in fields},
        rope_parameters={"rope_type": "default", "rope_theta": model.rope_theta},
        attn_implementation="eager",
        dtype="float32",
    )
    torch.manual_seed(0)
    made = transformers.Qwen2ForCausalLM(config).eval()
    for name, weight in made.named_parameters():
        torch.nn.init.normal_(weight, mean=1.0 if "norm" in name else 0.0, std=0.2)
    folder = tmp_path_factory.mktemp("published")
    made.save_pretrained(folder, safe_serialization=True)
    return made, folder


@pytest.fixture(params=DEVICES, ids=lambda device: device.runner, scope="module")
def decoded(request: pytest.FixtureRequest, model: Model, published: tuple[Any, Path]) -> Any:
    """Our tokens (the prompt, then greedy ones) and the logits after each, from an empty cache."""
    device: Device = request.param()
    device.open()
    step = decode_step(model, "f32", POSITIONS)
    kernels = emitted(step, device.target)
    device.compile(list(kernels.values()))
    source = Checkpoint(published[1], model, "f32")
    device.load(step, kernels, first_contents(model, step, source, depth_tokens=0, seed=0))
    tokens, logits = list(PROMPT), []
    for place in range(POSITIONS):
        device.write("token", np.array(tokens[place], np.int32))
        chosen = device.run(1).tokens
        tokens += chosen if place + 1 == len(tokens) else []
        logits.append(device.read("logits"))
    device.close()
    return tokens, np.array(logits)


@pytest.fixture(scope="module")
def expected(published: tuple[Any, Path], decoded: Any) -> Any:
    """transformers' logits after each of our tokens, of one forward pass without a cache."""
    with torch.inference_mode():
        return published[0](torch.tensor([decoded[0][:POSITIONS]])).logits[0].numpy()


def test_logits_agree_at_every_position(decoded: Any, expected: Any) -> None:
    assert expected.shape == decoded[1].shape
    assert np.abs(expected - decoded[1]).max() < 1e-4
    assert np.abs(expected).max() > 1


def test_greedy_tokens_are_the_same(decoded: Any, expected: Any) -> None:
    assert decoded[0][len(PROMPT) :] == expected[len(PROMPT) - 1 :].argmax(1).tolist()


def test_the_models_differ_where_our_step_could_go_wrong(published: tuple[Any, Path]) -> None:
    """Each kind of weight moves the logits, so that none of them could be left out unseen."""
    made, tokens = published[0], torch.tensor([PROMPT])
    with torch.inference_mode():
        before = made(tokens).logits
        for kind in ("q_proj.bias", "k_proj.bias", "v_proj.bias", "input_layernorm", "post_attention_layernorm",
                     "model.norm", "o_proj", "up_proj", "down_proj"):  # fmt: skip
            weight = next(weight for name, weight in made.named_parameters() if kind in name)
            kept = weight.clone()
            weight.fill_(1.0 if "norm" in kind else 0.0)
            assert (made(tokens).logits - before).abs().max() > 1e-3, kind
            weight.copy_(kept)
