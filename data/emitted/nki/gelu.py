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
        part = nisa.tensor_tensor(data1=x_tile, data2=x_tile, op=nl.multiply, dtype=nl.float32)
        part_2 = nisa.tensor_tensor(data1=part, data2=x_tile, op=nl.multiply)
        part_3 = nisa.scalar_tensor_tensor(
            data=part_2, op0=nl.multiply, operand0=0.044715, op1=nl.add, operand1=x_tile
        )
        part_4 = nisa.activation(op=nl.exp, data=part_3, scale=-2.0 * 0.7978845608028654)
        part_5 = nisa.tensor_scalar(data=part_4, op0=nl.add, operand0=1.0)
        part_6 = nisa.reciprocal(data=part_5)
        y_tile = nisa.tensor_tensor(data1=x_tile, data2=part_6, op=nl.multiply, dtype=nl.bfloat16)
        nl.store(y[nl.ds(i * ROW_TILE, ROW_TILE), :], value=y_tile)
    return y
