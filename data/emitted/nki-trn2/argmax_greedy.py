"""token = the first index of the largest logit

logits[vocab]; token

The row is dealt to 128 partitions.
"""

import nki
import nki.isa as nisa
import nki.language as nl

VOCAB = 151936
VOCAB_LANES = 128  # partitions that VOCAB is dealt to
VOCAB_STEPS = 1187  # elements on each


@nki.jit
def argmax_greedy(logits):
    token = nl.ndarray((1,), dtype=nl.int32, buffer=nl.shared_hbm)
    logits_tile = nl.ndarray((VOCAB_LANES, VOCAB_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=logits_tile, src=logits.reshape((VOCAB_LANES, VOCAB_STEPS)))
    place = nl.ndarray((VOCAB_LANES, VOCAB_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.iota(dst=place, pattern=[[1, VOCAB_STEPS]], channel_multiplier=VOCAB_STEPS)
    largest_of_lanes = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_reduce(dst=largest_of_lanes, op=nl.maximum, data=logits_tile, axis=1, keepdims=True)
    is_largest_of_lanes = nl.ndarray((VOCAB_LANES, VOCAB_STEPS), dtype=nl.uint8, buffer=nl.sbuf)
    nisa.tensor_scalar(dst=is_largest_of_lanes, data=logits_tile, op0=nl.equal, operand0=largest_of_lanes)
    places_of_lanes = nl.ndarray((VOCAB_LANES, VOCAB_STEPS), dtype=nl.float32, buffer=nl.sbuf)
    nisa.memset(dst=places_of_lanes, value=VOCAB)
    nisa.tensor_copy_predicated(dst=places_of_lanes, src=place, predicate=is_largest_of_lanes)
    first_of_lanes = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_reduce(dst=first_of_lanes, op=nl.minimum, data=places_of_lanes, axis=1, keepdims=True)
    # to one partition, by way of memory: an infinity does not pass the Tensor Engine
    largest_of_lanes_memory = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.private_hbm)
    nisa.dma_copy(dst=largest_of_lanes_memory, src=largest_of_lanes)
    largest_of_lanes_row = nl.ndarray((1, VOCAB_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=largest_of_lanes_row, src=largest_of_lanes_memory.reshape((1, VOCAB_LANES)))
    first_of_lanes_memory = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.private_hbm)
    nisa.dma_copy(dst=first_of_lanes_memory, src=first_of_lanes)
    first_of_lanes_row = nl.ndarray((1, VOCAB_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.dma_copy(dst=first_of_lanes_row, src=first_of_lanes_memory.reshape((1, VOCAB_LANES)))
    largest_of_all = nl.ndarray((1, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_reduce(dst=largest_of_all, op=nl.maximum, data=largest_of_lanes_row, axis=1, keepdims=True)
    is_largest_of_all = nl.ndarray((1, VOCAB_LANES), dtype=nl.uint8, buffer=nl.sbuf)
    nisa.tensor_scalar(
        dst=is_largest_of_all, data=largest_of_lanes_row, op0=nl.equal, operand0=largest_of_all
    )
    places_of_all = nl.ndarray((1, VOCAB_LANES), dtype=nl.float32, buffer=nl.sbuf)
    nisa.memset(dst=places_of_all, value=VOCAB)
    nisa.tensor_copy_predicated(dst=places_of_all, src=first_of_lanes_row, predicate=is_largest_of_all)
    first_of_all = nl.ndarray((1, 1), dtype=nl.float32, buffer=nl.sbuf)
    nisa.tensor_reduce(dst=first_of_all, op=nl.minimum, data=places_of_all, axis=1, keepdims=True)
    token_tile = nl.ndarray((1, 1), dtype=nl.int32, buffer=nl.sbuf)
    nisa.tensor_copy(dst=token_tile, src=first_of_all)
    nisa.dma_copy(dst=token.reshape((1, 1)), src=token_tile)
    return token
