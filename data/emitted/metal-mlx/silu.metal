// y = x · sigmoid(x)
// x[rows, cols]; y[rows, cols]
// A thread for each run of the elements written. Launch: 8192 threadgroups of 256 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { ROWS = 4096, COLS = 4096 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
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

// The body: MLX writes the signature.
    const uint thread_index = thread_index_in_threadgroup;
    const uint group_index = threadgroup_position_in_grid.x;
    const int point = (group_index * THREADS + thread_index) * RUN;

    if (point < ROWS * COLS) {
        const int cols = point % COLS;
        const int rows = point / COLS;
        float x_run[RUN];
        load_stored(&x[rows * COLS + cols], x_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = x_run[i] / (1.0f + precise::exp(-1.0f * x_run[i]));
        }
        store_stored(y_run, &y[rows * COLS + cols]);
    }
