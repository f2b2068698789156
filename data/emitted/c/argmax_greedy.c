// token = the first index of the largest logit
// logits[vocab]; token

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 64 };

static inline float larger(float a, float b) { return a > b ? a : b; }

static inline float max_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] = larger(part[lane], part[lane + width]);
    return part[0];
}

enum { VOCAB = 151936 };

void argmax_greedy(
    long first, long last, long capacity,
    const float *restrict logits,
    int32_t *restrict token
) {
    if (first < last) {
        float best_part[LANES];
        for (long lane = 0; lane < LANES; lane++) best_part[lane] = -INFINITY;
        for (long start = 0; start < VOCAB / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long vocab = start + lane;
                best_part[lane] = larger(best_part[lane], logits[vocab]);
            }
        }
        for (long vocab = VOCAB / LANES * LANES; vocab < VOCAB; vocab++) {
            best_part[vocab % LANES] = larger(best_part[vocab % LANES], logits[vocab]);
        }
        const float best_value = max_lanes(best_part);
        long best = 0;
        for (long vocab = 0; vocab < VOCAB; vocab++) {
            if (logits[vocab] == best_value) { best = vocab; break; }
        }
        token[0] = best;
    }
}

void argmax_greedy_entry(long first, long last, long capacity, void *const *array) {
    argmax_greedy(first, last, capacity, array[0], array[1]);
}
