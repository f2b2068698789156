"""y = weight · x + residual

weight[out, in]; x[in]; residual[out]; y[out]

Panels of 128 outputs.
"""

import nki
import nki.isa as nisa
import nki.language as nl

OUT = 1536
OUT_LANES = 128  # partitions that OUT is dealt to
OUT_TILES = 12  # panels
IN_LANES = 128  # partitions that IN is dealt to
IN_STEPS = 70  # elements on each
PARTS = 3  # of bf16, whose sum is an element of f32


@nki.jit
def down_proj_residual(weight, x, residual):
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
    weight_panels = weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    total_columns = nl.ndarray((OUT_LANES, OUT_TILES), dtype=nl.float32, buffer=nl.sbuf)
    for t in range(OUT_TILES):
        weight_tile = nl.ndarray((IN_LANES, IN_STEPS, OUT_LANES), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=weight_tile, src=weight_panels[t, :, :, :])
        total_sums = nl.ndarray((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
        for k in range(IN_STEPS):
            nisa.nc_matmul(
                dst=total_sums, stationary=weight_tile[:, k, :], moving=x_parts[:, k, :], accumulate=k > 0
            )
        nisa.tensor_reduce(
            dst=total_columns[:, nl.ds(t, 1)], op=nl.add, data=total_sums, axis=1, keepdims=True
        )
    total = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.psum)
    nisa.nc_transpose(dst=total, data=total_columns)
    residual_tile = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=residual_tile, src=residual.reshape((OUT_TILES, OUT_LANES)))
    y_tile = nl.ndarray((OUT_TILES, OUT_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=y_tile, data1=total, data2=residual_tile, op=nl.add)
    nisa.dma_copy(dst=y.reshape((OUT_TILES, OUT_LANES)), src=y_tile)
    return y
