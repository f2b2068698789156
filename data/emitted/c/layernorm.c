// y = (x − mean) / sqrt(variance + eps), without weight and bias
// x[rows, cols]; y[rows, cols]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

static inline uint16_t narrow(float wide) { // to the nearest, ties to even
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return wide == wide ? (uint16_t)bits : 0x7fc0;
}

static inline float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }

enum { LANES = 64 };

static inline float sum_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] += part[lane + width];
    return part[0];
}

enum { ROWS = 4096, COLS = 4096 };

void layernorm(
    long first, long last, long capacity,
    const uint16_t *restrict x,
    uint16_t *restrict y
) {
    for (long program = first; program < last; program++) {
        const long rows = program;
        float total_1_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_1_part[lane] = 0.0f;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                total_1_part[lane] += widen(x[rows * COLS + cols]);
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            total_1_part[cols % LANES] += widen(x[rows * COLS + cols]);
        }
        const float total_1 = sum_lanes(total_1_part);
        float total_2_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_2_part[lane] = 0.0f;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                total_2_part[lane] += (widen(x[rows * COLS + cols]) - total_1 / (float)COLS) * (widen(x[rows * COLS + cols]) - total_1 / (float)COLS);
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            total_2_part[cols % LANES] += (widen(x[rows * COLS + cols]) - total_1 / (float)COLS) * (widen(x[rows * COLS + cols]) - total_1 / (float)COLS);
        }
        const float total_2 = sum_lanes(total_2_part);
        for (long cols = 0; cols < COLS; cols++) {
            y[rows * COLS + cols] = narrow((widen(x[rows * COLS + cols]) - total_1 / (float)COLS) * rsqrt_f32(total_2 / (float)COLS + 1e-05f));
        }
    }
}

void layernorm_entry(long first, long last, long capacity, void *const *array) {
    layernorm(first, last, capacity, array[0], array[1]);
}
