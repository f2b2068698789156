"""y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.

q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim];
position; y[kv_heads, group, head_dim]

128 tokens at a time, one to a partition.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

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
    position_for_tokens = nl.broadcast_to(nl.load(position.reshape((1, 1))), shape=(TOKENS, 1))
    last = nisa.tensor_copy(src=position_for_tokens, dtype=nl.float32)
    token = nisa.iota(nl.arange(TOKENS)[:, None] + TOKENS * nl.arange(tiles)[None, :], dtype=nl.int32)
    along = nl.broadcast_to(
        nisa.iota(nl.arange(tiles * TOKENS)[None, :], dtype=nl.float32), shape=(GROUP, tiles * TOKENS)
    )
    past = nisa.tensor_scalar(data=along, op0=nl.greater, operand0=last[0:GROUP, :], dtype=nl.uint8)
    scores = nl.ndarray((GROUP, tiles * TOKENS), dtype=nl.float32, buffer=nl.sbuf)
    for kv_head in nl.static_range(KV_HEADS):
        # the row of each token; past the position, that of the last one
        row = nisa.tensor_scalar(
            data=token, op0=nl.minimum, operand0=last, op1=nl.add, operand1=kv_head * capacity
        )
        q_tile = nl.load(q[kv_head, :, :])
        q_tile_turned = nisa.nc_transpose(data=q_tile)
        q_tile_columns = nisa.tensor_copy(src=q_tile_turned)
        for t in nl.affine_range(tiles):
            keys_tile = nl.load(keys_rows[row[nl.arange(TOKENS)[:, None], t], nl.arange(HEAD_DIM)[None, :]])
            keys_turned = nisa.nc_transpose(data=keys_tile)
            keys_columns = nisa.tensor_copy(src=keys_turned, dtype=nl.float32)
            products = nisa.nc_matmul(stationary=q_tile_columns, moving=keys_columns)
            scores[:, nl.ds(t * TOKENS, TOKENS)] = nisa.tensor_scalar(
                data=products, op0=nl.multiply, operand0=HEAD_DIM**-0.5
            )
        nisa.tensor_copy_predicated(dst=scores, src=-3.0e38, predicate=past)
        largest = nisa.tensor_reduce(op=nl.maximum, data=scores, axis=1, keepdims=True)
        scores[...] = nisa.tensor_scalar(data=scores, op0=nl.subtract, operand0=largest)
        scores[...] = nisa.activation(op=nl.exp, data=scores)
        total = nisa.tensor_reduce(op=nl.add, data=scores, axis=1, keepdims=True)
        values_weighed = nl.zeros((GROUP, HEAD_DIM), dtype=nl.float32, buffer=nl.psum)
        for t in nl.affine_range(tiles):
            values_tile = nl.load(
                values_rows[row[nl.arange(TOKENS)[:, None], t], nl.arange(HEAD_DIM)[None, :]]
            )
            values_wide = nisa.tensor_copy(src=values_tile, dtype=nl.float32)
            values_shares_turned = nisa.nc_transpose(data=scores[:, nl.ds(t * TOKENS, TOKENS)])
            values_shares = nisa.tensor_copy(src=values_shares_turned)
            values_weighed += nisa.nc_matmul(stationary=values_shares, moving=values_wide)
        inverse = nisa.reciprocal(data=total)
        y_tile = nisa.tensor_scalar(data=values_weighed, op0=nl.multiply, operand0=inverse)
        nl.store(y[kv_head, :, :], value=y_tile)
    return y
