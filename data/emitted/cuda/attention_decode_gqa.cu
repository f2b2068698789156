// y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.
// q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]; position; y[kv_heads, group, head_dim]
// A block for each program, a team of lanes for each token. Launch: 12 blocks of 512 threads.

enum { KV_HEADS = 2, GROUP = 6, HEAD_DIM = 128 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 16 }; // of a team: they share a token
enum { HEAD_DIM_SLICES = 1 }; // runs of a lane along the axis
enum { TEAMS = 32 }; // of a block
enum { THREADS = 512 }; // of a block
enum { FLIGHT = 4 }; // tokens that a team takes at once

static __device__ __forceinline__ float widen(unsigned short narrow) { // bf16 is the upper half of f32
    return __uint_as_float((unsigned)narrow << 16);
}

static __device__ __forceinline__ void load_f32(const float *from, float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}

static __device__ __forceinline__ void load_stored(const unsigned short *from, float *to) { // 16 bytes at once
    const uint4 words = *(const uint4 *)from;
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
    for (int i = 0; i < RUN; i++) to[i] = widen((unsigned short)(word[i / 2] >> 16 * (i % 2)));
}

static __device__ __forceinline__ float lane_sum(float value) { // every lane gets the sum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

static __device__ __forceinline__ void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

extern "C" __global__ void __launch_bounds__(512, 1) attention_decode_gqa(
    const float *q,
    const unsigned short *keys,
    const unsigned short *values,
    const int *position,
    float *y,
    int capacity) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int lane = thread % LANES, team = thread / LANES;
    const long long group = block % GROUP;
    const long long kv_heads = block / GROUP;
    const long long TOKENS = position[0] + 1;

    float largest = -3.4e38f;
    float total_2 = 0.0f;
    float total_3[HEAD_DIM_SLICES * RUN] = {0.0f};
    for (long long begin = 0; begin < TOKENS; begin += TEAMS * FLIGHT) {
        float score[FLIGHT];
        #pragma unroll 4
        for (int turn = 0; turn < FLIGHT; turn++) {
            const long long next = begin + turn * TEAMS + team;
            const long long tokens = next < TOKENS ? next : TOKENS - 1;
            float total_1 = 0.0f;
            for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
                const int start = (slice * LANES + lane) * RUN;
                float q_run[RUN], keys_run[RUN];
                load_f32(&q[(kv_heads * GROUP + group) * HEAD_DIM + start], q_run);
                load_stored(&keys[(kv_heads * capacity + tokens) * HEAD_DIM + start], keys_run);
                for (int i = 0; i < RUN; i++) total_1 = fmaf(q_run[i], keys_run[i], total_1);
            }
            total_1 = lane_sum(total_1);
            score[turn] = next < TOKENS ? total_1 * rsqrtf((float)HEAD_DIM) : -__uint_as_float(0x7f800000u);
        }
        float grown = largest;
        for (int turn = 0; turn < FLIGHT; turn++) grown = fmaxf(grown, score[turn]);
        const float rescale = expf(largest - grown);
        largest = grown;
        total_2 *= rescale;
        for (int i = 0; i < HEAD_DIM_SLICES * RUN; i++) total_3[i] *= rescale;
        #pragma unroll 4
        for (int turn = 0; turn < FLIGHT; turn++) {
            const long long next = begin + turn * TEAMS + team;
            const long long tokens = next < TOKENS ? next : TOKENS - 1;
            const float share = expf(score[turn] - largest);
            total_2 += share;
            for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
                const int start = (slice * LANES + lane) * RUN;
                float values_run[RUN];
                load_stored(&values[(kv_heads * capacity + tokens) * HEAD_DIM + start], values_run);
                for (int i = 0; i < RUN; i++) total_3[slice * RUN + i] = fmaf(share, values_run[i], total_3[slice * RUN + i]);
            }
        }
    }

    __shared__ float largest_of[TEAMS], share_of[TEAMS];
    __shared__ float total_2_of[TEAMS];
    __shared__ float total_3_of[TEAMS][HEAD_DIM];
    for (int slice = 0; slice < HEAD_DIM_SLICES; slice++) {
        const int start = (slice * LANES + lane) * RUN;
        for (int i = 0; i < RUN; i++) total_3_of[team][start + i] = total_3[slice * RUN + i];
    }
    if (lane == 0) {
        largest_of[team] = largest;
        total_2_of[team] = total_2;
    }
    __syncthreads();
    for (int each = 0; each < TEAMS; each++) largest = fmaxf(largest, largest_of[each]);
    if (thread < TEAMS) share_of[thread] = expf(largest_of[thread] - largest);
    __syncthreads();
    for (int head_dim = thread; head_dim < HEAD_DIM; head_dim += THREADS) {
        float total_2_of_all = 0.0f;
        for (int each = 0; each < TEAMS; each++) total_2_of_all += total_2_of[each] * share_of[each];
        float total_3_of_all = 0.0f;
        for (int each = 0; each < TEAMS; each++) total_3_of_all += total_3_of[each][head_dim] * share_of[each];
        y[(kv_heads * GROUP + group) * HEAD_DIM + head_dim] = (total_3_of_all / total_2_of_all);
    }
}
