// y = exp(x) / the row's sum of it
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

static __device__ __forceinline__ float lane_max(float value) { // every lane gets the maximum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
    return value;
}

static __device__ __forceinline__ void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

extern "C" __global__ void __launch_bounds__(256, 1) softmax(
    const unsigned short *x,
    unsigned short *y) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int lane = thread % LANES, warp = thread / LANES;
    const int rows = block;

    __shared__ float largest_of[WARPS];
    float largest = -__uint_as_float(0x7f800000u);
    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) largest = fmaxf(largest, x_run[i]);
    }
    largest = lane_max(largest);
    if (lane == 0) largest_of[warp] = largest;
    __syncthreads();
    largest = lane_max(lane < WARPS ? largest_of[lane] : -__uint_as_float(0x7f800000u));

    __shared__ float total_of[WARPS];
    float total = 0.0f;
    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        for (int i = 0; i < RUN; i++) total += expf(x_run[i] - largest);
    }
    total = lane_sum(total);
    if (lane == 0) total_of[warp] = total;
    __syncthreads();
    total = lane_sum(lane < WARPS ? total_of[lane] : 0.0f);

    #pragma unroll 2
    for (int start = thread * RUN; start < COLS; start += THREADS * RUN) {
        float x_run[RUN];
        load_stored(&x[rows * COLS + start], x_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = expf(x_run[i] - largest) / total;
        }
        store_stored(y_run, &y[rows * COLS + start]);
    }
}
