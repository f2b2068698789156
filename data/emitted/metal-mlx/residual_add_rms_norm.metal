// sum = x + residual; y = sum / sqrt(mean(sum²) + eps) · weight
// x[rows, cols]; residual[rows, cols]; weight[cols]; sum[rows, cols]; y[rows, cols]
// A threadgroup for each program. Launch: 1 threadgroup of 192 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { ROWS = 1, COLS = 1536 };
#define RMS_NORM_EPS 1e-06f
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a simdgroup
enum { SIMDGROUPS = 6 }; // of a threadgroup
enum { THREADS = 192 }; // of a threadgroup

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

static inline void store_f32(const thread float *from, device float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4)
        *(device float4 *)(to + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
}

static inline float lane_sum(float value) { // every lane gets the sum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value += simd_shuffle_xor(value, distance);
    return value;
}

// The body: MLX writes the signature.
    const uint thread_index = thread_index_in_threadgroup;
    const uint group_index = threadgroup_position_in_grid.x;
    const int lane = thread_index % LANES, simdgroup = thread_index / LANES;
    const int rows = group_index;

    threadgroup float total_of[SIMDGROUPS];
    float total = 0.0f;
    for (int start = thread_index * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN], residual_run[RUN];
        load_f32(&x[rows * COLS + start], x_run);
        load_f32(&residual[rows * COLS + start], residual_run);
        for (int i = 0; i < RUN; i++) total = fma(x_run[i] + residual_run[i], x_run[i] + residual_run[i], total);
    }
    total = lane_sum(total);
    if (lane == 0) total_of[simdgroup] = total;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    total = lane_sum(lane < SIMDGROUPS ? total_of[lane] : 0.0f);

    for (int start = thread_index * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN], residual_run[RUN], weight_run[RUN];
        load_f32(&x[rows * COLS + start], x_run);
        load_f32(&residual[rows * COLS + start], residual_run);
        load_stored(&weight[start], weight_run);
        float sum_run[RUN], y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            sum_run[i] = x_run[i] + residual_run[i];
            y_run[i] = (x_run[i] + residual_run[i]) * precise::rsqrt(total / (float)COLS + RMS_NORM_EPS) * weight_run[i];
        }
        store_f32(sum_run, &sum[rows * COLS + start]);
        store_f32(y_run, &y[rows * COLS + start]);
    }
