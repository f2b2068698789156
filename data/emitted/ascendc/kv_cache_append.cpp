// The token's key and value become the cache's row at the position.
// k[kv_heads, head_dim]; v[kv_heads, head_dim]; position; keys[kv_heads, tokens, head_dim];
// values[kv_heads, tokens, head_dim]
// The cores take the rows in turn. Launch: 2 blocks; any number will do.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t KV_HEADS = 2, HEAD_DIM = 128;

// A row of the array, through its queue. What fills it up to 32 bytes is never used.
template <typename T>
__aicore__ inline void CopyIn(TQue<TPosition::VECIN, 1> &queue, const GlobalTensor<T> &from, int64_t cols) {
    LocalTensor<T> to = queue.AllocTensor<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0}, DataCopyPadExtParams<T>{false, 0, 0, 0});
    queue.EnQue(to);
}

template <typename T>
__aicore__ inline void CopyOut(const GlobalTensor<T> &to, TQue<TPosition::VECOUT, 1> &queue, int64_t cols) {
    LocalTensor<T> from = queue.DeQue<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0});
    queue.FreeTensor(from);
}

extern "C" __global__ __aicore__ void kv_cache_append(GM_ADDR k, GM_ADDR v, GM_ADDR position, GM_ADDR keys,
    GM_ADDR values, int32_t capacity) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<float> kGm;
    kGm.SetGlobalBuffer((__gm__ float *)k, KV_HEADS * HEAD_DIM);
    GlobalTensor<float> vGm;
    vGm.SetGlobalBuffer((__gm__ float *)v, KV_HEADS * HEAD_DIM);
    GlobalTensor<int32_t> positionGm;
    positionGm.SetGlobalBuffer((__gm__ int32_t *)position, 1);
    GlobalTensor<bfloat16_t> keysGm;
    keysGm.SetGlobalBuffer((__gm__ bfloat16_t *)keys, KV_HEADS * capacity * HEAD_DIM);
    GlobalTensor<bfloat16_t> valuesGm;
    valuesGm.SetGlobalBuffer((__gm__ bfloat16_t *)values, KV_HEADS * capacity * HEAD_DIM);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> kQueue, vQueue;
    pipe.InitBuffer(kQueue, 1, 128 * sizeof(float));
    pipe.InitBuffer(vQueue, 1, 128 * sizeof(float));
    TQue<TPosition::VECOUT, 1> keysQueue, valuesQueue;
    pipe.InitBuffer(keysQueue, 1, 128 * sizeof(bfloat16_t));
    pipe.InitBuffer(valuesQueue, 1, 128 * sizeof(bfloat16_t));

    DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>(positionGm);
    const int64_t positionValue = positionGm.GetValue(0);
    for (int64_t kv_heads = GetBlockIdx(); kv_heads < KV_HEADS; kv_heads += GetBlockNum()) {
        CopyIn(kQueue, kGm[kv_heads * HEAD_DIM], HEAD_DIM);
        CopyIn(vQueue, vGm[kv_heads * HEAD_DIM], HEAD_DIM);
        LocalTensor<float> kLocal = kQueue.DeQue<float>();
        LocalTensor<bfloat16_t> keysLocal = keysQueue.AllocTensor<bfloat16_t>();
        Cast(keysLocal, kLocal, RoundMode::CAST_RINT, HEAD_DIM);
        kQueue.FreeTensor(kLocal);
        LocalTensor<float> vLocal = vQueue.DeQue<float>();
        LocalTensor<bfloat16_t> valuesLocal = valuesQueue.AllocTensor<bfloat16_t>();
        Cast(valuesLocal, vLocal, RoundMode::CAST_RINT, HEAD_DIM);
        vQueue.FreeTensor(vLocal);
        keysQueue.EnQue(keysLocal);
        CopyOut(keysGm[(kv_heads * capacity + positionValue) * HEAD_DIM], keysQueue, HEAD_DIM);
        valuesQueue.EnQue(valuesLocal);
        CopyOut(valuesGm[(kv_heads * capacity + positionValue) * HEAD_DIM], valuesQueue, HEAD_DIM);
    }
}
