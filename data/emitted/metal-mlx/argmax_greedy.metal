// token = the first index of the largest logit
// logits[vocab]; token
// One threadgroup. Launch: 1 threadgroup of 1024 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { VOCAB = 151936 };
enum { RUN = 4 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a simdgroup
enum { SIMDGROUPS = 32 }; // of a threadgroup
enum { THREADS = 1024 }; // of a threadgroup

static inline void load_f32(const device float *from, thread float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const device float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}

static inline void take_better(float value, int place, thread float &best_value, thread int &best) {
    if (value > best_value || (value == best_value && place < best)) {
        best_value = value;
        best = place;
    }
}

static inline void lane_best(thread float &value, thread int &place) { // every lane gets the first largest
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
        const float other_value = simd_shuffle_xor(value, distance);
        const int other_place = simd_shuffle_xor(place, distance);
        take_better(other_value, other_place, value, place);
    }
}

// The body: MLX writes the signature.
    const uint thread_index = thread_index_in_threadgroup;
    const int lane = thread_index % LANES, simdgroup = thread_index / LANES;

    threadgroup float best_value_of[SIMDGROUPS];
    threadgroup int best_of[SIMDGROUPS];
    float best_value = -as_type<float>(0x7f800000u);
    int best = VOCAB - 1;
    #pragma unroll 4
    for (int start = thread_index * RUN; start < VOCAB; start += THREADS * RUN) {
        float logits_run[RUN];
        load_f32(&logits[start], logits_run);
        for (int i = 0; i < RUN; i++) take_better(logits_run[i], start + i, best_value, best);
    }
    lane_best(best_value, best);
    if (lane == 0) {
        best_value_of[simdgroup] = best_value;
        best_of[simdgroup] = best;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    best_value = lane < SIMDGROUPS ? best_value_of[lane] : -as_type<float>(0x7f800000u);
    best = lane < SIMDGROUPS ? best_of[lane] : VOCAB - 1;
    lane_best(best_value, best);

    if (thread_index == 0) {
        token[0] = best;
    }
