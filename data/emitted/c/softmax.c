// y = exp(x) / the row's sum of it
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

static inline float exp_f32(float x) { // 2^n times 2^r with |r| <= 1/2: relative error below 3e-7
    x = x < -86.0f ? -86.0f : x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504f + 12582912.0f; // 1.5 * 2^23: n is in the low bits
    const float r = x * 1.44269504f - (shifted - 12582912.0f);
    float p = 1.32764668e-3f;
    p = p * r + 9.67554129e-3f;
    p = p * r + 5.55071329e-2f;
    p = p * r + 2.40221197e-1f;
    p = p * r + 6.93146967e-1f;
    p = p * r + 1.00000007f;
    uint32_t bits, n;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&n, &shifted, sizeof n);
    bits += n << 23; // onto the exponent
    memcpy(&p, &bits, sizeof p);
    return p;
}

enum { LANES = 64 };

static inline float sum_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] += part[lane + width];
    return part[0];
}

static inline float larger(float a, float b) { return a > b ? a : b; }

static inline float max_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] = larger(part[lane], part[lane + width]);
    return part[0];
}

enum { ROWS = 4096, COLS = 4096 };

void softmax(
    long first, long last, long capacity,
    const uint16_t *restrict x,
    uint16_t *restrict y
) {
    for (long program = first; program < last; program++) {
        const long rows = program;
        float largest_part[LANES];
        for (long lane = 0; lane < LANES; lane++) largest_part[lane] = -INFINITY;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                largest_part[lane] = larger(largest_part[lane], widen(x[rows * COLS + cols]));
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            largest_part[cols % LANES] = larger(largest_part[cols % LANES], widen(x[rows * COLS + cols]));
        }
        const float largest = max_lanes(largest_part);
        float total_exponential[COLS];
        float total_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_part[lane] = 0.0f;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                total_exponential[cols] = exp_f32(widen(x[rows * COLS + cols]) - largest);
                total_part[lane] += total_exponential[cols];
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            total_exponential[cols] = exp_f32(widen(x[rows * COLS + cols]) - largest);
            total_part[cols % LANES] += total_exponential[cols];
        }
        const float total = sum_lanes(total_part);
        for (long cols = 0; cols < COLS; cols++) {
            y[rows * COLS + cols] = narrow(total_exponential[cols] / total);
        }
    }
}

void softmax_entry(long first, long last, long capacity, void *const *array) {
    softmax(first, last, capacity, array[0], array[1]);
}
