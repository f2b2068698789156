"""q = weight · x + bias

weight[out, in]; x[in]; bias[out]; q[out]

Panels of 128 outputs.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

OUT = 1536
OUT_LANES = 128  # partitions that OUT is dealt to
OUT_TILES = 12  # panels
IN_LANES = 128  # partitions that IN is dealt to
IN_STEPS = 12  # elements on each
PARTS = 3  # of bf16, whose sum is an element of f32


@nki.jit
def q_proj_matvec(weight, x, bias):
    q = nl.ndarray((OUT,), dtype=nl.float32, buffer=nl.shared_hbm)
    # x, exactly, as the sum of a high, a middle and a low part
    x_left = nl.load(x.reshape((IN_LANES, IN_STEPS)))
    x_parts = nl.ndarray((IN_LANES, IN_STEPS, PARTS), dtype=nl.bfloat16, buffer=nl.sbuf)
    x_parts[:, :, 0] = nisa.tensor_copy(src=x_left, dtype=nl.bfloat16)
    x_left_2 = nisa.tensor_tensor(data1=x_left, data2=x_parts[:, :, 0], op=nl.subtract)
    x_parts[:, :, 1] = nisa.tensor_copy(src=x_left_2, dtype=nl.bfloat16)
    x_left_3 = nisa.tensor_tensor(data1=x_left_2, data2=x_parts[:, :, 1], op=nl.subtract)
    x_parts[:, :, 2] = nisa.tensor_copy(src=x_left_3, dtype=nl.bfloat16)
    weight_panels = weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    total_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    for t in nl.affine_range(OUT_TILES):
        weight_tile = nl.load(weight_panels[t, :, :, :])
        total_sums = nl.zeros((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in nl.affine_range(IN_STEPS):
            total_sums += nisa.nc_matmul(stationary=weight_tile[:, k, :], moving=x_parts[:, k, :])
        total_columns[:, nl.ds(t, 1)] = nisa.tensor_reduce(op=nl.add, data=total_sums, axis=1, keepdims=True)
    total = nisa.nc_transpose(data=total_columns)
    bias_tile = nl.load(bias.reshape((OUT_TILES, OUT_LANES)))
    q_tile = nisa.tensor_tensor(data1=total, data2=bias_tile, op=nl.add)
    nl.store(q.reshape((OUT_TILES, OUT_LANES)), value=q_tile)
    return q
