"""PyTorch as it comes: Hugging Face's Qwen2 in eager mode, with scaled-dot-product attention, on the run's device.

The cache is transformers' own default, DynamicCache, which can be cut back to a depth. At the published size
StaticCache is as fast to within the noise (4.2 tok/s either way on two cores).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import transformers
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.checkpoint import expected_shapes
from runners.device import Numbers, RunnerError
from runners.kernels.sizes import Storage
from runners.vendor import MEMORY, told
from schemas.records import Model

_A_BUILD_FOR_GPUS = "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu130"
_A_NEWER_DRIVER = "renew the driver, or take the build for its CUDA: https://pytorch.org/get-started/locally"
TYPES: dict[Storage, Any] = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


class Eager:
    """The model, and a cache of the job's prompt."""

    def __init__(self, job: Job, device: Any = None) -> None:
        torch.set_num_threads(job.threads)
        self._device, self._depth_tokens = device or device_of(job), job.depth_tokens
        with loading():
            self._model = loaded_model(job, self._device)
            self._cache = transformers.DynamicCache(config=self._model.config)
            if job.prompt:
                self._forward(job.prompt)

    @property
    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__, "transformers": transformers.__version__}

    def restart(self) -> None:
        beyond = self._cache.get_seq_length() - self._depth_tokens
        if beyond:
            self._cache.crop(-beyond)

    def step(self, token: int) -> int:
        return int(self._forward([token]).logits[0, -1].argmax())

    def _forward(self, tokens: list[int]) -> Any:
        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self._device)
            return self._model(input_ids=ids, past_key_values=self._cache, logits_to_keep=1)


def device_of(job: Job) -> Any:
    """The device of the run beside which this one is: the same GPU, or the CPU."""
    if job.runner != "cuda":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        remedy = _A_NEWER_DRIVER if torch.version.cuda else _A_BUILD_FOR_GPUS
        raise RunnerError(f"--baseline: PyTorch finds no GPU (got torch {torch.__version__}); {remedy}")
    device = torch.device("cuda", job.settings.get("gpu", 0))
    torch.cuda.set_device(device)
    return device


@contextmanager
def loading() -> Iterator[None]:
    """Too little memory is told in one line: ours has its own copy of the weights on the same device."""
    with told("--baseline: PyTorch", (torch.OutOfMemoryError,), {}, f"{MEMORY}, or measure without it"):
        yield


def loaded_model(job: Job, device: Any) -> Any:
    """The published model's class with our weights as its own, on the host without a copy of them."""
    config = _config(job.model, job.storage)
    with torch.device("meta"):
        model = transformers.Qwen2ForCausalLM(config)
    model.model.rotary_emb = Qwen2RotaryEmbedding(config).to(device)
    source, shapes = job.weights, expected_shapes(job.model)
    weights = {
        name: _tensor(source.rows(name, shape, 0, shape[0])).to(device) for name, shape in shapes.items()
    }
    model.load_state_dict(weights, assign=True, strict=not job.model.tie_word_embeddings)
    model.tie_weights()
    return model.eval()


def _config(model: Model, storage: Storage) -> Any:
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
             "intermediate_size", "vocab_size", "max_position_embeddings", "rms_norm_eps",
             "tie_word_embeddings")  # fmt: skip
    return transformers.Qwen2Config(
        **{name: getattr(model, name) for name in names},
        rope_parameters={"rope_type": "default", "rope_theta": model.rope_theta},
        dtype=TYPES[storage],
    )


def _tensor(numbers: Numbers) -> Any:
    """The same memory as a tensor; NumPy's bfloat16 goes as its bits."""
    if numbers.dtype.itemsize == 2:
        kind = torch.float16 if numbers.dtype == np.float16 else torch.bfloat16
        return torch.from_numpy(numbers.view(np.uint16)).view(kind)
    return torch.from_numpy(numbers)


DECODER = Eager

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(DECODER)
