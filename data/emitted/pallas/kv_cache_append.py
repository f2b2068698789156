"""The token's key and value become the cache's row at the position.

k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim];
values[kv_heads, tokens, head_dim]

One block holds everything.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

KV_HEADS = 2
HEAD_DIM = 128
TILE_ROWS = 16  # the rows of a tile: a single one cannot be fetched


def with_row(tile_ref, new, place):
    """The tile of rows that holds the row at ``place``, with a new one there."""
    tile = tile_ref[...].astype(jnp.float32)
    row = jax.lax.broadcasted_iota(jnp.int32, tile.shape, tile.ndim - 2)
    here = row == jax.lax.rem(place, tile.shape[-2])
    return jnp.where(here, new, tile).astype(tile_ref.dtype)


def body(position_ref, k_ref, v_ref, keys_before_ref, values_before_ref, keys_ref, values_ref):
    k = k_ref[...]
    keys_ref[...] = with_row(keys_before_ref, k[:, None, :], position_ref[0])
    v = v_ref[...]
    values_ref[...] = with_row(values_before_ref, v[:, None, :], position_ref[0])


def kv_cache_append(k, v, position, keys, values, *, interpret=False):
    """Without a TPU: interpret=True. A number is an array of one. keys and values change in place if donated."""
    keys_rows = min(TILE_ROWS, keys.shape[1])
    values_rows = min(TILE_ROWS, values.shape[1])
    keys, values = pl.pallas_call(
        body,
        grid_spec=pltpu.PrefetchScalarGridSpec(
            num_scalar_prefetch=1,
            grid=(1,),
            in_specs=[
                pl.BlockSpec((KV_HEADS, HEAD_DIM), lambda _, position: (0, 0)),
                pl.BlockSpec((KV_HEADS, HEAD_DIM), lambda _, position: (0, 0)),
                pl.BlockSpec(
                    (KV_HEADS, keys_rows, HEAD_DIM),
                    lambda _, position: (0, jax.lax.div(position[0], keys_rows), 0),
                ),
                pl.BlockSpec(
                    (KV_HEADS, values_rows, HEAD_DIM),
                    lambda _, position: (0, jax.lax.div(position[0], values_rows), 0),
                ),
            ],
            out_specs=[
                pl.BlockSpec(
                    (KV_HEADS, keys_rows, HEAD_DIM),
                    lambda _, position: (0, jax.lax.div(position[0], keys_rows), 0),
                ),
                pl.BlockSpec(
                    (KV_HEADS, values_rows, HEAD_DIM),
                    lambda _, position: (0, jax.lax.div(position[0], values_rows), 0),
                ),
            ],
        ),
        out_shape=[
            jax.ShapeDtypeStruct(keys.shape, keys.dtype),
            jax.ShapeDtypeStruct(values.shape, values.dtype),
        ],
        input_output_aliases={3: 0, 4: 1},
        compiler_params=pltpu.CompilerParams(dimension_semantics=("arbitrary",)),
        interpret=interpret,
    )(position, k, v, keys, values)
    return keys, values
