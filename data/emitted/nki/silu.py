"""y = x · sigmoid(x)

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
def silu(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in nl.affine_range(ROWS // ROW_TILE):
        x_tile = nl.load(x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        power = nisa.activation(op=nl.exp, data=x_tile, scale=-1.0, dtype=nl.float32)
        added = nisa.tensor_scalar(data=power, op0=nl.add, operand0=1.0)
        inverse = nisa.reciprocal(data=added)
        y_tile = nisa.tensor_tensor(data1=x_tile, data2=inverse, op=nl.multiply, dtype=nl.bfloat16)
        nl.store(y[nl.ds(i * ROW_TILE, ROW_TILE), :], value=y_tile)
    return y
