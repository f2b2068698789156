"""x = the row of the table that the token id chooses.

token; table[vocab, hidden]; x[hidden]

One row.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

HIDDEN = 1536


@nki.jit
def embedding_lookup(token, table):
    x = nl.ndarray((HIDDEN,), dtype=nl.float32, buffer=nl.shared_hbm)
    token_tile = nl.load(token.reshape((1, 1)))
    table_tile = nl.load(table[token_tile[nl.arange(1)[:, None], 0], nl.arange(HIDDEN)[None, :]])
    x_tile = nisa.tensor_copy(src=table_tile, dtype=nl.float32)
    nl.store(x.reshape((1, HIDDEN)), value=x_tile)
    return x
