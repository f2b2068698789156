// x = the row of the table that the token id chooses.
// token; table[vocab, hidden]; x[hidden]
// A thread for each run of the elements written. Launch: 1 threadgroup of 192 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { VOCAB = 151936, HIDDEN = 1536 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { THREADS = 192 }; // of a threadgroup

static inline float widen(ushort narrow) { // bf16 is the upper half of f32
    return as_type<float>((unsigned)narrow << 16);
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

[[max_total_threads_per_threadgroup(192)]]
kernel void embedding_lookup(
    const constant int *token [[buffer(0)]],
    const device ushort *table [[buffer(1)]],
    device float *x [[buffer(2)]],
    uint thread_index [[thread_index_in_threadgroup]],
    uint group_index [[threadgroup_position_in_grid]]) {
    const int point = (group_index * THREADS + thread_index) * RUN;

    if (point < HIDDEN) {
        const int hidden = point;
        float table_run[RUN];
        load_stored(&table[(long)token[0] * HIDDEN + hidden], table_run);
        float x_run[RUN];
        for (int i = 0; i < RUN; i++) {
            x_run[i] = table_run[i];
        }
        store_f32(x_run, &x[hidden]);
    }
}
