"""What each kernel must give, in plain NumPy and float64: written from the model's definition, not from our source.

A source that is wrong cannot agree with itself here. Nothing of ours is imported but the sizes' type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from runners.kernels.sizes import Sizes

Arrays = dict[str, Any]
Oracle = Callable[[Arrays, Sizes], Arrays]


def expected(kernel: str, arrays: Arrays, sizes: Sizes) -> Arrays:
    """Every output array of ``kernel`` in full: float64, or int32 for a token."""
    wide = {
        name: array if array.dtype.kind == "i" or name == "table" else array.astype(np.float64)
        for name, array in arrays.items()
    }
    return ORACLES[kernel](wide, sizes)


def embedding_lookup(a: Arrays, sizes: Sizes) -> Arrays:
    return {"x": a["table"][int(a["token"])].astype(np.float64)}


def rms_norm(a: Arrays, sizes: Sizes) -> Arrays:
    x = a["x"]
    scale = np.sqrt((x**2).mean(axis=-1, keepdims=True) + sizes.settings["rms_norm_eps"])
    return {"y": x / scale * a["weight"]}


def q_proj(a: Arrays, sizes: Sizes) -> Arrays:
    return {"q": a["weight"] @ a["x"] + a["bias"]}


def kv_proj(a: Arrays, sizes: Sizes) -> Arrays:
    return {"kv": a["weight"] @ a["x"] + a["bias"]}


def rope(a: Arrays, sizes: Sizes) -> Arrays:
    """Each pair (x[i], x[i + half]) is a complex number, turned by its angle."""
    turn = (a["cosines"] + 1j * a["sines"])[int(a["position"])]

    def rotated(x: Any) -> Any:
        z = (x[:, 0] + 1j * x[:, 1]) * turn
        return np.stack([z.real, z.imag], axis=1)

    return {"q_rotated": rotated(a["q"]), "k_rotated": rotated(a["k"])}


def append(a: Arrays, sizes: Sizes) -> Arrays:
    keys, values = a["keys"].copy(), a["values"].copy()
    keys[:, int(a["position"])], values[:, int(a["position"])] = a["k"], a["v"]
    return {"keys": keys, "values": values}


def attention(a: Arrays, sizes: Sizes) -> Arrays:
    """Query head by query head, as a textbook has it."""
    end = int(a["position"]) + 1
    y = np.empty_like(a["q"])
    for head in range(y.shape[0]):
        for member in range(y.shape[1]):
            score = a["keys"][head, :end] @ a["q"][head, member] / np.sqrt(y.shape[2])
            weight = np.exp(score - score.max())
            y[head, member] = (weight / weight.sum()) @ a["values"][head, :end]
    return {"y": y}


def o_proj(a: Arrays, sizes: Sizes) -> Arrays:
    return {"y": a["weight"] @ a["x"]}


def residual_add_rms_norm(a: Arrays, sizes: Sizes) -> Arrays:
    added = a["x"] + a["residual"]
    return {"sum": added, **rms_norm({"x": added, "weight": a["weight"]}, sizes)}


def mlp(a: Arrays, sizes: Sizes) -> Arrays:
    gate, up = a["gate_weight"] @ a["x"], a["up_weight"] @ a["x"]
    return {"y": gate * (0.5 * (1.0 + np.tanh(gate / 2.0))) * up}


def down_proj(a: Arrays, sizes: Sizes) -> Arrays:
    return {"y": a["weight"] @ a["x"] + a["residual"]}


def lm_head(a: Arrays, sizes: Sizes) -> Arrays:
    return {"logits": a["weight"] @ a["x"]}


def argmax(a: Arrays, sizes: Sizes) -> Arrays:
    logits = a["logits"]
    return {"token": np.array(np.flatnonzero(logits == logits.max())[0], np.int32)}


def softmax(a: Arrays, sizes: Sizes) -> Arrays:
    log_total = np.logaddexp.reduce(a["x"], axis=-1, keepdims=True)
    return {"y": np.exp(a["x"] - log_total)}


def layernorm(a: Arrays, sizes: Sizes) -> Arrays:
    x = a["x"]
    return {"y": (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)}


def gelu(a: Arrays, sizes: Sizes) -> Arrays:
    x = a["x"]
    return {"y": 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))}


def silu(a: Arrays, sizes: Sizes) -> Arrays:
    return {"y": a["x"] * 0.5 * (1.0 + np.tanh(a["x"] / 2.0))}


ORACLES: dict[str, Oracle] = {
    "embedding_lookup": embedding_lookup,
    "rms_norm": rms_norm,
    "q_proj_matvec": q_proj,
    "kv_proj_matvec": kv_proj,
    "rope_qk": rope,
    "kv_cache_append": append,
    "attention_decode_gqa": attention,
    "o_proj_matvec": o_proj,
    "residual_add_rms_norm": residual_add_rms_norm,
    "mlp_gate_up_silu": mlp,
    "down_proj_residual": down_proj,
    "lm_head_matvec": lm_head,
    "argmax_greedy": argmax,
    "softmax": softmax,
    "layernorm": layernorm,
    "gelu": gelu,
    "silu": silu,
}
