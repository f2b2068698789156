// logits = weight · x
// weight[out, in]; x[in]; logits[out]
// A warp for every 4 rows. Launch: 9496 blocks of 128 threads.

enum { OUT = 151936, IN = 1536 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // that share a row
enum { WARP_ROWS = 4 }; // of a warp

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

static __device__ __forceinline__ void ask_ahead(const void *from) { // for a line of the cache, which comes while the thread waits
#if __CUDA_ARCH__ >= 900
    asm volatile("prefetch.global.L2 [%0];" ::"l"(from));
#endif
}

extern "C" __global__ void __launch_bounds__(128, 1) lm_head_matvec(
    const unsigned short *weight,
    const float *x,
    float *logits) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    const int lane = thread % LANES;
    const int first = (block * 4 + thread / LANES) * WARP_ROWS;
    for (int row = 0; row < WARP_ROWS; row++) {
        const int out = first + row;
        const int in = lane * 64;
        if (in < IN) {
            ask_ahead(&weight[out * IN + in]);
        }
    }
    wait_for_launches_before();
    float total[WARP_ROWS] = {0.0f};
    #pragma unroll 2
    for (int start = 0; start < IN; start += LANES * RUN) {
        const int in = start + lane * RUN;
        float x_run[RUN];
        load_f32(&x[in], x_run);
        for (int row = 0; row < WARP_ROWS; row++) {
            const int out = first + row;
            float weight_run[RUN];
            load_stored(&weight[out * IN + in], weight_run);
            for (int i = 0; i < RUN; i++) {
                total[row] = fmaf(weight_run[i], x_run[i], total[row]);
            }
        }
    }
    for (int row = 0; row < WARP_ROWS; row++) {
        total[row] = lane_sum(total[row]);
        const int out = first + row;
        if (lane == 0) {
            logits[out] = total[row];
        }
    }
}
