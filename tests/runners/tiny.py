"""A model small enough to run anywhere, and its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - safetensors writes bfloat16 once NumPy knows it
import numpy as np
from safetensors.numpy import save_file

from runners.checkpoint import expected_shapes
from runners.kernels.emit import TARGETS, Emitted, emit
from runners.kernels.source import KERNELS
from runners.step import Step
from schemas.records import Model, Reference

Tensors = dict[str, np.ndarray[Any, Any]]


def tiny_model(**changed: Any) -> Model:
    """Three query heads a KV head, and no size a power of two but the head's half."""
    fields: dict[str, Any] = {
        "schema": "decode-board/model/1",
        "id": "tiny",
        "name": "Tiny",
        "architecture": "qwen2",
        "hidden_size": 54,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "head_dim": 10,
        "intermediate_size": 70,
        "vocab_size": 131,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "attention_bias": True,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "source": Reference("Made up", "https://example.com/"),
    }
    return Model(**{**fields, **changed})


def random_tensors(model: Model, dtype: Any = np.float32, seed: int = 0) -> Tensors:
    """A checkpoint's tensors, drawn."""
    rng = np.random.default_rng(seed)
    shapes = expected_shapes(model)
    return {name: rng.standard_normal(shape, np.float32).astype(dtype) for name, shape in shapes.items()}


def save(folder: Path, tensors: Tensors, name: str = "model.safetensors") -> Path:
    """Write ``tensors`` as one safetensors file of ``folder``."""
    save_file(tensors, folder / name)
    return folder / name


def untexted(step: Step) -> dict[str, Emitted]:
    """The kernels of a step without a text: what the null device needs of them."""
    return {
        name: Emitted(KERNELS[name], "reference", sizes, step.storage, "", {})
        for name, sizes in step.sizes.items()
    }


def emitted(step: Step, target: str) -> dict[str, Emitted]:
    """The kernels of a step in a language, or without a text where the target is none."""
    if target not in TARGETS:
        return untexted(step)
    return {name: emit(KERNELS[name], target, sizes, step.storage) for name, sizes in step.sizes.items()}
