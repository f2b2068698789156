// CUDA's words, as far as self-contained kernels use them, on the core.
#pragma once

#include "core.h"

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __shared__ SIMT_SHARED

#define threadIdx (simt::Place{simt::current})
#define blockIdx (simt::Place{simt::block})
#define __syncthreads() simt::barrier(__LINE__)
#define __syncwarp() simt::warp_barrier(__LINE__)
#define __shfl_xor_sync(mask, value, distance) simt::shuffle_xor(mask, value, distance, __LINE__)

// Not <cmath>, which takes longer to read than all of these kernels.
extern "C" {
float expf(float);
float fmaf(float, float, float);
float fmaxf(float, float);
float sqrtf(float);
}

struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

struct alignas(16) float4 {
    float x, y, z, w;
};

namespace simt {
template <class Value> static Value shuffle_xor(unsigned mask, Value value, int distance, int line) {
    if (mask != 0xffffffffu) fail("line %d: a shuffle among some lanes only", line);
    return from_lane(value, lane() ^ distance, line);
}
} // namespace simt

static inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
