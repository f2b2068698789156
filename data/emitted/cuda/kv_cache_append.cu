// The token's key and value become the cache's row at the position.
// k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim]
// A thread for each run of the elements written. Launch: 1 block of 32 threads.

enum { KV_HEADS = 2, HEAD_DIM = 128 };
enum { RUN = 8 }; // elements that lie together: what a lane takes at once
enum { THREADS = 32 }; // of a block

static __device__ __forceinline__ unsigned short narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = __float_as_uint(wide);
    const unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (unsigned short)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
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

extern "C" __global__ void __launch_bounds__(32, 1) kv_cache_append(
    const float *k,
    const float *v,
    const int *position,
    unsigned short *keys,
    unsigned short *values,
    int capacity) {
    const int thread = threadIdx.x;
    const int block = blockIdx.x;
    wait_for_launches_before();
    const long long point = ((long long)block * THREADS + thread) * RUN;

    if (point < KV_HEADS * HEAD_DIM) {
        const long long head_dim = point % HEAD_DIM;
        const long long kv_heads = point / HEAD_DIM;
        float k_run[RUN], v_run[RUN];
        load_f32(&k[kv_heads * HEAD_DIM + head_dim], k_run);
        load_f32(&v[kv_heads * HEAD_DIM + head_dim], v_run);
        float keys_run[RUN], values_run[RUN];
        for (int i = 0; i < RUN; i++) {
            keys_run[i] = k_run[i];
            values_run[i] = v_run[i];
        }
        store_stored(keys_run, &keys[(kv_heads * capacity + (long long)position[0]) * HEAD_DIM + head_dim]);
        store_stored(values_run, &values[(kv_heads * capacity + (long long)position[0]) * HEAD_DIM + head_dim]);
    }
}
