"""token = the first index of the largest logit

logits[vocab]; token

The row is dealt to 128 partitions.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

VOCAB = 151936
VOCAB_LANES = 128  # partitions that VOCAB is dealt to
VOCAB_STEPS = 1187  # elements on each


@nki.jit
def argmax_greedy(logits):
    token = nl.ndarray((1,), dtype=nl.int32, buffer=nl.shared_hbm)
    logits_tile = nl.load(logits.reshape((VOCAB_LANES, VOCAB_STEPS)))
    place = nisa.iota(
        VOCAB_STEPS * nl.arange(VOCAB_LANES)[:, None] + nl.arange(VOCAB_STEPS)[None, :], dtype=nl.float32
    )
    largest_of_lanes = nisa.tensor_reduce(op=nl.maximum, data=logits_tile, axis=1, keepdims=True)
    is_largest_of_lanes = nisa.tensor_scalar(
        data=logits_tile, op0=nl.equal, operand0=largest_of_lanes, dtype=nl.uint8
    )
    places_of_lanes = nisa.memset(shape=(VOCAB_LANES, VOCAB_STEPS), value=VOCAB, dtype=nl.float32)
    nisa.tensor_copy_predicated(dst=places_of_lanes, src=place, predicate=is_largest_of_lanes)
    first_of_lanes = nisa.tensor_reduce(op=nl.minimum, data=places_of_lanes, axis=1, keepdims=True)
    # to one partition, by way of memory: an infinity does not pass the Tensor Engine
    largest_of_lanes_memory = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.private_hbm)
    nl.store(largest_of_lanes_memory, value=largest_of_lanes)
    largest_of_lanes_row = nl.load(largest_of_lanes_memory.reshape((1, VOCAB_LANES)))
    first_of_lanes_memory = nl.ndarray((VOCAB_LANES, 1), dtype=nl.float32, buffer=nl.private_hbm)
    nl.store(first_of_lanes_memory, value=first_of_lanes)
    first_of_lanes_row = nl.load(first_of_lanes_memory.reshape((1, VOCAB_LANES)))
    largest_of_all = nisa.tensor_reduce(op=nl.maximum, data=largest_of_lanes_row, axis=1, keepdims=True)
    is_largest_of_all = nisa.tensor_scalar(
        data=largest_of_lanes_row, op0=nl.equal, operand0=largest_of_all, dtype=nl.uint8
    )
    places_of_all = nisa.memset(shape=(1, VOCAB_LANES), value=VOCAB, dtype=nl.float32)
    nisa.tensor_copy_predicated(dst=places_of_all, src=first_of_lanes_row, predicate=is_largest_of_all)
    first_of_all = nisa.tensor_reduce(op=nl.minimum, data=places_of_all, axis=1, keepdims=True)
    token_tile = nisa.tensor_copy(src=first_of_all, dtype=nl.int32)
    nl.store(token.reshape((1, 1)), value=token_tile)
    return token
