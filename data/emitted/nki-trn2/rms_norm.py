"""y = x / sqrt(mean(x²) + eps) · weight

x[rows, cols]; weight[cols]; y[rows, cols]

The row is folded over 128 partitions.
"""

import nki
import nki.isa as nisa
import nki.language as nl

ROWS = 1
COLS = 1536
RMS_NORM_EPS = 1e-06
COLS_LANES = 128  # partitions that COLS is dealt to
COLS_STEPS = 12  # elements on each


@nki.jit
def rms_norm(x, weight):
    y = nl.ndarray((ROWS, COLS), dtype=nl.float32, buffer=nl.shared_hbm)
    x_tile = nl.ndarray((COLS_LANES, COLS_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=x_tile, src=x.reshape((COLS_LANES, COLS_STEPS)))
    weight_tile = nl.ndarray((COLS_LANES, COLS_STEPS), dtype=nl.bfloat16, buffer=nl.sbuf)
    nisa.dma_copy(dst=weight_tile, src=weight.reshape((COLS_LANES, COLS_STEPS)))
    part = nl.ndarray((COLS_LANES, COLS_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part, data1=x_tile, data2=x_tile, op=nl.multiply)
    total_parts = nl.ndarray((COLS_LANES, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_reduce(dst=total_parts, op=nl.add, data=part, axis=1, keepdims=True)
    # a product with ones gives every partition the sum of all their shares
    ones = nl.ndarray((COLS_LANES, COLS_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.memset(dst=ones, value=1.0)
    total = nl.ndarray((COLS_LANES, 1), dtype=nl.float32, buffer=nl.psum)
    nisa.nc_matmul(dst=total, stationary=ones, moving=total_parts)
    part_2 = nl.ndarray((COLS_LANES, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_scalar(
        dst=part_2, data=total, op0=nl.multiply, operand0=1.0 / COLS, op1=nl.add, operand1=RMS_NORM_EPS
    )
    nisa.activation(dst=part_2, op=nl.rsqrt, data=part_2)
    y_tile = nl.ndarray((COLS_LANES, COLS_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.scalar_tensor_tensor(
        dst=y_tile, data=x_tile, op0=nl.multiply, operand0=part_2, op1=nl.multiply, operand1=weight_tile
    )
    nisa.dma_copy(dst=y.reshape((COLS_LANES, COLS_STEPS)), src=y_tile)
    return y
