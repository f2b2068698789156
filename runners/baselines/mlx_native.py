"""MLX, Apple's own array library: the operations of mlx-lm's Qwen2, in its order, on our weights.

As mlx-lm does, it hands the next step to the GPU before it reads this one's token, except after a repetition's last
step; so the host builds its graph while the GPU works. The cache has its room from the start, in mlx-lm's multiples.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn

from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.checkpoint import expected_shapes
from runners.device import Numbers, RunnerError
from schemas.records import Model

_CACHE_MULTIPLE = 256
_PREFILLED_AT_ONCE = 512


class Mlx:
    """The model's weights, and a cache of the job's prompt."""

    def __init__(self, job: Job) -> None:
        _use_the_gpu()
        self._model, self._depth_tokens, self._steps = job.model, job.depth_tokens, job.steps
        source = job.weights
        self._weights = {
            name: _array(source.rows(name, shape, 0, shape[0]))
            for name, shape in expected_shapes(job.model).items()
        }
        self._caches = [
            _Cache(job.model, job.depth_tokens + job.steps, self._weights["model.norm.weight"].dtype)
            for _ in range(job.model.num_hidden_layers)
        ]
        for first in range(0, job.depth_tokens, _PREFILLED_AT_ONCE):
            mx.eval(self._next(mx.array(job.prompt[first : first + _PREFILLED_AT_ONCE])))
        self.restart()

    @property
    def versions(self) -> dict[str, str]:
        return {"mlx": mx.__version__}

    def restart(self) -> None:
        self._following: Any = None
        self._left = self._steps
        for cache in self._caches:
            cache.length = self._depth_tokens

    def step(self, token: int) -> int:
        """Decoding is greedy: a token that MLX chose is the next one, whose step is under way already."""
        chosen = self._following
        if chosen is None:
            chosen = self._begun(mx.array([token]))
        self._left -= 1
        self._following = self._begun(chosen) if self._left > 0 else None
        return int(chosen.item())

    def _begun(self, tokens: Any) -> Any:
        chosen = self._next(tokens)
        mx.async_eval(chosen)
        return chosen

    def _next(self, tokens: Any) -> Any:
        """The token after ``tokens``, (1,); its place in the cache is after those that are there."""
        x = self._weights["model.embed_tokens.weight"][tokens][None]
        for layer, cache in enumerate(self._caches):
            x = self._layer(f"model.layers.{layer}.", cache, x)
        x = self._normed("model.norm", x)
        head = "model.embed_tokens" if self._model.tie_word_embeddings else "lm_head"
        return mx.argmax(self._linear(head, x)[:, -1, :], axis=-1)

    def _layer(self, name: str, cache: _Cache, x: Any) -> Any:
        x = x + self._attention(f"{name}self_attn.", cache, self._normed(f"{name}input_layernorm", x))
        normed = self._normed(f"{name}post_attention_layernorm", x)
        gate, up = (self._linear(f"{name}mlp.{part}_proj", normed) for part in ("gate", "up"))
        return x + self._linear(f"{name}mlp.down_proj", _swiglu(gate, up))

    def _attention(self, name: str, cache: _Cache, x: Any) -> Any:
        model, length = self._model, x.shape[1]
        heads = (model.num_attention_heads, model.num_key_value_heads, model.num_key_value_heads)
        queries, keys, values = (
            self._linear(f"{name}{part}_proj", x).reshape(1, length, count, -1).transpose(0, 2, 1, 3)
            for part, count in zip("qkv", heads, strict=True)
        )
        rotated = partial(
            mx.fast.rope,
            dims=model.head_dim,
            traditional=False,
            base=model.rope_theta,
            scale=1.0,
            offset=cache.length,
        )
        queries, keys = rotated(queries), rotated(keys)
        keys, values = cache.with_added(keys, values)
        attended = mx.fast.scaled_dot_product_attention(
            queries, keys, values, scale=model.head_dim**-0.5, mask="causal" if length > 1 else None
        )
        return self._linear(f"{name}o_proj", attended.transpose(0, 2, 1, 3).reshape(1, length, -1))

    def _normed(self, name: str, x: Any) -> Any:
        return mx.fast.rms_norm(x, self._weights[f"{name}.weight"], self._model.rms_norm_eps)

    def _linear(self, name: str, x: Any) -> Any:
        weight, bias = self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias")
        return x @ weight.T if bias is None else mx.addmm(bias, x, weight.T)


class _Cache:
    """Keys and values of one layer, (1, KV heads, room, head_dim); those of ``length`` tokens are valid."""

    def __init__(self, model: Model, most_tokens: int, dtype: Any) -> None:
        room = -(-most_tokens // _CACHE_MULTIPLE) * _CACHE_MULTIPLE
        shape = (1, model.num_key_value_heads, room, model.head_dim)
        self._keys, self._values = mx.zeros(shape, dtype), mx.zeros(shape, dtype)
        self.length = 0

    def with_added(self, keys: Any, values: Any) -> tuple[Any, Any]:
        """All keys and values, these at the end."""
        first, self.length = self.length, self.length + keys.shape[2]
        self._keys[..., first : self.length, :] = keys
        self._values[..., first : self.length, :] = values
        return self._keys[..., : self.length, :], self._values[..., : self.length, :]


@partial(mx.compile, shapeless=True)
def _swiglu(gate: Any, up: Any) -> Any:
    return nn.silu(gate) * up


def _use_the_gpu() -> None:
    """As mlx-lm does, keep what the GPU needs in memory. On a Mac no other device counts."""
    if mx.metal.is_available():
        mx.set_wired_limit(mx.device_info()["max_recommended_working_set_size"])
    elif sys.platform == "darwin":
        raise RunnerError("--baseline: mlx finds no GPU (got Metal: not available); measure without it")


def _array(numbers: Numbers) -> Any:
    """The same numbers; NumPy's bfloat16 goes as its bits."""
    if numbers.dtype in (np.float16, np.float32):
        return mx.array(numbers)
    return mx.array(numbers.view(np.uint16)).view(mx.bfloat16)


DECODER = Mlx

if __name__ == "__main__":
    serve(DECODER)
