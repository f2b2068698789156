// y = x / sqrt(mean(x²) + eps) · weight
// x[rows, cols]; weight[cols]; y[rows, cols]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

static inline float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }

enum { LANES = 64 };

static inline float sum_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] += part[lane + width];
    return part[0];
}

enum { ROWS = 1, COLS = 1536 };
#define RMS_NORM_EPS 1e-06f

void rms_norm(
    long first, long last, long capacity,
    const float *restrict x,
    const uint16_t *restrict weight,
    float *restrict y
) {
    for (long program = first; program < last; program++) {
        const long rows = program;
        float total_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_part[lane] = 0.0f;
        for (long start = 0; start < COLS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long cols = start + lane;
                total_part[lane] += x[rows * COLS + cols] * x[rows * COLS + cols];
            }
        }
        for (long cols = COLS / LANES * LANES; cols < COLS; cols++) {
            total_part[cols % LANES] += x[rows * COLS + cols] * x[rows * COLS + cols];
        }
        const float total = sum_lanes(total_part);
        for (long cols = 0; cols < COLS; cols++) {
            y[rows * COLS + cols] = x[rows * COLS + cols] * rsqrt_f32(total / (float)COLS + RMS_NORM_EPS) * widen(weight[cols]);
        }
    }
}

void rms_norm_entry(long first, long last, long capacity, void *const *array) {
    rms_norm(first, last, capacity, array[0], array[1], array[2]);
}
