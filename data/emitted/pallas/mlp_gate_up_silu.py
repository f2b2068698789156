"""y = silu(gate_weight · x) · (up_weight · x)

gate_weight[out, in]; up_weight[out, in]; x[in]; y[out]

The grid walks blocks of 256 out.
"""

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

OUT = 8960
IN = 1536
BLOCK_OUT = 256


def body(gate_weight_ref, up_weight_ref, x_ref, y_ref):
    gate_weight = gate_weight_ref[...].astype(jnp.float32)
    x = x_ref[...]
    total_1 = jnp.sum(gate_weight * x, axis=1, keepdims=True).T
    up_weight = up_weight_ref[...].astype(jnp.float32)
    total_2 = jnp.sum(up_weight * x, axis=1, keepdims=True).T
    y_ref[...] = total_1 / (1.0 + jnp.exp(-total_1)) * total_2


def mlp_gate_up_silu(gate_weight, up_weight, x, *, interpret=False):
    """Without a TPU: interpret=True."""
    y = pl.pallas_call(
        body,
        grid=(pl.cdiv(OUT, BLOCK_OUT),),
        in_specs=[
            pl.BlockSpec((BLOCK_OUT, IN), lambda i: (i, 0)),
            pl.BlockSpec((BLOCK_OUT, IN), lambda i: (i, 0)),
            pl.BlockSpec((1, IN), lambda i: (0, 0)),
        ],
        out_specs=pl.BlockSpec((1, BLOCK_OUT), lambda i: (0, i)),
        out_shape=jax.ShapeDtypeStruct((1, OUT), jnp.float32),
        compiler_params=pltpu.CompilerParams(dimension_semantics=("parallel",)),
        interpret=interpret,
    )(gate_weight, up_weight, x.reshape(1, -1))
    return y.reshape(-1)
