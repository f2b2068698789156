// Each head's first half rotated against its second half, by the angles of the position.
// q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens, pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]
// A thread for each run of the elements written. Launch: 1 block of 192 threads.

enum { Q_HEADS = 12, KV_HEADS = 2, HALF = 2, PAIR = 64 };
enum { RUN = 4 }; // elements that lie together: what a lane takes at once
enum { THREADS = 192 }; // of a block

static __device__ __forceinline__ void load_f32(const float *from, float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
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

extern "C" __global__ void __launch_bounds__(192, 1) rope_qk(
    const float *q,
    const float *k,
    const int *position,
    const float *cosines,
    const float *sines,
    float *q_rotated,
    float *k_rotated,
    int capacity) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const long long point = ((long long)block * THREADS + thread) * RUN;

    if (point < Q_HEADS * PAIR) {
        const long long pair = point % PAIR;
        const long long q_heads = point / PAIR;
        float q_run_1[RUN], cosines_run[RUN], q_run_2[RUN], sines_run[RUN];
        load_f32(&q[(q_heads * HALF + 0) * PAIR + pair], q_run_1);
        load_f32(&cosines[(long long)position[0] * PAIR + pair], cosines_run);
        load_f32(&q[(q_heads * HALF + 1) * PAIR + pair], q_run_2);
        load_f32(&sines[(long long)position[0] * PAIR + pair], sines_run);
        float q_rotated_run_1[RUN], q_rotated_run_2[RUN];
        for (int i = 0; i < RUN; i++) {
            q_rotated_run_1[i] = q_run_1[i] * cosines_run[i] - q_run_2[i] * sines_run[i];
            q_rotated_run_2[i] = q_run_2[i] * cosines_run[i] + q_run_1[i] * sines_run[i];
        }
        store_f32(q_rotated_run_1, &q_rotated[(q_heads * HALF + 0) * PAIR + pair]);
        store_f32(q_rotated_run_2, &q_rotated[(q_heads * HALF + 1) * PAIR + pair]);
    }

    if (point < KV_HEADS * PAIR) {
        const long long pair = point % PAIR;
        const long long kv_heads = point / PAIR;
        float k_run_1[RUN], cosines_run[RUN], k_run_2[RUN], sines_run[RUN];
        load_f32(&k[(kv_heads * HALF + 0) * PAIR + pair], k_run_1);
        load_f32(&cosines[(long long)position[0] * PAIR + pair], cosines_run);
        load_f32(&k[(kv_heads * HALF + 1) * PAIR + pair], k_run_2);
        load_f32(&sines[(long long)position[0] * PAIR + pair], sines_run);
        float k_rotated_run_1[RUN], k_rotated_run_2[RUN];
        for (int i = 0; i < RUN; i++) {
            k_rotated_run_1[i] = k_run_1[i] * cosines_run[i] - k_run_2[i] * sines_run[i];
            k_rotated_run_2[i] = k_run_2[i] * cosines_run[i] + k_run_1[i] * sines_run[i];
        }
        store_f32(k_rotated_run_1, &k_rotated[(kv_heads * HALF + 0) * PAIR + pair]);
        store_f32(k_rotated_run_2, &k_rotated[(kv_heads * HALF + 1) * PAIR + pair]);
    }
}
