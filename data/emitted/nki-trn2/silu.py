"""y = x · sigmoid(x)

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
def silu(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in range(ROWS // ROW_TILE):
        x_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=x_tile, src=x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        part = nl.ndarray((ROW_TILE, COLS), dtype=nl.float32, buffer=nl.sbuf)
        nisa.activation(dst=part, op=nl.exp, data=x_tile, scale=-1.0)
        nisa.tensor_scalar(dst=part, data=part, op0=nl.add, operand0=1.0)
        nisa.reciprocal(dst=part, data=part)
        y_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.tensor_tensor(dst=y_tile, data1=x_tile, data2=part, op=nl.multiply)
        nisa.dma_copy(dst=y[nl.ds(i * ROW_TILE, ROW_TILE), :], src=y_tile)
    return y
