"""Each head's first half rotated against its second half, by the angles of the position.

q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens,
pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]

One block holds everything.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

Q_HEADS = 12
KV_HEADS = 2
HALF = 2
PAIR = 64
TILE_ROWS = 16  # the rows of a tile: a single one cannot be fetched


def row_of(tile_ref, place):
    """The row at ``place``, out of the tile of rows that holds it."""
    tile = tile_ref[...].astype(jnp.float32)
    row = jax.lax.broadcasted_iota(jnp.int32, tile.shape, 0)
    here = row == jax.lax.rem(place, tile.shape[0])
    return jnp.sum(jnp.where(here, tile, 0.0), axis=0, keepdims=True)


def body(position_ref, q_ref, k_ref, cosines_ref, sines_ref, q_rotated_ref, k_rotated_ref):
    q_0 = q_ref[:, 0, :]
    cosines = row_of(cosines_ref, position_ref[0])
    q_1 = q_ref[:, 1, :]
    sines = row_of(sines_ref, position_ref[0])
    q_rotated_ref[:, 0, :] = q_0 * cosines - q_1 * sines
    q_rotated_ref[:, 1, :] = q_1 * cosines + q_0 * sines
    k_0 = k_ref[:, 0, :]
    k_1 = k_ref[:, 1, :]
    k_rotated_ref[:, 0, :] = k_0 * cosines - k_1 * sines
    k_rotated_ref[:, 1, :] = k_1 * cosines + k_0 * sines


def rope_qk(q, k, position, cosines, sines, *, interpret=False):
    """Without a TPU: interpret=True. A number is an array of one."""
    cosines_rows = min(TILE_ROWS, cosines.shape[0])
    sines_rows = min(TILE_ROWS, sines.shape[0])
    q_rotated, k_rotated = pl.pallas_call(
        body,
        grid_spec=pltpu.PrefetchScalarGridSpec(
            num_scalar_prefetch=1,
            grid=(1,),
            in_specs=[
                pl.BlockSpec((Q_HEADS, HALF, PAIR), lambda _, position: (0, 0, 0)),
                pl.BlockSpec((KV_HEADS, HALF, PAIR), lambda _, position: (0, 0, 0)),
                pl.BlockSpec(
                    (cosines_rows, PAIR),
                    lambda _, position: (jax.lax.div(position[0], cosines_rows), 0),
                ),
                pl.BlockSpec(
                    (sines_rows, PAIR),
                    lambda _, position: (jax.lax.div(position[0], sines_rows), 0),
                ),
            ],
            out_specs=[
                pl.BlockSpec((Q_HEADS, HALF, PAIR), lambda _, position: (0, 0, 0)),
                pl.BlockSpec((KV_HEADS, HALF, PAIR), lambda _, position: (0, 0, 0)),
            ],
        ),
        out_shape=[
            jax.ShapeDtypeStruct((Q_HEADS, HALF, PAIR), jnp.float32),
            jax.ShapeDtypeStruct((KV_HEADS, HALF, PAIR), jnp.float32),
        ],
        compiler_params=pltpu.CompilerParams(dimension_semantics=("arbitrary",)),
        interpret=interpret,
    )(position, q, k, cosines, sines)
    return q_rotated, k_rotated
