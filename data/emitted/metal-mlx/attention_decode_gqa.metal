// y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.
// q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]; position; y[kv_heads, group, head_dim]
// A threadgroup for each program, a team of lanes for each token. Launch: 12 threadgroups of 512 threads.

#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math
#include <metal_stdlib>
using namespace metal;

enum { KV_HEADS = 2, GROUP = 6, HEAD_DIM = 128 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 16 }; // of a team: they share a token
enum { HEAD_DIM_SLICES = 1 }; // runs of a lane along the axis
enum { TEAMS = 32 }; // of a threadgroup
enum { THREADS = 512 }; // of a threadgroup
enum { FLIGHT = 4 }; // tokens that a team takes at once

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

// The body: MLX writes the signature.
    const uint thread_index = thread_index_in_threadgroup;
    const uint group_index = threadgroup_position_in_grid.x;
    const int lane = thread_index % LANES, team = thread_index / LANES;
    const long group = group_index % GROUP;
    const long kv_heads = group_index / GROUP;
    const long TOKENS = position[0] + 1;

    float largest = -3.4e38f;
    float total_2 = 0.0f;
    float total_3[HEAD_DIM_SLICES * RUN] = {0.0f};
    for (long begin = 0; begin < TOKENS; begin += TEAMS * FLIGHT) {
        float score[FLIGHT];
        #pragma unroll 4
        for (int turn = 0; turn < FLIGHT; turn++) {
            const long next = begin + turn * TEAMS + team;
            const long tokens = next < TOKENS ? next : TOKENS - 1;
            float total_1 = 0.0f;
            for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
                const int start = (slice * LANES + lane) * RUN;
                float q_run[RUN], keys_run[RUN];
                load_f32(&q[(kv_heads * GROUP + group) * HEAD_DIM + start], q_run);
                load_stored(&keys[(kv_heads * capacity + tokens) * HEAD_DIM + start], keys_run);
                for (int i = 0; i < RUN; i++) total_1 = fma(q_run[i], keys_run[i], total_1);
            }
            total_1 = lane_sum(total_1);
            score[turn] = next < TOKENS ? total_1 * precise::rsqrt((float)HEAD_DIM) : -as_type<float>(0x7f800000u);
        }
        float grown = largest;
        for (int turn = 0; turn < FLIGHT; turn++) grown = precise::fmax(grown, score[turn]);
        const float rescale = precise::exp(largest - grown);
        largest = grown;
        total_2 *= rescale;
        for (int i = 0; i < HEAD_DIM_SLICES * RUN; i++) total_3[i] *= rescale;
        #pragma unroll 4
        for (int turn = 0; turn < FLIGHT; turn++) {
            const long next = begin + turn * TEAMS + team;
            const long tokens = next < TOKENS ? next : TOKENS - 1;
            const float share = precise::exp(score[turn] - largest);
            total_2 += share;
            for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
                const int start = (slice * LANES + lane) * RUN;
                float values_run[RUN];
                load_stored(&values[(kv_heads * capacity + tokens) * HEAD_DIM + start], values_run);
                for (int i = 0; i < RUN; i++) total_3[slice * RUN + i] = fma(share, values_run[i], total_3[slice * RUN + i]);
            }
        }
    }

    threadgroup float largest_of[TEAMS], share_of[TEAMS];
    threadgroup float total_2_of[TEAMS];
    threadgroup float total_3_of[TEAMS][HEAD_DIM];
    for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
        const int start = (slice * LANES + lane) * RUN;
        for (int i = 0; i < RUN; i++) total_3_of[team][start + i] = total_3[slice * RUN + i];
    }
    if (lane == 0) {
        largest_of[team] = largest;
        total_2_of[team] = total_2;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int each = 0; each < TEAMS; each++) largest = precise::fmax(largest, largest_of[each]);
    if (thread_index < TEAMS) share_of[thread_index] = precise::exp(largest_of[thread_index] - largest);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int head_dim = thread_index; head_dim < HEAD_DIM; head_dim += THREADS) {
        float total_2_of_all = 0.0f;
        for (int each = 0; each < TEAMS; each++) total_2_of_all += total_2_of[each] * share_of[each];
        float total_3_of_all = 0.0f;
        for (int each = 0; each < TEAMS; each++) total_3_of_all += total_3_of[each][head_dim] * share_of[each];
        y[(kv_heads * GROUP + group) * HEAD_DIM + head_dim] = (total_3_of_all / total_2_of_all);
    }
