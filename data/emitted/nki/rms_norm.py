"""y = x / sqrt(mean(x²) + eps) · weight

x[rows, cols]; weight[cols]; y[rows, cols]

The row is folded over 128 partitions.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

ROWS = 1
COLS = 1536
RMS_NORM_EPS = 1e-06
COLS_LANES = 128  # partitions that COLS is dealt to
COLS_STEPS = 12  # elements on each


@nki.jit
def rms_norm(x, weight):
    y = nl.ndarray((ROWS, COLS), dtype=nl.float32, buffer=nl.shared_hbm)
    x_tile = nl.load(x.reshape((COLS_LANES, COLS_STEPS)))
    weight_tile = nl.load(weight.reshape((COLS_LANES, COLS_STEPS)))
    product = nisa.tensor_tensor(data1=x_tile, data2=x_tile, op=nl.multiply)
    total_parts = nisa.tensor_reduce(op=nl.add, data=product, axis=1, keepdims=True)
    # a product with ones gives every partition the sum of all their shares
    ones = nisa.memset(shape=(COLS_LANES, COLS_LANES), value=1.0, dtype=nl.float32)
    total = nisa.nc_matmul(stationary=ones, moving=total_parts)
    added = nisa.tensor_scalar(
        data=total, op0=nl.multiply, operand0=1.0 / COLS, op1=nl.add, operand1=RMS_NORM_EPS
    )
    root = nisa.activation(op=nl.rsqrt, data=added)
    y_tile = nisa.scalar_tensor_tensor(
        data=x_tile, op0=nl.multiply, operand0=root, op1=nl.multiply, operand1=weight_tile
    )
    nl.store(y.reshape((COLS_LANES, COLS_STEPS)), value=y_tile)
    return y
