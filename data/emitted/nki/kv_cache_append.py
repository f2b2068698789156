"""The token's key and value become the cache's row at the position.

k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim];
values[kv_heads, tokens, head_dim]

A partition for each of the kv_heads.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl
import neuronxcc.nki.typing as nt

KV_HEADS = 2
HEAD_DIM = 128


@nki.jit
def kv_cache_append(k, v, position, keys: nt.mutable_tensor, values: nt.mutable_tensor):
    k_tile = nl.load(k)
    keys_tile = nisa.tensor_copy(src=k_tile, dtype=nl.bfloat16)
    position_for_kv_heads = nl.broadcast_to(nl.load(position.reshape((1, 1))), shape=(KV_HEADS, 1))
    position_for_kv_heads_f32 = nisa.tensor_copy(src=position_for_kv_heads, dtype=nl.float32)
    kv_heads_first_row = nisa.iota(keys.shape[1] * nl.arange(KV_HEADS)[:, None], dtype=nl.int32)
    kv_heads_row = nisa.tensor_scalar(data=kv_heads_first_row, op0=nl.add, operand0=position_for_kv_heads_f32)
    nl.store(
        keys.reshape((KV_HEADS * keys.shape[1], HEAD_DIM))[kv_heads_row, nl.arange(HEAD_DIM)[None, :]],
        value=keys_tile,
    )
    v_tile = nl.load(v)
    values_tile = nisa.tensor_copy(src=v_tile, dtype=nl.bfloat16)
    nl.store(
        values.reshape((KV_HEADS * values.shape[1], HEAD_DIM))[kv_heads_row, nl.arange(HEAD_DIM)[None, :]],
        value=values_tile,
    )
    return keys, values
