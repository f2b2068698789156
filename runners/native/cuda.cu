// What a CUDA device needs beside the emitted kernels: a step's end, and a reading of its memory.

enum { THREADS = 512 }; // of a block that reads

// The token goes to the host's pinned memory, and the position on. Like every kernel of a step, it may be launched
// before its turn, and waits.
extern "C" __global__ void __launch_bounds__(1) end_of_step(const int *token, int *position, int *host_token) {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
    host_token[0] = token[0];
    position[0] = position[0] + 1;
}

// Each thread reads so many times 16 bytes, a block one contiguous stretch, and leaves a sum, so that all is read.
extern "C" __global__ void __launch_bounds__(THREADS, 1) read_memory(const uint4 *memory, unsigned *sums, int times) {
    const int thread = threadIdx.x;
    const long long block = blockIdx.x;
    unsigned sum = 0;
    #pragma unroll 8
    for (int time = 0; time < times; time++) {
        const uint4 words = memory[(block * times + time) * THREADS + thread];
        sum ^= words.x ^ words.y ^ words.z ^ words.w;
    }
    sums[block * THREADS + thread] = sum;
}
