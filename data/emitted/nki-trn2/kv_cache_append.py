"""The token's key and value become the cache's row at the position.

k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim];
values[kv_heads, tokens, head_dim]

A partition for each of the kv_heads.
"""

import nki
import nki.isa as nisa
import nki.language as nl

KV_HEADS = 2
HEAD_DIM = 128


@nki.jit
def kv_cache_append(k, v, position, keys, values):
    k_tile = nl.ndarray((KV_HEADS, HEAD_DIM), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=k_tile, src=k)
    keys_tile = nl.ndarray((KV_HEADS, HEAD_DIM), dtype=nl.bfloat16, buffer=nl.sbuf)
    nisa.tensor_copy(dst=keys_tile, src=k_tile)
    position_for_kv_heads = nl.ndarray((KV_HEADS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.dma_copy(dst=position_for_kv_heads, src=position.reshape((1, 1)).broadcast(0, KV_HEADS))
    position_for_kv_heads_f32 = nl.ndarray((KV_HEADS, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_copy(dst=position_for_kv_heads_f32, src=position_for_kv_heads)
    kv_heads_first_row = nl.ndarray((KV_HEADS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.iota(dst=kv_heads_first_row, pattern=[[0, 1]], channel_multiplier=keys.shape[1])
    kv_heads_row = nl.ndarray((KV_HEADS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.tensor_scalar(
        dst=kv_heads_row, data=kv_heads_first_row, op0=nl.add, operand0=position_for_kv_heads_f32
    )
    nisa.dma_copy(
        dst=keys.reshape((KV_HEADS * keys.shape[1], HEAD_DIM)).vector_select(0, kv_heads_row), src=keys_tile
    )
    v_tile = nl.ndarray((KV_HEADS, HEAD_DIM), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=v_tile, src=v)
    values_tile = nl.ndarray((KV_HEADS, HEAD_DIM), dtype=nl.bfloat16, buffer=nl.sbuf)
    nisa.tensor_copy(dst=values_tile, src=v_tile)
    nisa.dma_copy(
        dst=values.reshape((KV_HEADS * values.shape[1], HEAD_DIM)).vector_select(0, kv_heads_row),
        src=values_tile,
    )
    return keys, values
