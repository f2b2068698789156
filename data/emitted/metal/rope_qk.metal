// Each head's first half rotated against its second half, by the angles of the position.
// q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens, pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]
// A thread for each run of the elements written. Launch: 1 threadgroup of 192 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { Q_HEADS = 12, KV_HEADS = 2, HALF = 2, PAIR = 64 };
enum { RUN = 4 }; // elements that lie together: what a lane takes at once
enum { THREADS = 192 }; // of a threadgroup

static inline void load_f32(const device float *from, thread float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const device float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}

static inline void store_f32(const thread float *from, device float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4)
        *(device float4 *)(to + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
}

[[max_total_threads_per_threadgroup(192)]]
kernel void rope_qk(
    const device float *q [[buffer(0)]],
    const device float *k [[buffer(1)]],
    const constant int *position [[buffer(2)]],
    const device float *cosines [[buffer(3)]],
    const device float *sines [[buffer(4)]],
    device float *q_rotated [[buffer(5)]],
    device float *k_rotated [[buffer(6)]],
    constant int &capacity [[buffer(7)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {
    const long point = ((long)group_index * THREADS + thread_index) * RUN;

    if (point < Q_HEADS * PAIR) {
        const long pair = point % PAIR;
        const long q_heads = point / PAIR;
        float q_run_1[RUN], cosines_run[RUN], q_run_2[RUN], sines_run[RUN];
        load_f32(&q[(q_heads * HALF + 0) * PAIR + pair], q_run_1);
        load_f32(&cosines[(long)position[0] * PAIR + pair], cosines_run);
        load_f32(&q[(q_heads * HALF + 1) * PAIR + pair], q_run_2);
        load_f32(&sines[(long)position[0] * PAIR + pair], sines_run);
        float q_rotated_run_1[RUN], q_rotated_run_2[RUN];
        for (int i = 0; i < RUN; i++) {
            q_rotated_run_1[i] = q_run_1[i] * cosines_run[i] - q_run_2[i] * sines_run[i];
            q_rotated_run_2[i] = q_run_2[i] * cosines_run[i] + q_run_1[i] * sines_run[i];
        }
        store_f32(q_rotated_run_1, &q_rotated[(q_heads * HALF + 0) * PAIR + pair]);
        store_f32(q_rotated_run_2, &q_rotated[(q_heads * HALF + 1) * PAIR + pair]);
    }

    if (point < KV_HEADS * PAIR) {
        const long pair = point % PAIR;
        const long kv_heads = point / PAIR;
        float k_run_1[RUN], cosines_run[RUN], k_run_2[RUN], sines_run[RUN];
        load_f32(&k[(kv_heads * HALF + 0) * PAIR + pair], k_run_1);
        load_f32(&cosines[(long)position[0] * PAIR + pair], cosines_run);
        load_f32(&k[(kv_heads * HALF + 1) * PAIR + pair], k_run_2);
        load_f32(&sines[(long)position[0] * PAIR + pair], sines_run);
        float k_rotated_run_1[RUN], k_rotated_run_2[RUN];
        for (int i = 0; i < RUN; i++) {
            k_rotated_run_1[i] = k_run_1[i] * cosines_run[i] - k_run_2[i] * sines_run[i];
            k_rotated_run_2[i] = k_run_2[i] * cosines_run[i] + k_run_1[i] * sines_run[i];
        }
        store_f32(k_rotated_run_1, &k_rotated[(kv_heads * HALF + 0) * PAIR + pair]);
        store_f32(k_rotated_run_2, &k_rotated[(kv_heads * HALF + 1) * PAIR + pair]);
    }
}
