"""logits = weight · x

weight[out, in]; x[in]; logits[out]

Panels of 128 outputs.
"""

import neuronxcc.nki as nki
import neuronxcc.nki.isa as nisa
import neuronxcc.nki.language as nl

OUT = 151936
OUT_LANES = 128  # partitions that OUT is dealt to
OUT_TILES = 1187  # panels
IN_LANES = 128  # partitions that IN is dealt to
IN_STEPS = 12  # elements on each
PARTS = 3  # of bf16, whose sum is an element of f32
GROUP = 128  # panels that are transposed together


@nki.jit
def lm_head_matvec(weight, x):
    logits = nl.ndarray((OUT,), dtype=nl.float32, buffer=nl.shared_hbm)
    # x, exactly, as the sum of a high, a middle and a low part
    x_left = nl.load(x.reshape((IN_LANES, IN_STEPS)))
    x_parts = nl.ndarray((IN_LANES, IN_STEPS, PARTS), dtype=nl.bfloat16, buffer=nl.sbuf)
    x_parts[:, :, 0] = nisa.tensor_copy(src=x_left, dtype=nl.bfloat16)
    x_left_2 = nisa.tensor_tensor(data1=x_left, data2=x_parts[:, :, 0], op=nl.subtract)
    x_parts[:, :, 1] = nisa.tensor_copy(src=x_left_2, dtype=nl.bfloat16)
    x_left_3 = nisa.tensor_tensor(data1=x_left_2, data2=x_parts[:, :, 1], op=nl.subtract)
    x_parts[:, :, 2] = nisa.tensor_copy(src=x_left_3, dtype=nl.bfloat16)
    weight_panels = weight.reshape((OUT_TILES, IN_LANES, IN_STEPS, OUT_LANES))
    for first in nl.static_range(0, OUT_TILES, GROUP):
        tiles = min(GROUP, OUT_TILES - first)
        total_columns = nl.ndarray((OUT_LANES, tiles), dtype=nl.float32, buffer=nl.sbuf)
        for t in nl.affine_range(tiles):
            weight_tile = nl.load(weight_panels[first + t, :, :, :])
            total_sums = nl.zeros((OUT_LANES, PARTS), dtype=nl.float32, buffer=nl.psum)
            for k in nl.affine_range(IN_STEPS):
                total_sums += nisa.nc_matmul(stationary=weight_tile[:, k, :], moving=x_parts[:, k, :])
            total_columns[:, nl.ds(t, 1)] = nisa.tensor_reduce(
                op=nl.add, data=total_sums, axis=1, keepdims=True
            )
        total = nisa.nc_transpose(data=total_columns)
        logits_tile = nisa.tensor_copy(src=total)
        nl.store(logits.reshape((OUT_TILES, OUT_LANES))[nl.ds(first, tiles), :], value=logits_tile)
    return logits
