"""The fixed text of the Pallas emitter: the head of a module, and the functions that a body may use."""

from __future__ import annotations

from runners.kernels.sizes import Storage

STORED: dict[Storage, str] = {"bf16": "jnp.bfloat16", "f32": "jnp.float32"}

HEAD = '''\
"""{doc}

{arrays}

{grid}
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

{constants}'''

HELPERS: dict[str, str] = {
    "row_of": '''\
def row_of(tile_ref, place):
    """The row at ``place``, out of the tile of rows that holds it."""
    tile = tile_ref[...].astype(jnp.float32)
    row = jax.lax.broadcasted_iota(jnp.int32, tile.shape, 0)
    here = row == jax.lax.rem(place, tile.shape[0])
    return jnp.sum(jnp.where(here, tile, 0.0), axis=0, keepdims=True)''',
    "with_row": '''\
def with_row(tile_ref, new, place):
    """The tile of rows that holds the row at ``place``, with a new one there."""
    tile = tile_ref[...].astype(jnp.float32)
    row = jax.lax.broadcasted_iota(jnp.int32, tile.shape, tile.ndim - 2)
    here = row == jax.lax.rem(place, tile.shape[-2])
    return jnp.where(here, new, tile).astype(tile_ref.dtype)''',
    "first_largest": '''\
def first_largest(x, axis, keepdims):
    """The first place of the largest element along an axis."""
    place = jax.lax.broadcasted_iota(jnp.int32, x.shape, axis)
    largest = jnp.max(x, axis=axis, keepdims=True)
    return jnp.min(jnp.where(x == largest, place, x.shape[axis]), axis=axis, keepdims=keepdims)''',
}
