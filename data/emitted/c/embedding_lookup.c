// x = the row of the table that the token id chooses.
// token; table[vocab, hidden]; x[hidden]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

enum { VOCAB = 151936, HIDDEN = 1536 };

void embedding_lookup(
    long first, long last, long capacity,
    const int32_t *restrict token,
    const uint16_t *restrict table,
    float *restrict x
) {
    for (long hidden = first; hidden < last; hidden++) {
        x[hidden] = widen(table[(long)token[0] * HIDDEN + hidden]);
    }
}

void embedding_lookup_entry(long first, long last, long capacity, void *const *array) {
    embedding_lookup(first, last, capacity, array[0], array[1], array[2]);
}
