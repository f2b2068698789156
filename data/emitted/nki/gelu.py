"""y = x · sigmoid(2u) with u = sqrt(2/π) (x + 0.044715 x³), which is the tanh form of GELU

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
def gelu(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in nl.affine_range(ROWS // ROW_TILE):
        x_tile = nl.load(x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        product = nisa.tensor_tensor(data1=x_tile, data2=x_tile, op=nl.multiply, dtype=nl.float32)
        product_2 = nisa.tensor_tensor(data1=product, data2=x_tile, op=nl.multiply)
        added = nisa.scalar_tensor_tensor(
            data=product_2, op0=nl.multiply, operand0=0.044715, op1=nl.add, operand1=x_tile
        )
        power = nisa.activation(op=nl.exp, data=added, scale=-2.0 * 0.7978845608028654)
        added_2 = nisa.tensor_scalar(data=power, op0=nl.add, operand0=1.0)
        inverse = nisa.reciprocal(data=added_2)
        y_tile = nisa.tensor_tensor(data1=x_tile, data2=inverse, op=nl.multiply, dtype=nl.bfloat16)
        nl.store(y[nl.ds(i * ROW_TILE, ROW_TILE), :], value=y_tile)
    return y
