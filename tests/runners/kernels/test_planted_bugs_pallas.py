"""A bug put into the emitted Pallas text makes the check fail: what the other tests would notice."""

from __future__ import annotations

import numpy as np
import pytest

from runners.kernels.sizes import Sizes
from tests.runners.kernels.cases import Case
from tests.runners.kernels.pallas_runs import wrong
from tests.runners.kernels.text_runs import emitted_for
from tests.simulators.pallas import run

MATRIX = Sizes({"out": 300, "in": 4096})
ATTENTION = Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 600, 1200)
ROPE = Case("rope_qk", Sizes({"q_heads": 4, "kv_heads": 2, "half": 2, "pair": 8}), 37, 60)
APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 8}), 37, 64)
EMBED = Case("embedding_lookup", Sizes({"vocab": 200, "hidden": 40}))
NORM = Case("rms_norm", Sizes({"rows": 3, "cols": 200}, {"rms_norm_eps": 1e-6}))

PLANTED: list[tuple[Case, list[tuple[str, str]]]] = [
    (
        Case("q_proj_matvec", MATRIX),
        [
            (" + bias", ""),
            ("jnp.sum(weight * x,", "jnp.sum((weight * x).astype(jnp.bfloat16),"),
            ("pl.cdiv(OUT, BLOCK_OUT)", "OUT // BLOCK_OUT"),
            ("(BLOCK_OUT, IN), lambda i: (i, 0)", "(BLOCK_OUT, IN), lambda i: (0, 0)"),
        ],
    ),
    (Case("mlp_gate_up_silu", MATRIX), [("-total_1", "-total_2"), ("up_weight * x", "gate_weight * x")]),
    (NORM, [(" + RMS_NORM_EPS", ""), ("axis=1", "axis=0"), ("total / COLS", "total / ROWS")]),
    (Case("layernorm", Sizes({"rows": 3, "cols": 67})), [("x - total_1 / COLS", "x")]),
    (
        ATTENTION,
        [
            ("length = position_ref[0] + 1", "length = position_ref[0]"),
            ("length = position_ref[0] + 1", "length = position_ref[0] + 2"),
            ("total_2_ref[...] = jnp.full_like(total_2_ref, 0.0)", "pass"),
            ("jnp.full_like(largest_ref, -jnp.inf)", "jnp.full_like(largest_ref, 1000.0)"),
            ("values = jnp.where(row_is_token, values, 0.0)", "pass"),
            ("total_3_ref[...] * shrink + total_3", "total_3_ref[...] + total_3"),
            ("first_token < length)\n    def", "first_token + block_tokens < length)\n    def"),
            ("jax.lax.div(position[0], block_tokens)", "0"),
            ("(i, jnp.minimum", "(0, jnp.minimum"),
            ("HEAD_DIM**-0.5", "HEAD_DIM**-1"),
        ],
    ),
    (
        ROPE,
        [
            ("q_1 = q_ref[:, 1, :]", "q_1 = q_ref[:, 0, :]"),
            ("jax.lax.rem(place,", "jax.lax.rem(place - 1,"),
            ("(jax.lax.div(position[0], sines_rows), 0)", "(0, 0)"),
            ("k_0 * cosines - k_1", "k_0 * cosines + k_1"),
        ],
    ),
    (
        APPEND,
        [
            ("position_ref[0])", "position_ref[0] - 1)"),
            ("(0, jax.lax.div(position[0], keys_rows), 0)", "(0, 0, 0)"),
            ("{3: 0, 4: 1}", "{3: 1, 4: 0}"),
            ("jnp.where(here, new, tile)", "jnp.where(here, new, new)"),
        ],
    ),
    (EMBED, [("jax.lax.rem(place,", "jax.lax.rem(place + 1,"), ("jax.lax.div(token[0], table_rows)", "0")]),
]


@pytest.mark.parametrize(
    ("case", "planted"), PLANTED, ids=lambda value: str(value) if isinstance(value, Case) else ""
)
def test_a_planted_bug_makes_the_check_fail(case: Case, planted: list[tuple[str, str]]) -> None:
    assert wrong(case, "bf16", strict=True) == []
    unnoticed = [bug for bug in planted if not wrong(case, "bf16", strict=True, planted=bug)]
    assert unnoticed == []


def test_the_last_of_equal_largest_is_noticed() -> None:
    emitted = emitted_for(Case("argmax_greedy", Sizes({"vocab": 300})), "pallas", "f32")
    arrays = {"logits": np.zeros(300, np.float32), "token": np.array(-1, np.int32)}
    old, new = (
        "jnp.min(jnp.where(x == largest, place, x.shape[axis])",
        "jnp.max(jnp.where(x == largest, place, -1)",
    )
    assert old in emitted.text
    assert run(emitted, arrays)["token"] == 0
    assert run(emitted, arrays, text=emitted.text.replace(old, new))["token"] == 299
