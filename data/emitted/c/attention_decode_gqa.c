// y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.
// q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]; position; y[kv_heads, group, head_dim]

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

static inline float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }

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

enum { KV_HEADS = 2, GROUP = 6, HEAD_DIM = 128 };

void attention_decode_gqa(
    long first, long last, long capacity,
    const float *restrict q,
    const uint16_t *restrict keys,
    const uint16_t *restrict values,
    const int32_t *restrict position,
    float *restrict y
) {
    const long TOKENS = *position + 1;
    for (long program = first; program < last; program++) {
        const long group = program % GROUP;
        const long kv_heads = program / GROUP;
        float total_1[TOKENS];
        for (long tokens = 0; tokens < TOKENS; tokens++) {
            float total_1_part[LANES];
            for (long lane = 0; lane < LANES; lane++) total_1_part[lane] = 0.0f;
            for (long start = 0; start < HEAD_DIM / LANES * LANES; start += LANES) {
                for (long lane = 0; lane < LANES; lane++) {
                    const long head_dim = start + lane;
                    total_1_part[lane] += q[(kv_heads * GROUP + group) * HEAD_DIM + head_dim] * widen(keys[(kv_heads * capacity + tokens) * HEAD_DIM + head_dim]);
                }
            }
            for (long head_dim = HEAD_DIM / LANES * LANES; head_dim < HEAD_DIM; head_dim++) {
                total_1_part[head_dim % LANES] += q[(kv_heads * GROUP + group) * HEAD_DIM + head_dim] * widen(keys[(kv_heads * capacity + tokens) * HEAD_DIM + head_dim]);
            }
            total_1[tokens] = sum_lanes(total_1_part);
        }
        float largest_part[LANES];
        for (long lane = 0; lane < LANES; lane++) largest_part[lane] = -INFINITY;
        for (long start = 0; start < TOKENS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long tokens = start + lane;
                largest_part[lane] = larger(largest_part[lane], total_1[tokens] * rsqrt_f32((float)HEAD_DIM));
            }
        }
        for (long tokens = TOKENS / LANES * LANES; tokens < TOKENS; tokens++) {
            largest_part[tokens % LANES] = larger(largest_part[tokens % LANES], total_1[tokens] * rsqrt_f32((float)HEAD_DIM));
        }
        const float largest = max_lanes(largest_part);
        float total_2_exponential[TOKENS];
        float total_2_part[LANES];
        for (long lane = 0; lane < LANES; lane++) total_2_part[lane] = 0.0f;
        for (long start = 0; start < TOKENS / LANES * LANES; start += LANES) {
            for (long lane = 0; lane < LANES; lane++) {
                const long tokens = start + lane;
                total_2_exponential[tokens] = exp_f32(total_1[tokens] * rsqrt_f32((float)HEAD_DIM) - largest);
                total_2_part[lane] += total_2_exponential[tokens];
            }
        }
        for (long tokens = TOKENS / LANES * LANES; tokens < TOKENS; tokens++) {
            total_2_exponential[tokens] = exp_f32(total_1[tokens] * rsqrt_f32((float)HEAD_DIM) - largest);
            total_2_part[tokens % LANES] += total_2_exponential[tokens];
        }
        const float total_2 = sum_lanes(total_2_part);
        float total_3[HEAD_DIM];
        for (long head_dim = 0; head_dim < HEAD_DIM; head_dim++) total_3[head_dim] = 0.0f;
        for (long tokens = 0; tokens < TOKENS; tokens++) {
            const float factor = total_2_exponential[tokens] / total_2;
            for (long head_dim = 0; head_dim < HEAD_DIM; head_dim++) {
                total_3[head_dim] += factor * widen(values[(kv_heads * capacity + tokens) * HEAD_DIM + head_dim]);
            }
        }
        for (long head_dim = 0; head_dim < HEAD_DIM; head_dim++) {
            y[(kv_heads * GROUP + group) * HEAD_DIM + head_dim] = total_3[head_dim];
        }
    }
}

void attention_decode_gqa_entry(long first, long last, long capacity, void *const *array) {
    attention_decode_gqa(first, last, capacity, array[0], array[1], array[2], array[3], array[4]);
}
