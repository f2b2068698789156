// q = weight · x + bias
// weight[out, in]; x[in]; bias[out]; q[out]
// A simdgroup for each row. Launch: 384 threadgroups of 128 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { OUT = 1536, IN = 1536 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // that share a row
enum { SIMDGROUP_ROWS = 1 }; // of a simdgroup

static inline float widen(ushort narrow) { // bf16 is the upper half of f32
    return as_type<float>((unsigned)narrow << 16);
}

static inline void load_f32(const device float *from, thread float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const device float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}

static inline void load_stored(const device ushort *from, thread float *to) { // 16 bytes at once
    const uint4 words = *(const device uint4 *)from;
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
    for (int i = 0; i < RUN; i++) to[i] = widen((ushort)(word[i / 2] >> 16 * (i % 2)));
}

static inline float lane_sum(float value) { // every lane gets the sum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value += simd_shuffle_xor(value, distance);
    return value;
}

[[max_total_threads_per_threadgroup(128)]]
kernel void q_proj_matvec(
    const device ushort *weight [[buffer(0)]],
    const device float *x [[buffer(1)]],
    const device ushort *bias [[buffer(2)]],
    device float *q [[buffer(3)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {
    const int lane = thread_index % LANES;
    const int first = (group_index * 4 + thread_index / LANES) * SIMDGROUP_ROWS;
    float total[SIMDGROUP_ROWS] = {0.0f};
    #pragma unroll 6
    for (int start = 0; start < IN; start += LANES * RUN) {
        const int in = start + lane * RUN;
        float x_run[RUN];
        load_f32(&x[in], x_run);
        for (int row = 0; row < SIMDGROUP_ROWS; row++) {
            const int out = first + row;
            float weight_run[RUN];
            load_stored(&weight[out * IN + in], weight_run);
            for (int i = 0; i < RUN; i++) {
                total[row] = fma(weight_run[i], x_run[i], total[row]);
            }
        }
    }
    for (int row = 0; row < SIMDGROUP_ROWS; row++) {
        total[row] = lane_sum(total[row]);
        const int out = first + row;
        if (lane == 0) {
            q[out] = total[row] + widen(bias[out]);
        }
    }
}
