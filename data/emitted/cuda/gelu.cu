// y = x · sigmoid(2u) with u = sqrt(2/π) (x + 0.044715 x³), which is the tanh form of GELU
// x[rows, cols]; y[rows, cols]
// A thread for each run of the elements written. Launch: 8192 blocks of 256 threads.

enum { ROWS = 4096, COLS = 4096 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
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

static __device__ __forceinline__ void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

extern "C" __global__ void __launch_bounds__(256, 1) gelu(
    const unsigned short *x,
    unsigned short *y) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int point = (block * THREADS + thread) * RUN;

    if (point < ROWS * COLS) {
        const int cols = point % COLS;
        const int rows = point / COLS;
        float x_run[RUN];
        load_stored(&x[rows * COLS + cols], x_run);
        float y_run[RUN];
        for (int i = 0; i < RUN; i++) {
            y_run[i] = x_run[i] / (1.0f + expf(-2.0f * (0.7978845608028654f * (x_run[i] + 0.044715f * (x_run[i] * x_run[i] * x_run[i])))));
        }
        store_stored(y_run, &y[rows * COLS + cols]);
    }
}
