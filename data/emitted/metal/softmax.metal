// y = exp(x) / the row's sum of it
// x[rows, cols]; y[rows, cols]
// A threadgroup for each program. Launch: 4096 threadgroups of 256 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { ROWS = 4096, COLS = 4096 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a simdgroup
enum { SIMDGROUPS = 8 }; // of a threadgroup
enum { THREADS = 256 }; // of a threadgroup

static inline float widen(ushort narrow) { // bf16 is the upper half of f32
    return as_type<float>((unsigned)narrow << 16);
}

static inline ushort narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = as_type<uint>(wide);
    const unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (ushort)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

static inline void load_stored(const device ushort *from, thread float *to) { // 16 bytes at once
    const uint4 words = *(const device uint4 *)from;
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
    for (int i = 0; i < RUN; i++) to[i] = widen((ushort)(word[i / 2] >> 16 * (i % 2)));
}

static inline void store_stored(const thread float *from, device ushort *to) { // 16 bytes at once
    unsigned word[4] = {0, 0, 0, 0};
    for (int i = 0; i < RUN; i++) word[i / 2] |= (unsigned)narrow(from[i]) << 16 * (i % 2);
    *(device uint4 *)to = uint4{word[0], word[1], word[2], word[3]};
}

static inline float lane_sum(float value) { // every lane gets the sum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value += simd_shuffle_xor(value, distance);
    return value;
}

static inline float lane_max(float value) { // every lane gets the maximum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value = precise::fmax(value, simd_shuffle_xor(value, distance));
    return value;
}

[[max_total_threads_per_threadgroup(256)]]
kernel void softmax(
    const device ushort *x [[buffer(0)]],
    device ushort *y [[buffer(1)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {
    const int lane = thread_index % LANES, simdgroup = thread_index / LANES;
    const int rows = group_index;

    threadgroup float largest_of[SIMDGROUPS];
    float largest = -as_type<float>(0x7f800000u);
    #pragma unroll 2
    for (int start = thread_index * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) largest = precise::fmax(largest, x_run[i]);
    }
    largest = lane_max(largest);
    if (lane == 0) largest_of[simdgroup] = largest;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    largest = lane_max(lane < SIMDGROUPS ? largest_of[lane] : -as_type<float>(0x7f800000u));

    threadgroup float total_of[SIMDGROUPS];
    float total = 0.0f;
    #pragma unroll 2
    for (int start = thread_index * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) total += precise::exp(x_run[i] - largest);
    }
    total = lane_sum(total);
    if (lane == 0) total_of[simdgroup] = total;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    total = lane_sum(lane < SIMDGROUPS ? total_of[lane] : 0.0f);

    #pragma unroll 2
    for (int start = thread_index * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = precise::exp(x_run[i] - largest) / total;
        }
        store_stored(y_run, &y[rows * COLS + start]);
    }
}
