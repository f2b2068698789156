// y = weight · x
// weight[out / 64, in, 64]; x[in]; y[out]

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

enum { LANES = 64 };

enum { OUT = 1536, IN = 1536 };

void o_proj_matvec(
    long first, long last, long capacity,
    const uint16_t *restrict weight,
    const float *restrict x,
    float *restrict y
) {
    for (long panel = first; panel < last; panel++) {
        float total[LANES] = {0};
        for (long in = 0; in < IN; in++) {
            for (long lane = 0; lane < LANES; lane++) {
                total[lane] += widen(weight[(panel * IN + in) * LANES + lane]) * x[in];
            }
        }
        const long width = OUT - panel * LANES < LANES ? OUT - panel * LANES : LANES;
        for (long lane = 0; lane < width; lane++) {
            const long out = panel * LANES + lane;
            y[out] = total[lane];
        }
    }
}

void o_proj_matvec_entry(long first, long last, long capacity, void *const *array) {
    o_proj_matvec(first, last, capacity, array[0], array[1], array[2]);
}
