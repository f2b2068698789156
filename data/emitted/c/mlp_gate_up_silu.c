// y = silu(gate_weight · x) · (up_weight · x)
// gate_weight[out / 64, in, 64]; up_weight[out / 64, in, 64]; x[in]; y[out]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
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

enum { OUT = 8960, IN = 1536 };

void mlp_gate_up_silu(
    long first, long last, long capacity,
    const uint16_t *restrict gate_weight,
    const uint16_t *restrict up_weight,
    const float *restrict x,
    float *restrict y
) {
    for (long panel = first; panel < last; panel++) {
        float total_1[LANES] = {0};
        for (long in = 0; in < IN; in++) {
            for (long lane = 0; lane < LANES; lane++) {
                total_1[lane] += widen(gate_weight[(panel * IN + in) * LANES + lane]) * x[in];
            }
        }
        float total_2[LANES] = {0};
        for (long in = 0; in < IN; in++) {
            for (long lane = 0; lane < LANES; lane++) {
                total_2[lane] += widen(up_weight[(panel * IN + in) * LANES + lane]) * x[in];
            }
        }
        const long width = OUT - panel * LANES < LANES ? OUT - panel * LANES : LANES;
        for (long lane = 0; lane < width; lane++) {
            const long out = panel * LANES + lane;
            y[out] = total_1[lane] / (1.0f + exp_f32(-1.0f * total_1[lane])) * total_2[lane];
        }
    }
}

void mlp_gate_up_silu_entry(long first, long last, long capacity, void *const *array) {
    mlp_gate_up_silu(first, last, capacity, array[0], array[1], array[2], array[3]);
}
