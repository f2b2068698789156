"""Sizes at which a tile program has several tiles, pieces, chunks or rows a core: for AscendC and PTO alike."""

from __future__ import annotations

from runners.kernels.sizes import Sizes
from tests.runners.kernels.cases import TINY, Case

TILED = [
    *TINY,
    Case("o_proj_matvec", Sizes({"out": 4099, "in": 24})),  # many rows in a tile, and few in the last
    Case("lm_head_matvec", Sizes({"out": 30, "in": 2500})),  # rows in parts, the last one short
    Case("mlp_gate_up_silu", Sizes({"out": 9, "in": 3840})),  # two matrices, rows in equal parts
    Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 2, "head_dim": 512}), 9, 10),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 1, "head_dim": 301}), 300, 303),
    Case("embedding_lookup", Sizes({"vocab": 7, "hidden": 5001})),  # a row in pieces
    Case("silu", Sizes({"rows": 3, "cols": 9000})),
    Case("rms_norm", Sizes({"rows": 50, "cols": 40}, {"rms_norm_eps": 1e-6})),  # several rows a core
    Case("kv_cache_append", Sizes({"kv_heads": 50, "head_dim": 24}), 3, 4),
    Case("argmax_greedy", Sizes({"vocab": 10007})),  # the last chunk overlaps
]
