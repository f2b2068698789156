// The token's key and value become the cache's row at the position.
// k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]
// A thread for each run of the elements written. Launch: 1 threadgroup of 32 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { KV_HEADS = 2, HEAD_DIM = 128 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { THREADS = 32 }; // of a threadgroup

static inline ushort narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = as_type<uint>(wide);
    const unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (ushort)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
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

static inline void store_stored(const thread float *from, device ushort *to) { // 16 bytes at once
    unsigned word[4] = {0, 0, 0, 0};
    for (int i = 0; i < RUN; i++) word[i / 2] |= (unsigned)narrow(from[i]) << 16 * (i % 2);
    *(device uint4 *)to = uint4{word[0], word[1], word[2], word[3]};
}

[[max_total_threads_per_threadgroup(32)]]
kernel void kv_cache_append(
    const device float *k [[buffer(0)]],
    const device float *v [[buffer(1)]],
    const constant int *position [[buffer(2)]],
    device ushort *keys [[buffer(3)]],
    device ushort *values [[buffer(4)]],
    constant int &capacity [[buffer(5)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {
    const long point = ((long)group_index * THREADS + thread_index) * RUN;

    if (point < KV_HEADS * HEAD_DIM) {
        const long head_dim = point % HEAD_DIM;
        const long kv_heads = point / HEAD_DIM;
        float k_run[RUN], v_run[RUN];
        load_f32(&k[kv_heads * HEAD_DIM + head_dim], k_run);
        load_f32(&v[kv_heads * HEAD_DIM + head_dim], v_run);
        float keys_run[RUN], values_run[RUN];
        for (int i = 0; i < RUN; i++) {
            keys_run[i] = k_run[i];
            values_run[i] = v_run[i];
        }
        store_stored(keys_run, &keys[(kv_heads * capacity + (long)position[0]) * HEAD_DIM + head_dim]);
        store_stored(values_run, &values[(kv_heads * capacity + (long)position[0]) * HEAD_DIM + head_dim]);
    }
}
