"""y = weight · x + residual

weight[out, in]; x[in]; residual[out]; y[out]

The grid walks blocks of 128 out.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

OUT = 1536
IN = 8960
BLOCK_OUT = 128


def body(weight_ref, x_ref, residual_ref, y_ref):
    weight = weight_ref[...].astype(jnp.float32)
    x = x_ref[...]
    total = jnp.sum(weight * x, axis=1, keepdims=True).T
    residual = residual_ref[...]
    y_ref[...] = total + residual


def down_proj_residual(weight, x, residual, *, interpret=False):
    """Without a TPU: interpret=True."""
    y = pl.pallas_call(
        body,
        grid=(pl.cdiv(OUT, BLOCK_OUT),),
        in_specs=[
            pl.BlockSpec((BLOCK_OUT, IN), lambda i: (i, 0)),
            pl.BlockSpec((1, IN), lambda i: (0, 0)),
            pl.BlockSpec((1, BLOCK_OUT), lambda i: (0, i)),
        ],
        out_specs=pl.BlockSpec((1, BLOCK_OUT), lambda i: (0, i)),
        out_shape=jax.ShapeDtypeStruct((1, OUT), jnp.float32),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel",)),
        interpret=interpret,
    )(weight, x.reshape(1, -1), residual.reshape(1, -1))
    return y.reshape(-1)
