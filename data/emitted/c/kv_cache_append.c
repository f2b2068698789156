// The token's key and value become the cache's row at the position.
// k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t narrow(float wide) { // to the nearest, ties to even
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return wide == wide ? (uint16_t)bits : 0x7fc0;
}

enum { KV_HEADS = 2, HEAD_DIM = 128 };

void kv_cache_append(
    long first, long last, long capacity,
    const float *restrict k,
    const float *restrict v,
    const int32_t *restrict position,
    uint16_t *restrict keys,
    uint16_t *restrict values
) {
    for (long kv_heads = first; kv_heads < last; kv_heads++) {
        for (long head_dim = 0; head_dim < HEAD_DIM; head_dim++) {
            keys[(kv_heads * capacity + (long)position[0]) * HEAD_DIM + head_dim] = narrow(k[kv_heads * HEAD_DIM + head_dim]);
            values[(kv_heads * capacity + (long)position[0]) * HEAD_DIM + head_dim] = narrow(v[kv_heads * HEAD_DIM + head_dim]);
        }
    }
}

void kv_cache_append_entry(long first, long last, long capacity, void *const *array) {
    kv_cache_append(first, last, capacity, array[0], array[1], array[2], array[3], array[4]);
}
