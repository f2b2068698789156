"""y = x · sigmoid(x)

x[rows, cols]; y[rows, cols]

The grid walks blocks of 128 rows.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

ROWS = 4096
COLS = 4096
BLOCK_ROWS = 128


def body(x_ref, y_ref):
    x = x_ref[...].astype(jnp.float32)
    y = x / (1.0 + jnp.exp(-x))
    y_ref[...] = y.astype(y_ref.dtype)


def silu(x, *, interpret=False):
    """Without a TPU: interpret=True."""
    y = pl.pallas_call(
        body,
        grid=(pl.cdiv(ROWS, BLOCK_ROWS),),
        in_specs=[
            pl.BlockSpec((BLOCK_ROWS, COLS), lambda i: (i, 0)),
        ],
        out_specs=pl.BlockSpec((BLOCK_ROWS, COLS), lambda i: (i, 0)),
        out_shape=jax.ShapeDtypeStruct((ROWS, COLS), jnp.bfloat16),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel",)),
        interpret=interpret,
    )(x)
    return y
