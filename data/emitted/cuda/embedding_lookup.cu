// x = the row of the table that the token id chooses.
// token; table[vocab, hidden]; x[hidden]
// A thread for each run of the elements written. Launch: 1 block of 192 threads.

enum { VOCAB = 151936, HIDDEN = 1536 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { THREADS = 192 }; // of a block

static __device__ __forceinline__ float widen(unsigned short narrow) { // bf16 is the upper half of f32
    return __uint_as_float((unsigned)narrow << 16);
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

static __device__ __forceinline__ void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

extern "C" __global__ void __launch_bounds__(192, 1) embedding_lookup(
    const int *token,
    const unsigned short *table,
    float *x) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const int point = (block * THREADS + thread) * RUN;

    if (point < HIDDEN) {
        const int hidden = point;
        float table_run[RUN];
        load_stored(&table[(long long)token[0] * HIDDEN + hidden], table_run);
        float x_run[RUN];
        for (int i = 0; i < RUN; i++) {
            x_run[i] = table_run[i];
        }
        store_f32(x_run, &x[hidden]);
    }
}
