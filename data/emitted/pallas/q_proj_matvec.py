"""q = weight · x + bias

weight[out, in]; x[in]; bias[out]; q[out]

The grid walks blocks of 512 out.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

OUT = 1536
IN = 1536
BLOCK_OUT = 512


def body(weight_ref, x_ref, bias_ref, q_ref):
    weight = weight_ref[...].astype(jnp.float32)
    x = x_ref[...]
    total = jnp.sum(weight * x, axis=1, keepdims=True).T
    bias = bias_ref[...].astype(jnp.float32)
    q_ref[...] = total + bias


def q_proj_matvec(weight, x, bias, *, interpret=False):
    """Without a TPU: interpret=True."""
    q = pl.pallas_call(
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
    )(weight, x.reshape(1, -1), bias.reshape(1, -1))
    return q.reshape(-1)
