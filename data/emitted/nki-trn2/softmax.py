"""y = exp(x) / the row's sum of it

x[rows, cols]; y[rows, cols]

A partition for each of the rows, 128 at a time.
"""

import nki
import nki.isa as nisa
import nki.language as nl

ROWS = 4096
COLS = 4096
ROW_TILE = 128  # partitions


@nki.jit
def softmax(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in range(ROWS // ROW_TILE):
        x_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=x_tile, src=x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        largest = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=largest, op=nl.maximum, data=x_tile, axis=1, keepdims=True)
        part = nl.ndarray((ROW_TILE, COLS), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=part, data=x_tile, op0=nl.subtract, operand0=largest)
        nisa.activation(dst=part, op=nl.exp, data=part)
        total = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=total, op=nl.add, data=part, axis=1, keepdims=True)
        part_2 = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.reciprocal(dst=part_2, data=total)
        y_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=y_tile, data=part, op0=nl.multiply, operand0=part_2)
        nisa.dma_copy(dst=y[nl.ds(i * ROW_TILE, ROW_TILE), :], src=y_tile)
    return y
