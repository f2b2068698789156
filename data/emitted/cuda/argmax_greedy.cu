// token = the first index of the largest logit
// logits[vocab]; token
// One block. Launch: 1 block of 1024 threads.

enum { VOCAB = 151936 };
enum { RUN = 4 }; // elements that lie together: what a lane takes at once
enum { LANES = 32 }; // of a warp
enum { WARPS = 32 }; // of a block
enum { THREADS = 1024 }; // of a block

static __device__ __forceinline__ void load_f32(const float *from, float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}

static __device__ __forceinline__ void take_better(float value, int place, float &best_value, int &best) {
    if (value > best_value || (value == best_value && place < best)) {
        best_value = value;
        best = place;
    }
}

static __device__ __forceinline__ void lane_best(float &value, int &place) { // every lane gets the first largest
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
        const float other_value = __shfl_xor_sync(0xffffffffu, value, distance);
        const int other_place = __shfl_xor_sync(0xffffffffu, place, distance);
        take_better(other_value, other_place, value, place);
    }
}

static __device__ __forceinline__ void wait_for_launches_before() { // all have ended; then the next may come, and wait in its turn
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait; griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

extern "C" __global__ void __launch_bounds__(1024, 1) argmax_greedy(
    const float *logits,
    int *token) {
    const int thread = threadIdx.x;
    wait_for_launches_before();
    const int lane = thread % LANES, warp = thread / LANES;

    __shared__ float best_value_of[WARPS];
    __shared__ int best_of[WARPS];
    float best_value = -__uint_as_float(0x7f800000u);
    int best = VOCAB - 1;
    #pragma unroll 4
    for (int start = thread * RUN; start < VOCAB; start += THREADS * RUN) {
        float logits_run[RUN];
        load_f32(&logits[start], logits_run);
        for (int i = 0; i < RUN; i++) take_better(logits_run[i], start + i, best_value, best);
    }
    lane_best(best_value, best);
    if (lane == 0) {
        best_value_of[warp] = best_value;
        best_of[warp] = best;
    }
    __syncthreads();
    best_value = lane < WARPS ? best_value_of[lane] : -__uint_as_float(0x7f800000u);
    best = lane < WARPS ? best_of[lane] : VOCAB - 1;
    lane_best(best_value, best);

    if (thread == 0) {
        token[0] = best;
    }
}
