"""JAX as it comes: Qwen2's decode step in ``jax.numpy``, left to XLA, in one program whose caches are donated.

Matrices are multiplied in the storage type and summed in f32, which is a TPU's own way; f32 weights keep f32 by the
highest precision. Layers are unrolled: compiled for a v5e, XLA then fetches weights ahead of the layer that needs
them, which it does not from one turn of a loop over stacked layers to the next. Either way each is read once. Over
several cores XLA finds out by itself what to gather, from where the matrices' rows lie.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.checkpoint import expected_shapes
from runners.device import element_type
from runners.stacks.tpu.cores import Cores
from runners.vendor import told
from runners.weights import START_TOKEN, angles
from schemas.records import Model

_LANES = 128
_WITHOUT = {"RESOURCE_EXHAUSTED": "choose a --dtype of 16 bits, or measure without it"}
Arrays = dict[str, Any]


class NativeJax:
    """The model on as many of JAX's devices as ours has, and caches of the job's prompt, filled step by step."""

    def __init__(self, job: Job) -> None:
        self._depth_tokens, self._token = job.depth_tokens, -1
        capacity = -(-(job.depth_tokens + job.steps) // _LANES) * _LANES
        with self._told("loading"):
            cores = Cores(tuple(jax.local_devices()[: job.settings.get("cores", 1)]))
            self._whole = cores.sharding()
            self._weights = _weights(job, capacity, cores)
            self._state = jax.device_put(_state(job, capacity), self._whole)
            step = partial(decoded, job.model)
            self._step = jax.jit(step, donate_argnums=0, out_shardings=self._whole)
            for token in job.prompt or [START_TOKEN]:
                self.step(token)

    @property
    def versions(self) -> dict[str, str]:
        """Beside ours, whose toolchain names the rest."""
        return {"jax": jax.__version__}

    def restart(self) -> None:
        self._state["position"] = self._put(self._depth_tokens)

    def step(self, token: int) -> int:
        """The token stays on the device where it is the one that the last step gave."""
        with self._told("running a step"):
            if token != self._token:
                self._state["token"] = self._put(token)
            self._state = self._step(self._state, self._weights)
            self._token = int(np.array(self._state["token"]))
        return self._token

    def _put(self, number: int) -> Any:
        return jax.device_put(np.int32(number), self._whole)

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return told(
            f"--baseline: jax: {doing}", (jax.errors.JaxRuntimeError,), _WITHOUT, "measure without it"
        )


def _weights(job: Job, capacity: int, cores: Cores) -> Arrays:
    """The checkpoint's tensors by their own names, and each position's angles. Cores share a matrix's rows."""
    source, whole, rows = job.weights, cores.sharding(), cores.sharding(held_rank=2, rank=2)
    found = {}
    for name, shape in expected_shapes(job.model).items():
        shared = len(shape) == 2 and name != "model.embed_tokens.weight"
        numbers = source.rows(name, shape, 0, shape[0])
        found[name] = jax.device_put(numbers, rows if shared else whole).block_until_ready()
    cosines, sines = jax.device_put(angles(job.model, capacity), whole)
    return {**found, "cosines": cosines, "sines": sines}


def _state(job: Job, capacity: int) -> Arrays:
    """What a step changes: token, position, and each layer's keys and values, (KV heads, capacity, head_dim)."""
    shape = job.model.num_key_value_heads, capacity, job.model.head_dim
    stored = element_type("stored", job.storage)
    caches = [jnp.zeros(shape, stored) for _ in range(2 * job.model.num_hidden_layers)]
    return {"token": jnp.int32(0), "position": jnp.int32(0), "keys": caches[::2], "values": caches[1::2]}


# --- one step -------------------------------------------------------------------------------------


def decoded(model: Model, state: Arrays, weights: Arrays) -> Arrays:
    """The state after one token."""
    position = state["position"]
    x = weights["model.embed_tokens.weight"][state["token"]].astype(jnp.float32)
    keys, values = [], []
    for layer in range(model.num_hidden_layers):
        own = _Layer(model, weights, f"model.layers.{layer}.", position)
        attended, new_keys, new_values = own.attended(x, state["keys"][layer], state["values"][layer])
        x = own.fed_forward(x + attended)
        keys.append(new_keys)
        values.append(new_values)
    head = "model.embed_tokens" if model.tie_word_embeddings else "lm_head"
    logits = product(weights[f"{head}.weight"], _normed(x, weights["model.norm.weight"], model.rms_norm_eps))
    token = jnp.argmax(logits).astype(jnp.int32)
    return {"token": token, "position": position + 1, "keys": keys, "values": values}


@dataclass(frozen=True, slots=True)
class _Layer:
    model: Model
    weights: Arrays
    prefix: str
    position: Any

    def of(self, name: str) -> Any:
        return self.weights[f"{self.prefix}{name}"]

    def attended(self, x: Any, keys: Any, values: Any) -> tuple[Any, Any, Any]:
        """(what attention adds to x, keys with this token's, values with this token's)"""
        model = self.model
        normed = _normed(x, self.of("input_layernorm.weight"), model.rms_norm_eps)
        q, k, v = (
            (product(self.of(f"self_attn.{part}_proj.weight"), normed) + self.of(f"self_attn.{part}_proj.bias"))
            .reshape(-1, model.head_dim)
            for part in "qkv"
        )  # fmt: skip
        keys, values = (self._added(*pair) for pair in ((keys, self._turned(k)), (values, v)))
        q = self._turned(q).reshape(model.num_key_value_heads, -1, model.head_dim)
        scores = product(keys, q, "ktd,kgd->kgt") * model.head_dim**-0.5
        visible = jnp.arange(keys.shape[1]) <= self.position
        shares = jax.nn.softmax(jnp.where(visible, scores, -jnp.inf), axis=-1)
        together = product(values, shares, "ktd,kgt->kgd").reshape(-1)
        return product(self.of("self_attn.o_proj.weight"), together), keys, values

    def _added(self, cache: Any, new: Any) -> Any:
        """The cache with this token's row."""
        row = new[:, None, :].astype(cache.dtype)
        return jax.lax.dynamic_update_slice(cache, row, (0, self.position, 0))

    def _turned(self, heads: Any) -> Any:
        """Each head's first half rotated against its second half, by the position's angles."""
        cosine, sine = (self.weights[name][self.position] for name in ("cosines", "sines"))
        first, second = jnp.split(heads, 2, axis=-1)
        return jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)

    def fed_forward(self, x: Any) -> Any:
        normed = _normed(x, self.of("post_attention_layernorm.weight"), self.model.rms_norm_eps)
        gate, up = (product(self.of(f"mlp.{part}_proj.weight"), normed) for part in ("gate", "up"))
        return x + product(self.of("mlp.down_proj.weight"), jax.nn.silu(gate) * up)


def product(stored: Any, x: Any, axes: str = "oi,i->o") -> Any:
    """``stored`` times ``x``, summed in f32."""
    full = jax.lax.Precision.HIGHEST if stored.dtype == jnp.float32 else None
    return jnp.einsum(
        axes, stored, x.astype(stored.dtype), precision=full, preferred_element_type=jnp.float32
    )


def _normed(x: Any, weight: Any, eps: float) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x) + eps) * weight


DECODER = NativeJax

if __name__ == "__main__":
    serve(DECODER)
