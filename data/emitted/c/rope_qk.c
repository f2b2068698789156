// Each head's first half rotated against its second half, by the angles of the position.
// q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens, pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]

#include <math.h>
#include <stdint.h>
#include <string.h>


enum { Q_HEADS = 12, KV_HEADS = 2, HALF = 2, PAIR = 64 };

void rope_qk(
    long first, long last, long capacity,
    const float *restrict q,
    const float *restrict k,
    const int32_t *restrict position,
    const float *restrict cosines,
    const float *restrict sines,
    float *restrict q_rotated,
    float *restrict k_rotated
) {
    for (long q_heads = 0; q_heads < Q_HEADS; q_heads++) {
        for (long pair = first; pair < last; pair++) {
            q_rotated[(q_heads * HALF + 0) * PAIR + pair] = q[(q_heads * HALF + 0) * PAIR + pair] * cosines[(long)position[0] * PAIR + pair] - q[(q_heads * HALF + 1) * PAIR + pair] * sines[(long)position[0] * PAIR + pair];
            q_rotated[(q_heads * HALF + 1) * PAIR + pair] = q[(q_heads * HALF + 1) * PAIR + pair] * cosines[(long)position[0] * PAIR + pair] + q[(q_heads * HALF + 0) * PAIR + pair] * sines[(long)position[0] * PAIR + pair];
        }
    }
    for (long kv_heads = 0; kv_heads < KV_HEADS; kv_heads++) {
        for (long pair = first; pair < last; pair++) {
            k_rotated[(kv_heads * HALF + 0) * PAIR + pair] = k[(kv_heads * HALF + 0) * PAIR + pair] * cosines[(long)position[0] * PAIR + pair] - k[(kv_heads * HALF + 1) * PAIR + pair] * sines[(long)position[0] * PAIR + pair];
            k_rotated[(kv_heads * HALF + 1) * PAIR + pair] = k[(kv_heads * HALF + 1) * PAIR + pair] * cosines[(long)position[0] * PAIR + pair] + k[(kv_heads * HALF + 0) * PAIR + pair] * sines[(long)position[0] * PAIR + pair];
        }
    }
}

void rope_qk_entry(long first, long last, long capacity, void *const *array) {
    rope_qk(first, last, capacity, array[0], array[1], array[2], array[3], array[4], array[5], array[6]);
}
