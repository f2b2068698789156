"""The decode step as launches of kernels over named buffers: the same for every device.

A buffer has one writer's meaning at a time, no launch reads what it writes (the caches apart), and each
layer's residual stream alternates between two buffers; so a device may keep launches in order and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from runners.kernels.emit import Emitted
from runners.kernels.emit.layout import Layout
from runners.kernels.expr import Element
from runners.kernels.sizes import Sizes, Storage, step_sizes
from runners.kernels.source import KERNELS
from schemas.records import Model

_CAPACITY_MULTIPLE = 64
Role = Literal["weight", "cache", "table", "activation", "state"]


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory of a device. ``shape`` is the logical one; how a weight lies in memory is its emitter's layout.

    ``tensor`` names the checkpoint's tensor that fills a weight.
    """

    name: str
    element: Element
    shape: tuple[int, ...]
    role: Role
    tensor: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """One call of a kernel; ``buffers`` in the order of the kernel's arrays."""

    kernel: str
    buffers: tuple[str, ...]


@dataclass(slots=True)
class Step:
    """What a device runs again and again: buffers, and launches over them in order.

    ``capacity`` is the room, in tokens, along a dynamic axis. ``sizes`` are each kernel's.
    """

    storage: Storage
    capacity: int
    sizes: dict[str, Sizes]
    buffers: dict[str, Buffer] = field(default_factory=dict)
    launches: list[Launch] = field(default_factory=list)

    def launch(self, kernel: str, *buffers: str) -> None:
        """Add a call of ``kernel``; a buffer met for the first time is an activation of the kernel's shape."""
        for array, name in zip(KERNELS[kernel].arrays, buffers, strict=True):
            shape = self.sizes[kernel].shape(array.axes, self.capacity)
            self.buffers.setdefault(name, Buffer(name, array.element, shape, "activation"))
        self.launches.append(Launch(kernel, buffers))

    def layouts(self, kernels: Mapping[str, Emitted]) -> dict[str, Layout]:
        """The layout of each buffer that is not in rows, by the kernels that read it."""
        found: dict[str, Layout] = {}
        for launch in self.launches:
            emitted = kernels[launch.kernel]
            for array, name in zip(emitted.kernel.arrays, launch.buffers, strict=True):
                if array.name in emitted.layouts:
                    found[name] = emitted.layouts[array.name]
        return found

    def waits(self) -> list[bool]:
        """For each launch, whether it must wait for launches since the last wait: data meet, or memory."""
        waits, read, written = [], set[str](), set[str]()
        for launch in self.launches:
            reads, writes = touched(launch)
            wait = bool(reads & written or writes & (read | written))
            if wait:
                read, written = set(), set()
            waits.append(wait)
            read |= reads
            written |= writes
        return waits


def touched(launch: Launch) -> tuple[set[str], set[str]]:
    """The buffers that a launch reads, and those that it writes."""
    kernel = KERNELS[launch.kernel]
    names = dict(zip((array.name for array in kernel.arrays), launch.buffers, strict=True))
    return {names[array.name] for array in kernel.inputs}, {names[array.name] for array in kernel.outputs}


def room(tokens: int) -> int:
    """The capacity of a cache that so many tokens will come to."""
    return -(-tokens // _CAPACITY_MULTIPLE) * _CAPACITY_MULTIPLE


def decode_step(model: Model, storage: Storage, capacity: int) -> Step:
    """One token id to the next: embedding, all layers, final norm, head, argmax.

    The state is ``token`` (read first, written last) and ``position``, which whoever runs the step moves on.
    """
    step = Step(storage, capacity, step_sizes(model))
    for buffer in (*_weights(model, step.sizes), *_state(model, capacity)):
        step.buffers[buffer.name] = buffer
    step.launch("embedding_lookup", "token", "embed_tokens", "x")
    for layer in range(model.num_hidden_layers):
        _layer(step, layer)
    step.launch("rms_norm", "x", "norm", "normed")
    step.launch("lm_head_matvec", "lm_head", "normed", "logits")
    step.launch("argmax_greedy", "logits", "token")
    return step


def _layer(step: Step, layer: int) -> None:
    """Attention and MLP of one layer: ``x`` in, ``x`` out, ``mid`` between the two."""
    weights = (f"{layer}.{name}" for name in LAYER_TENSORS)
    norm_1, q, q_bias, k, k_bias, v, v_bias, o, norm_2, gate, up, down = weights
    keys, values = f"{layer}.keys", f"{layer}.values"
    step.launch("rms_norm", "x", norm_1, "normed")
    step.launch("q_proj_matvec", q, "normed", q_bias, "q")
    step.launch("kv_proj_matvec", k, "normed", k_bias, "k")
    step.launch("kv_proj_matvec", v, "normed", v_bias, "v")
    step.launch("rope_qk", "q", "k", "position", "cosines", "sines", "q_rotated", "k_rotated")
    step.launch("kv_cache_append", "k_rotated", "v", "position", keys, values)
    step.launch("attention_decode_gqa", "q_rotated", keys, values, "position", "attended")
    step.launch("o_proj_matvec", o, "attended", "projected")
    step.launch("residual_add_rms_norm", "x", "projected", norm_2, "mid", "normed_mid")
    step.launch("mlp_gate_up_silu", gate, up, "normed_mid", "activated")
    step.launch("down_proj_residual", down, "activated", "mid", "x")


LAYER_TENSORS: dict[str, tuple[str, str, str]] = {
    "input_layernorm": ("input_layernorm.weight", "rms_norm", "weight"),
    "q_proj": ("self_attn.q_proj.weight", "q_proj_matvec", "weight"),
    "q_bias": ("self_attn.q_proj.bias", "q_proj_matvec", "bias"),
    "k_proj": ("self_attn.k_proj.weight", "kv_proj_matvec", "weight"),
    "k_bias": ("self_attn.k_proj.bias", "kv_proj_matvec", "bias"),
    "v_proj": ("self_attn.v_proj.weight", "kv_proj_matvec", "weight"),
    "v_bias": ("self_attn.v_proj.bias", "kv_proj_matvec", "bias"),
    "o_proj": ("self_attn.o_proj.weight", "o_proj_matvec", "weight"),
    "post_attention_layernorm": ("post_attention_layernorm.weight", "residual_add_rms_norm", "weight"),
    "gate_proj": ("mlp.gate_proj.weight", "mlp_gate_up_silu", "gate_weight"),
    "up_proj": ("mlp.up_proj.weight", "mlp_gate_up_silu", "up_weight"),
    "down_proj": ("mlp.down_proj.weight", "down_proj_residual", "weight"),
}
"""A layer's weights: our name to the checkpoint's (below ``model.layers.<n>.``), and the array that reads it."""

_MODEL_TENSORS: dict[str, tuple[str, str, str]] = {
    "embed_tokens": ("model.embed_tokens.weight", "embedding_lookup", "table"),
    "norm": ("model.norm.weight", "rms_norm", "weight"),
    "lm_head": ("lm_head.weight", "lm_head_matvec", "weight"),
}


def _weights(model: Model, sizes: dict[str, Sizes]) -> Iterator[Buffer]:
    """Every weight, in the order of a checkpoint's own names."""
    for name, (tensor, kernel, array) in _MODEL_TENSORS.items():
        tied = model.tie_word_embeddings and name == "lm_head"
        filled_by = _MODEL_TENSORS["embed_tokens"][0] if tied else tensor
        yield Buffer(name, "stored", _shape(sizes, kernel, array), "weight", filled_by)
    for layer in range(model.num_hidden_layers):
        for name, (tensor, kernel, array) in LAYER_TENSORS.items():
            shape = _shape(sizes, kernel, array)
            yield Buffer(f"{layer}.{name}", "stored", shape, "weight", f"model.layers.{layer}.{tensor}")


def _shape(sizes: dict[str, Sizes], kernel: str, name: str) -> tuple[int, ...]:
    axes = next(array.axes for array in KERNELS[kernel].arrays if array.name == name)
    return sizes[kernel].shape(axes, capacity=0)


def _state(model: Model, capacity: int) -> Iterator[Buffer]:
    """What lives from step to step: token, position, caches; and the angles of each position."""
    yield Buffer("token", "i32", (), "state")
    yield Buffer("position", "i32", (), "state")
    for name in ("cosines", "sines"):
        yield Buffer(name, "f32", (capacity, model.head_dim // 2), "table")
    for layer in range(model.num_hidden_layers):
        for name in ("keys", "values"):
            shape = (model.num_key_value_heads, capacity, model.head_dim)
            yield Buffer(f"{layer}.{name}", "stored", shape, "cache")
