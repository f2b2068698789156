"""y = silu(gate_weight · x) · (up_weight · x)

gate_weight[out, in]; up_weight[out, in]; x[in]; y[out]

Panels of 128 outputs.
"""

import nki
import nki.isa as nisa
import nki.language as nl

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
    x_left = nl.ndarray((IN_LANES, IN_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=x_left, src=x.reshape((IN_LANES, IN_STEPS)))
    x_parts = nl.ndarray((IN_LANES, IN_STEPS, PARTS), dtype=nl.bfloat16, buffer=nl.sbuf)
    nisa.tensor_copy(dst=x_parts[:, :, 0], src=x_left)
    nisa.tensor_tensor(dst=x_left, data1=x_left, data2=x_parts[:, :, 0], op=nl.subtract)
    nisa.tensor_copy(dst=x_parts[:, :, 1], src=x_left)
    nisa.tensor_tensor(dst=x_left, data1=x_left, data2=x_parts[:, :, 1], op=nl.subtract)
    nisa.tensor_copy(dst=x_parts[:, :, 2], src=x_left)
    gate_weight_panels = gate_weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    up_weight_panels = up_weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    total_1_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    total_2_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    for t in range(OUT_TILES):
        gate_weight_tile = nl.ndarray((IN_LANES, IN_STEPS, OUT_LANES), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=gate_weight_tile, src=gate_weight_panels[t, :, :, :])
        total_1_sums = nl.ndarray((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in range(IN_STEPS):
            nisa.nc_matmul(
                dst=total_1_sums,
                stationary=gate_weight_tile[:, k, :],
                moving=x_parts[:, k, :],
                accumulate=k > 0,
            )
        nisa.tensor_reduce(
            dst=total_1_columns[:, nl.ds(t, 1)], op=nl.add, data=total_1_sums, axis=1, keepdims=True
        )
        up_weight_tile = nl.ndarray((IN_LANES, IN_STEPS, OUT_LANES), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=up_weight_tile, src=up_weight_panels[t, :, :, :])
        total_2_sums = nl.ndarray((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in range(IN_STEPS):
            nisa.nc_matmul(
                dst=total_2_sums,
                stationary=up_weight_tile[:, k, :],
                moving=x_parts[:, k, :],
                accumulate=k > 0,
            )
        nisa.tensor_reduce(
            dst=total_2_columns[:, nl.ds(t, 1)], op=nl.add, data=total_2_sums, axis=1, keepdims=True
        )
    total_1 = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.psum)
    nisa.nc_transpose(dst=total_1, data=total_1_columns)
    total_2 = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.psum)
    nisa.nc_transpose(dst=total_2, data=total_2_columns)
    part = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.activation(dst=part, op=nl.exp, data=total_1, scale=-1.0)
    nisa.tensor_scalar(dst=part, data=part, op0=nl.add, operand0=1.0)
    nisa.reciprocal(dst=part, data=part)
    nisa.tensor_tensor(dst=part, data1=total_1, data2=part, op=nl.multiply)
    nisa.tensor_tensor(dst=part, data1=part, data2=total_2, op=nl.multiply)
    nisa.dma_copy(dst=y.reshape((OUT_TILES, OUT_LANES)), src=part)
    return y
