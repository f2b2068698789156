"""kv = weight · x + bias

weight[out, in]; x[in]; bias[out]; kv[out]

One block holds everything.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

OUT = 256
IN = 1536


def body(weight_ref, x_ref, bias_ref, kv_ref):
    weight = weight_ref[...].astype(jnp.float32)
    x = x_ref[...]
    total = jnp.sum(weight * x, axis=1, keepdims=True).T
    bias = bias_ref[...].astype(jnp.float32)
    kv_ref[...] = total + bias


def kv_proj_matvec(weight, x, bias, *, interpret=False):
    """Without a TPU: interpret=True."""
    kv = pl.pallas_call(
        body,
        grid=(1,),
        in_specs=[
            pl.BlockSpec((OUT, IN), lambda _: (0, 0)),
            pl.BlockSpec((1, IN), lambda _: (0, 0)),
            pl.BlockSpec((1, OUT), lambda _: (0, 0)),
        ],
        out_specs=pl.BlockSpec((1, OUT), lambda _: (0, 0)),
        out_shape=jax.ShapeDtypeStruct((1, OUT), jnp.float32),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("arbitrary",)),
        interpret=interpret,
    )(weight, x.reshape(1, -1), bias.reshape(1, -1))
    return kv.reshape(-1)
