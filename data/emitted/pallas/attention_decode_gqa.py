"""y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.

q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim];
position; y[kv_heads, group, head_dim]

The grid walks each of kv_heads, and blocks of 512 tokens in order, none past the position.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

KV_HEADS = 2
GROUP = 6
HEAD_DIM = 128
BLOCK_TOKENS = 512
FULL_F32 = jax.lax.Precision.HIGHEST  # else the matrix unit rounds to bf16


def body(position_ref, q_ref, keys_ref, values_ref, y_ref, largest_ref, total_2_ref, total_3_ref):
    block_tokens = keys_ref.shape[0]
    first_token = pl.program_id(1) * block_tokens
    length = position_ref[0] + 1

    @pl.when(first_token == 0)
    def start():
        largest_ref[...] = jnp.full_like(largest_ref, -jnp.inf)
        total_2_ref[...] = jnp.full_like(total_2_ref, 0.0)
        total_3_ref[...] = jnp.full_like(total_3_ref, 0.0)

    @pl.when(first_token < length)
    def add_block():
        column_is_token = first_token + jax.lax.broadcasted_iota(jnp.int32, (1, block_tokens), 1) < length
        q = q_ref[...]
        keys = keys_ref[...].astype(jnp.float32)
        total_1 = jax.lax.dot_general(q, keys, (((1,), (1,)), ((), ())), precision=FULL_F32)
        part_1 = jnp.where(column_is_token, total_1 * HEAD_DIM**-0.5, -jnp.inf)
        largest = jnp.maximum(largest_ref[...], jnp.max(part_1, axis=1, keepdims=True))
        shrink = jnp.exp(largest_ref[...] - largest)
        largest_ref[...] = largest
        part_2 = jnp.exp(part_1 - largest)
        total_2 = jnp.sum(part_2, axis=1, keepdims=True)
        total_2_ref[...] = total_2_ref[...] * shrink + total_2
        values = values_ref[...].astype(jnp.float32)
        row_is_token = first_token + jax.lax.broadcasted_iota(jnp.int32, (block_tokens, 1), 0) < length
        values = jnp.where(row_is_token, values, 0.0)
        total_3 = jax.lax.dot_general(part_2, values, (((1,), (0,)), ((), ())), precision=FULL_F32)
        total_3_ref[...] = total_3_ref[...] * shrink + total_3

    @pl.when(pl.program_id(1) == pl.num_programs(1) - 1)
    def finish():
        y_ref[...] = total_3_ref[...] / total_2_ref[...]


def attention_decode_gqa(q, keys, values, position, *, interpret=False):
    """Without a TPU: interpret=True. A number is an array of one."""
    tokens = keys.shape[1]
    block_tokens = min(BLOCK_TOKENS, tokens)
    y = pl.pallas_call(
        body,
        grid_spec=pltpu.PrefetchScalarGridSpec(
            num_scalar_prefetch=1,
            grid=(KV_HEADS, pl.cdiv(tokens, block_tokens)),
            in_specs=[
                pl.BlockSpec((None, GROUP, HEAD_DIM), lambda i, j, position: (i, 0, 0)),
                pl.BlockSpec(
                    (None, block_tokens, HEAD_DIM),
                    lambda i, j, position: (i, jnp.minimum(j, jax.lax.div(position[0], block_tokens)), 0),
                ),
                pl.BlockSpec(
                    (None, block_tokens, HEAD_DIM),
                    lambda i, j, position: (i, jnp.minimum(j, jax.lax.div(position[0], block_tokens)), 0),
                ),
            ],
            out_specs=pl.BlockSpec((None, GROUP, HEAD_DIM), lambda i, j, position: (i, 0, 0)),
            scratch_shapes=[
                pltpu.VMEM((GROUP, 1), jnp.float32),
                pltpu.VMEM((GROUP, 1), jnp.float32),
                pltpu.VMEM((GROUP, HEAD_DIM), jnp.float32),
            ],
        ),
        out_shape=jax.ShapeDtypeStruct((KV_HEADS, GROUP, HEAD_DIM), jnp.float32),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel", "arbitrary")),
        interpret=interpret,
    )(position, q, keys, values)
    return y
