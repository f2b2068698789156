"""Each head's first half rotated against its second half, by the angles of the position.

q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens,
pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]

A partition for each of the q_heads. A partition for each of the kv_heads.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

Q_HEADS = 12
KV_HEADS = 2
HALF = 2
PAIR = 64


@nki.jit
def rope_qk(q, k, position, cosines, sines):
    q_rotated = nl.ndarray((Q_HEADS, HALF, PAIR), dtype=nl.float32, buffer=nl.shared_hbm)
    k_rotated = nl.ndarray((KV_HEADS, HALF, PAIR), dtype=nl.float32, buffer=nl.shared_hbm)
    q_0_tile = nl.load(q[:, 0, :])
    position_for_q_heads = nl.broadcast_to(nl.load(position.reshape((1, 1))), shape=(Q_HEADS, 1))
    cosines_tile = nl.load(
        cosines[position_for_q_heads[nl.arange(Q_HEADS)[:, None], 0], nl.arange(PAIR)[None, :]]
    )
    product = nisa.tensor_tensor(data1=q_0_tile, data2=cosines_tile, op=nl.multiply)
    q_1_tile = nl.load(q[:, 1, :])
    sines_tile = nl.load(
        sines[position_for_q_heads[nl.arange(Q_HEADS)[:, None], 0], nl.arange(PAIR)[None, :]]
    )
    product_2 = nisa.tensor_tensor(data1=q_1_tile, data2=sines_tile, op=nl.multiply)
    q_rotated_tile = nisa.tensor_tensor(data1=product, data2=product_2, op=nl.subtract)
    nl.store(q_rotated[:, 0, :], value=q_rotated_tile)
    product_3 = nisa.tensor_tensor(data1=q_1_tile, data2=cosines_tile, op=nl.multiply)
    product_4 = nisa.tensor_tensor(data1=q_0_tile, data2=sines_tile, op=nl.multiply)
    q_rotated_tile_2 = nisa.tensor_tensor(data1=product_3, data2=product_4, op=nl.add)
    nl.store(q_rotated[:, 1, :], value=q_rotated_tile_2)
    k_0_tile = nl.load(k[:, 0, :])
    position_for_kv_heads = nl.broadcast_to(nl.load(position.reshape((1, 1))), shape=(KV_HEADS, 1))
    cosines_tile_2 = nl.load(
        cosines[position_for_kv_heads[nl.arange(KV_HEADS)[:, None], 0], nl.arange(PAIR)[None, :]]
    )
    product_5 = nisa.tensor_tensor(data1=k_0_tile, data2=cosines_tile_2, op=nl.multiply)
    k_1_tile = nl.load(k[:, 1, :])
    sines_tile_2 = nl.load(
        sines[position_for_kv_heads[nl.arange(KV_HEADS)[:, None], 0], nl.arange(PAIR)[None, :]]
    )
    product_6 = nisa.tensor_tensor(data1=k_1_tile, data2=sines_tile_2, op=nl.multiply)
    k_rotated_tile = nisa.tensor_tensor(data1=product_5, data2=product_6, op=nl.subtract)
    nl.store(k_rotated[:, 0, :], value=k_rotated_tile)
    product_7 = nisa.tensor_tensor(data1=k_1_tile, data2=cosines_tile_2, op=nl.multiply)
    product_8 = nisa.tensor_tensor(data1=k_0_tile, data2=sines_tile_2, op=nl.multiply)
    k_rotated_tile_2 = nisa.tensor_tensor(data1=product_7, data2=product_8, op=nl.add)
    nl.store(k_rotated[:, 1, :], value=k_rotated_tile_2)
    return q_rotated, k_rotated
