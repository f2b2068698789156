"""y = silu(gate_weight · x) · (up_weight · x)

gate_weight[out, in]; up_weight[out, in]; x[in]; y[out]

Panels of 128 outputs.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

OUT = 8960
OUT_LANES = 128  # partitions that OUT is dealt to
OUT_TILES = 70  # panels
IN_LANES = 128  # partitions that IN is dealt to
IN_STEPS = 12  # elements on each
PARTS = 3  # of bf16, whose sum is an element of f32


@nki.jit
def mlp_gate_up_silu(gate_weight, up_weight, x):
    y = nl.ndarray((OUT,), dtype=nl.float32, buffer=nl.shared_hbm)
    # x, exactly, as the sum of a high, a middle and a low part
    x_left = nl.load(x.reshape((IN_LANES, IN_STEPS)))
    x_parts = nl.ndarray((IN_LANES, IN_STEPS, PARTS), dtype=nl.bfloat16, buffer=nl.sbuf)
    x_parts[:, :, 0] = nisa.tensor_copy(src=x_left, dtype=nl.bfloat16)
    x_left_2 = nisa.tensor_tensor(data1=x_left, data2=x_parts[:, :, 0], op=nl.subtract)
    x_parts[:, :, 1] = nisa.tensor_copy(src=x_left_2, dtype=nl.bfloat16)
    x_left_3 = nisa.tensor_tensor(data1=x_left_2, data2=x_parts[:, :, 1], op=nl.subtract)
    x_parts[:, :, 2] = nisa.tensor_copy(src=x_left_3, dtype=nl.bfloat16)
    gate_weight_panels = gate_weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    up_weight_panels = up_weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    total_1_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    total_2_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    for t in nl.affine_range(OUT_TILES):
        gate_weight_tile = nl.load(gate_weight_panels[t, :, :, :])
        total_1_sums = nl.zeros((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in nl.affine_range(IN_STEPS):
            total_1_sums += nisa.nc_matmul(stationary=gate_weight_tile[:, k, :], moving=x_parts[:, k, :])
        total_1_columns[:, nl.ds(t, 1)] = nisa.tensor_reduce(
            op=nl.add, data=total_1_sums, axis=1, keepdims=True
        )
        up_weight_tile = nl.load(up_weight_panels[t, :, :, :])
        total_2_sums = nl.zeros((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in nl.affine_range(IN_STEPS):
            total_2_sums += nisa.nc_matmul(stationary=up_weight_tile[:, k, :], moving=x_parts[:, k, :])
        total_2_columns[:, nl.ds(t, 1)] = nisa.tensor_reduce(
            op=nl.add, data=total_2_sums, axis=1, keepdims=True
        )
    total_1 = nisa.nc_transpose(data=total_1_columns)
    total_2 = nisa.nc_transpose(data=total_2_columns)
    power = nisa.activation(op=nl.exp, data=total_1, scale=-1.0)
    added = nisa.tensor_scalar(data=power, op0=nl.add, operand0=1.0)
    inverse = nisa.reciprocal(data=added)
    quotient = nisa.tensor_tensor(data1=total_1, data2=inverse, op=nl.multiply)
    y_tile = nisa.tensor_tensor(data1=quotient, data2=total_2, op=nl.multiply)
    nl.store(y.reshape((OUT_TILES, OUT_LANES)), value=y_tile)
    return y
