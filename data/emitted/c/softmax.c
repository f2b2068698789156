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
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (bits & 0x7fffffff) > 0x7f800000 ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)rounded;
}

static inline float exp_f32(float x) { // 2^n times e^r with |r| <= ln(2) / 2, to 1e-7
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
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
        float total_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_part[lane] = 0.0f;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                total_part[lane] += exp_f32(widen(x[rows * COLS + cols]) - largest);
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            total_part[cols % LANES] += exp_f32(widen(x[rows * COLS + cols]) - largest);
        }
        const float total = sum_lanes(total_part);
        for (long cols = 0; cols < COLS; cols++) {
            y[rows * COLS + cols] = narrow(exp_f32(widen(x[rows * COLS + cols]) - largest) / total);
        }
    }
}

void softmax_entry(long first, long last, long capacity, void *const *array) {
    softmax(first, last, capacity, array[0], array[1]);
}
