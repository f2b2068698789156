"""The lengths of all axes, from a model's configuration: what an emitter writes into a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from runners.kernels.expr import Axis, Kernel

Storage = Literal["bf16", "f16", "f32"]
STORAGE_BYTES: dict[Storage, int] = {"bf16": 2, "f16": 2, "f32": 4}


@dataclass(frozen=True, slots=True)
class Sizes:
    """``lengths``: axis name to length (a dynamic axis has none). ``settings``: such as ``rms_norm_eps``."""

    lengths: dict[str, int]
    settings: dict[str, float] = field(default_factory=dict)

    def shape(self, axes: tuple[Axis, ...], capacity: int) -> tuple[int, ...]:
        """The shape of an array with ``axes``; a dynamic axis has room for ``capacity``."""
        return tuple(capacity if axis.dynamic else self.lengths[axis.name] for axis in axes)

    def programs(self, kernel: Kernel) -> int:
        """How many independent programs the kernel has: the points of its parallel axes."""
        count = 1
        for axis in kernel.parallel:
            count *= self.lengths[axis.name]
        return count


class Config(Protocol):
    """What the sizes of a Qwen2-style decoder follow from, in the published checkpoint's own terms."""

    @property
    def hidden_size(self) -> int: ...
    @property
    def num_attention_heads(self) -> int: ...
    @property
    def num_key_value_heads(self) -> int: ...
    @property
    def head_dim(self) -> int: ...
    @property
    def intermediate_size(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def rms_norm_eps(self) -> float: ...


MICROBENCHMARK = Sizes({"rows": 4096, "cols": 4096})
"""The largest shape of the published leaderboard: beyond what a cache holds."""


def step_sizes(config: Config) -> dict[str, Sizes]:
    """Kernel name to sizes, for each of the thirteen kernels of the decode step."""
    hidden, head_dim = config.hidden_size, config.head_dim
    q_heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    eps = {"rms_norm_eps": config.rms_norm_eps}
    lengths: dict[str, dict[str, int]] = {
        "embedding_lookup": {"vocab": config.vocab_size, "hidden": hidden},
        "rms_norm": {"rows": 1, "cols": hidden},
        "q_proj_matvec": {"out": q_heads * head_dim, "in": hidden},
        "kv_proj_matvec": {"out": kv_heads * head_dim, "in": hidden},
        "rope_qk": {"q_heads": q_heads, "kv_heads": kv_heads, "half": 2, "pair": head_dim // 2},
        "kv_cache_append": {"kv_heads": kv_heads, "head_dim": head_dim},
        "attention_decode_gqa": {
            "kv_heads": kv_heads,
            "group": q_heads // kv_heads,
            "head_dim": head_dim,
        },
        "o_proj_matvec": {"out": hidden, "in": q_heads * head_dim},
        "residual_add_rms_norm": {"rows": 1, "cols": hidden},
        "mlp_gate_up_silu": {"out": config.intermediate_size, "in": hidden},
        "down_proj_residual": {"out": hidden, "in": config.intermediate_size},
        "lm_head_matvec": {"out": config.vocab_size, "in": hidden},
        "argmax_greedy": {"vocab": config.vocab_size},
    }
    return {name: Sizes(found, eps if "norm" in name else {}) for name, found in lengths.items()}
