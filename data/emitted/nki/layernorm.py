"""y = (x − mean) / sqrt(variance + eps), without weight and bias

x[rows, cols]; y[rows, cols]

A partition for each of the rows, 128 at a time.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

ROWS = 4096
COLS = 4096
ROW_TILE = 128  # partitions


@nki.jit
def layernorm(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in nl.affine_range(ROWS // ROW_TILE):
        x_tile = nl.load(x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        total_1 = nisa.tensor_reduce(op=nl.add, data=x_tile, axis=1, keepdims=True, dtype=nl.float32)
        quotient = nisa.tensor_scalar(data=total_1, op0=nl.multiply, operand0=1.0 / COLS)
        difference = nisa.tensor_scalar(data=x_tile, op0=nl.subtract, operand0=quotient, dtype=nl.float32)
        product = nisa.tensor_tensor(data1=difference, data2=difference, op=nl.multiply)
        total_2 = nisa.tensor_reduce(op=nl.add, data=product, axis=1, keepdims=True)
        added = nisa.tensor_scalar(
            data=total_2, op0=nl.multiply, operand0=1.0 / COLS, op1=nl.add, operand1=1e-05
        )
        root = nisa.activation(op=nl.rsqrt, data=added)
        y_tile = nisa.tensor_scalar(data=difference, op0=nl.multiply, operand0=root, dtype=nl.bfloat16)
        nl.store(y[nl.ds(i * ROW_TILE, ROW_TILE), :], value=y_tile)
    return y
