"""Each head's first half rotated against its second half, by the angles of the position.

q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens,
pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]

A partition for each of the q_heads. A partition for each of the kv_heads.
"""

import nki
import nki.isa as nisa
import nki.language as nl

Q_HEADS = 12
KV_HEADS = 2
HALF = 2
PAIR = 64


@nki.jit
def rope_qk(q, k, position, cosines, sines):
    q_rotated = nl.ndarray((Q_HEADS, HALF, PAIR), dtype=nl.float32, buffer=nl.shared_hbm)
    k_rotated = nl.ndarray((KV_HEADS, HALF, PAIR), dtype=nl.float32, buffer=nl.shared_hbm)
    q_0_tile = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=q_0_tile, src=q[:, 0, :])
    position_for_q_heads = nl.ndarray((Q_HEADS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.dma_copy(dst=position_for_q_heads, src=position.reshape((1, 1)).broadcast(0, Q_HEADS))
    cosines_tile = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=cosines_tile, src=cosines.vector_select(0, position_for_q_heads))
    part = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part, data1=q_0_tile, data2=cosines_tile, op=nl.multiply)
    q_1_tile = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=q_1_tile, src=q[:, 1, :])
    sines_tile = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=sines_tile, src=sines.vector_select(0, position_for_q_heads))
    part_2 = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_2, data1=q_1_tile, data2=sines_tile, op=nl.multiply)
    nisa.tensor_tensor(dst=part, data1=part, data2=part_2, op=nl.subtract)
    nisa.dma_copy(dst=q_rotated[:, 0, :], src=part)
    part_3 = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_3, data1=q_1_tile, data2=cosines_tile, op=nl.multiply)
    part_4 = nl.ndarray((Q_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_4, data1=q_0_tile, data2=sines_tile, op=nl.multiply)
    nisa.tensor_tensor(dst=part_3, data1=part_3, data2=part_4, op=nl.add)
    nisa.dma_copy(dst=q_rotated[:, 1, :], src=part_3)
    k_0_tile = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=k_0_tile, src=k[:, 0, :])
    position_for_kv_heads = nl.ndarray((KV_HEADS, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.dma_copy(dst=position_for_kv_heads, src=position.reshape((1, 1)).broadcast(0, KV_HEADS))
    cosines_tile_2 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=cosines_tile_2, src=cosines.vector_select(0, position_for_kv_heads))
    part_5 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_5, data1=k_0_tile, data2=cosines_tile_2, op=nl.multiply)
    k_1_tile = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=k_1_tile, src=k[:, 1, :])
    sines_tile_2 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=sines_tile_2, src=sines.vector_select(0, position_for_kv_heads))
    part_6 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_6, data1=k_1_tile, data2=sines_tile_2, op=nl.multiply)
    nisa.tensor_tensor(dst=part_5, data1=part_5, data2=part_6, op=nl.subtract)
    nisa.dma_copy(dst=k_rotated[:, 0, :], src=part_5)
    part_7 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_7, data1=k_1_tile, data2=cosines_tile_2, op=nl.multiply)
    part_8 = nl.ndarray((KV_HEADS, PAIR), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_tensor(dst=part_8, data1=k_0_tile, data2=sines_tile_2, op=nl.multiply)
    nisa.tensor_tensor(dst=part_7, data1=part_7, data2=part_8, op=nl.add)
    nisa.dma_copy(dst=k_rotated[:, 1, :], src=part_7)
    return q_rotated, k_rotated
