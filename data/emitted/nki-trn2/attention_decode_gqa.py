"""y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.

q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim];
position; y[kv_heads, group, head_dim]

128 tokens at a time, one to a partition.
"""

import nki
import nki.isa as nisa
import nki.language as nl

KV_HEADS = 2
GROUP = 6
HEAD_DIM = 128
TOKENS = 128  # of a tile, one to a partition
MOST_TOKENS = 13000  # whose scores SBUF holds


@nki.jit
def attention_decode_gqa(q, keys, values, position):
    y = nl.ndarray((KV_HEADS, GROUP, HEAD_DIM), dtype=nl.float32, buffer=nl.shared_hbm)
    capacity = keys.shape[1]
    assert capacity <= MOST_TOKENS
    tiles = -(-capacity // TOKENS)
    keys_rows = keys.reshape((KV_HEADS * capacity, HEAD_DIM))
    values_rows = values.reshape((KV_HEADS * capacity, HEAD_DIM))
    position_for_tokens = nl.ndarray((TOKENS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.dma_copy(dst=position_for_tokens, src=position.reshape((1, 1)).broadcast(0, TOKENS))
    last = nl.ndarray((TOKENS, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_copy(dst=last, src=position_for_tokens)
    token = nl.ndarray((TOKENS, tiles), dtype=nl.int32, buffer=nl.sbuf)
    nisa.iota(dst=token, pattern=[[TOKENS, tiles]], channel_multiplier=1)
    along = nl.ndarray((GROUP, tiles * TOKENS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.iota(dst=along, pattern=[[1, tiles * TOKENS]], channel_multiplier=0)
    past = nl.ndarray((GROUP, tiles * TOKENS), dtype=nl.uint8, buffer=nl.sbuf)
    nisa.tensor_scalar(dst=past, data=along, op0=nl.greater, operand0=last[0:GROUP, :])
    scores = nl.ndarray((GROUP, tiles * TOKENS), dtype=nl.float32, buffer=nl.sbuf)
    for kv_head in range(KV_HEADS):
        # the row of each token; past the position, that of the last one
        row = nl.ndarray((TOKENS, tiles), dtype=nl.int32, buffer=nl.sbuf)
        nisa.tensor_scalar(
            dst=row, data=token, op0=nl.minimum, operand0=last, op1=nl.add, operand1=kv_head * capacity
        )
        q_tile = nl.ndarray((GROUP, HEAD_DIM), dtype=nl.float32, buffer=nl.sbuf)
        nisa.dma_copy(dst=q_tile, src=q[kv_head, :, :])
        q_tile_turned = nl.ndarray((HEAD_DIM, GROUP), dtype=nl.float32, buffer=nl.psum)
        nisa.nc_transpose(dst=q_tile_turned, data=q_tile)
        q_tile_columns = nl.ndarray((HEAD_DIM, GROUP), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_copy(dst=q_tile_columns, src=q_tile_turned)
        for t in range(tiles):
            keys_tile = nl.ndarray((TOKENS, HEAD_DIM), dtype=nl.bfloat16, buffer=nl.sbuf)
            nisa.dma_copy(dst=keys_tile, src=keys_rows.vector_select(0, row[:, nl.ds(t, 1)]))
            keys_turned = nl.ndarray((HEAD_DIM, TOKENS), dtype=nl.bfloat16, buffer=nl.psum)
            nisa.nc_transpose(dst=keys_turned, data=keys_tile)
            keys_columns = nl.ndarray((HEAD_DIM, TOKENS), dtype=nl.float32, buffer=nl.sbuf)
            nisa.tensor_copy(dst=keys_columns, src=keys_turned)
            products = nl.ndarray((GROUP, TOKENS), dtype=nl.float32, buffer=nl.psum)
            nisa.nc_matmul(dst=products, stationary=q_tile_columns, moving=keys_columns)
            nisa.tensor_scalar(
                dst=scores[:, nl.ds(t * TOKENS, TOKENS)],
                data=products,
                op0=nl.multiply,
                operand0=HEAD_DIM**-0.5,
            )
        nisa.tensor_copy_predicated(dst=scores, src=-3.0e38, predicate=past)
        largest = nl.ndarray((GROUP, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=largest, op=nl.maximum, data=scores, axis=1, keepdims=True)
        nisa.tensor_scalar(dst=scores, data=scores, op0=nl.subtract, operand0=largest)
        nisa.activation(dst=scores, op=nl.exp, data=scores)
        total = nl.ndarray((GROUP, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_reduce(dst=total, op=nl.add, data=scores, axis=1, keepdims=True)
        values_weighed = nl.ndarray((GROUP, HEAD_DIM), dtype=nl.float32, buffer=nl.psum)
        for t in range(tiles):
            values_tile = nl.ndarray((TOKENS, HEAD_DIM), dtype=nl.bfloat16, buffer=nl.sbuf)
            nisa.dma_copy(dst=values_tile, src=values_rows.vector_select(0, row[:, nl.ds(t, 1)]))
            values_wide = nl.ndarray((TOKENS, HEAD_DIM), dtype=nl.float32, buffer=nl.sbuf)
            nisa.tensor_copy(dst=values_wide, src=values_tile)
            values_shares_turned = nl.ndarray((TOKENS, GROUP), dtype=nl.float32, buffer=nl.psum)
            nisa.nc_transpose(dst=values_shares_turned, data=scores[:, nl.ds(t * TOKENS, TOKENS)])
            values_shares = nl.ndarray((TOKENS, GROUP), dtype=nl.float32, buffer=nl.sbuf)
            nisa.tensor_copy(dst=values_shares, src=values_shares_turned)
            nisa.nc_matmul(dst=values_weighed, stationary=values_shares, moving=values_wide, accumulate=t > 0)
        part = nl.ndarray((GROUP, 1), dtype=nl.float32, buffer=nl.sbuf)
        nisa.reciprocal(dst=part, data=total)
        y_tile = nl.ndarray((GROUP, HEAD_DIM), dtype=nl.float32, buffer=nl.sbuf)
        nisa.tensor_scalar(dst=y_tile, data=values_weighed, op0=nl.multiply, operand0=part)
        nisa.dma_copy(dst=y[kv_head, :, :], src=y_tile)
    return y
