// y = x · sigmoid(x)
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

enum { ROWS = 4096, COLS = 4096 };

void silu(
    long first, long last, long capacity,
    const uint16_t *restrict x,
    uint16_t *restrict y
) {
    for (long rows = first; rows < last; rows++) {
        for (long cols = 0; cols < COLS; cols++) {
            y[rows * COLS + cols] = narrow(widen(x[rows * COLS + cols]) / (1.0f + exp_f32(-1.0f * widen(x[rows * COLS + cols]))));
        }
    }
}

void silu_entry(long first, long last, long capacity, void *const *array) {
    silu(first, last, capacity, array[0], array[1]);
}
