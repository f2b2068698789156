"""x = the row of the table that the token id chooses.

token; table[vocab, hidden]; x[hidden]

One row.
"""

import nki
import nki.isa as nisa
import nki.language as nl

HIDDEN = 1536


@nki.jit
def embedding_lookup(token, table):
    x = nl.ndarray((HIDDEN,), dtype=nl.float32, buffer=nl.shared_hbm)
    token_tile = nl.ndarray((1, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.dma_copy(dst=token_tile, src=token.reshape((1, 1)))
    table_tile = nl.ndarray((1, HIDDEN), dtype=nl.bfloat16, buffer=nl.sbuf)
    nisa.dma_copy(dst=table_tile, src=table.vector_select(0, token_tile))
    x_tile = nl.ndarray((1, HIDDEN), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_copy(dst=x_tile, src=table_tile)
    nisa.dma_copy(dst=x.reshape((1, HIDDEN)), src=x_tile)
    return x
