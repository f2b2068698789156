"""y = (x − mean) / sqrt(variance + eps), without weight and bias

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
def layernorm(x):
    y = nl.ndarray((ROWS, COLS), dtype=nl.bfloat16, buffer=nl.shared_hbm)
    for i in range(ROWS // ROW_TILE):
        x_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.dma_copy(dst=x_tile, src=x[nl.ds(i * ROW_TILE, ROW_TILE), :])
        total_1 = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=total_1, op=nl.add, data=x_tile, axis=1, keepdims=True)
        part = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=part, data=total_1, op0=nl.multiply, operand0=1.0 / COLS)
        part_2 = nl.ndarray((ROW_TILE, COLS), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=part_2, data=x_tile, op0=nl.subtract, operand0=part)
        part_3 = nl.ndarray((ROW_TILE, COLS), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_tensor(dst=part_3, data1=part_2, data2=part_2, op=nl.multiply)
        total_2 = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=total_2, op=nl.add, data=part_3, axis=1, keepdims=True)
        part_4 = nl.ndarray((ROW_TILE, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_scalar(
            dst=part_4, data=total_2, op0=nl.multiply, operand0=1.0 / COLS, op1=nl.add, operand1=1e-05
        )
        nisa.activation(dst=part_4, op=nl.rsqrt, data=part_4)
        y_tile = nl.ndarray((ROW_TILE, COLS), dtype=nl.bfloat16, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=y_tile, data=part_2, op0=nl.multiply, operand0=part_4)
        nisa.dma_copy(dst=y[nl.ds(i * ROW_TILE, ROW_TILE), :], src=y_tile)
    return y
