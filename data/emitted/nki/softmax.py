"""y = exp(x) / the row's sum of it

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
def softmax(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in nl.affine_range(ROWS // ROW_TILE):
        x_tile = nl.load(x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        largest = nisa.tensor_reduce(op=nl.maximum, data=x_tile, axis=1, keepdims=True, dtype=nl.float32)
        difference = nisa.tensor_scalar(data=x_tile, op0=nl.subtract, operand0=largest, dtype=nl.float32)
        power = nisa.activation(op=nl.exp, data=difference)
        total = nisa.tensor_reduce(op=nl.add, data=power, axis=1, keepdims=True)
        inverse = nisa.reciprocal(data=total)
        y_tile = nisa.tensor_scalar(data=power, op0=nl.multiply, operand0=inverse, dtype=nl.bfloat16)
        nl.store(y[nl.ds(i * ROW_TILE, ROW_TILE), :], value=y_tile)
    return y
