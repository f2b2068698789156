// y = (x − mean) / sqrt(variance + eps), without weight and bias
// x[rows, cols]; y[rows, cols]
// A block for each program. Launch: 4096 blocks of 256 threads.

enum { ROWS = 4096, COLS = 4096 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a warp
enum { WARPS = 8 }; // of a block
enum { THREADS = 256 }; // of a block

static __device__ __forceinline__ float widen(unsigned short narrow) { // bf16 is the upper half of f32
    return __uint_as_float((unsigned)narrow << 16);
}

static __device__ __forceinline__ unsigned short narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = __float_as_uint(wide);
    const unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (unsigned short)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

static __device__ __forceinline__ void load_stored(const unsigned short *from, float *to) { // 16 bytes at once
    const uint4 words = *(const uint4 *)from;
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
    for (int i = 0; i < RUN; i++) to[i] = widen((unsigned short)(word[i / 2] >> 16 * (i % 2)));
}

static __device__ __forceinline__ void store_stored(const float *from, unsigned short *to) { // 16 bytes at once
    unsigned word[4] = {0, 0, 0, 0};
    for (int i = 0; i < RUN; i++) word[i / 2] |= (unsigned)narrow(from[i]) << 16 * (i % 2);
    *(uint4 *)to = uint4{word[0], word[1], word[2], word[3]};
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

extern "C" __global__ void __launch_bounds__(256, 1) layernorm(
    const unsigned short *x,
    unsigned short *y) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int lane = thread % LANES, warp = thread / LANES;
    const int rows = block;

    __shared__ float total_1_of[WARPS];
    float total_1 = 0.0f;
    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) total_1 += x_run[i];
    }
    total_1 = lane_sum(total_1);
    if (lane == 0) total_1_of[warp] = total_1;
    __syncthreads();
    total_1 = lane_sum(lane < WARPS ? total_1_of[lane] : 0.0f);

    __shared__ float total_2_of[WARPS];
    float total_2 = 0.0f;
    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) total_2 = fmaf(x_run[i] - total_1 / (float)COLS, x_run[i] - total_1 / (float)COLS, total_2);
    }
    total_2 = lane_sum(total_2);
    if (lane == 0) total_2_of[warp] = total_2;
    __syncthreads();
    total_2 = lane_sum(lane < WARPS ? total_2_of[lane] : 0.0f);

    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = (x_run[i] - total_1 / (float)COLS) * rsqrtf(total_2 / (float)COLS + 1e-05f);
        }
        store_stored(y_run, &y[rows * COLS + start]);
    }
}
