// y = x / sqrt(mean(x²) + eps) · weight
// x[rows, cols]; weight[cols]; y[rows, cols]
// A block for each program. Launch: 1 block of 192 threads.

enum { ROWS = 1, COLS = 1536 };
#define RMS_NORM_EPS 1e-06f
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a warp
enum { WARPS = 6 }; // of a block
enum { THREADS = 192 }; // of a block

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

static __device__ __forceinline__ void store_f32(const float *from, float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4)
        *(float4 *)(to + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
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

extern "C" __global__ void __launch_bounds__(192, 1) rms_norm(
    const float *x,
    const unsigned short *weight,
    float *y) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int lane = thread % LANES, warp = thread / LANES;
    const int rows = block;

    __shared__ float total_of[WARPS];
    float total = 0.0f;
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_f32(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) total = fmaf(x_run[i], x_run[i], total);
    }
    total = lane_sum(total);
    if (lane == 0) total_of[warp] = total;
    __syncthreads();
    total = lane_sum(lane < WARPS ? total_of[lane] : 0.0f);

    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN], weight_run[RUN];
        load_f32(&x[rows * COLS + start], x_run);
        load_stored(&weight[start], weight_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = x_run[i] * rsqrtf(total / (float)COLS + RMS_NORM_EPS) * weight_run[i];
        }
        store_f32(y_run, &y[rows * COLS + start]);
    }
}
