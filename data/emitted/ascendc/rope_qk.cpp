// Each head's first half rotated against its second half, by the angles of the position.
// q[q_heads, half, pair]; k[kv_heads, half, pair]; position; cosines[tokens, pair]; sines[tokens,
// pair]; q_rotated[q_heads, half, pair]; k_rotated[kv_heads, half, pair]
// The cores take the rows in turn. Launch: 12 blocks; any number will do.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t Q_HEADS = 12, KV_HEADS = 2, HALF = 2, PAIR = 64;

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

extern "C" __global__ __aicore__ void rope_qk(GM_ADDR q, GM_ADDR k, GM_ADDR position, GM_ADDR cosines,
    GM_ADDR sines, GM_ADDR q_rotated, GM_ADDR k_rotated, int32_t capacity) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<float> qGm;
    qGm.SetGlobalBuffer((__gm__ float *)q, Q_HEADS * HALF * PAIR);
    GlobalTensor<float> kGm;
    kGm.SetGlobalBuffer((__gm__ float *)k, KV_HEADS * HALF * PAIR);
    GlobalTensor<int32_t> positionGm;
    positionGm.SetGlobalBuffer((__gm__ int32_t *)position, 1);
    GlobalTensor<float> cosinesGm;
    cosinesGm.SetGlobalBuffer((__gm__ float *)cosines, capacity * PAIR);
    GlobalTensor<float> sinesGm;
    sinesGm.SetGlobalBuffer((__gm__ float *)sines, capacity * PAIR);
    GlobalTensor<float> qRotatedGm;
    qRotatedGm.SetGlobalBuffer((__gm__ float *)q_rotated, Q_HEADS * HALF * PAIR);
    GlobalTensor<float> kRotatedGm;
    kRotatedGm.SetGlobalBuffer((__gm__ float *)k_rotated, KV_HEADS * HALF * PAIR);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> cosinesQueue, sinesQueue, qQueue, q2Queue, kQueue, k2Queue;
    pipe.InitBuffer(cosinesQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(sinesQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(qQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(q2Queue, 1, 64 * sizeof(float));
    pipe.InitBuffer(kQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(k2Queue, 1, 64 * sizeof(float));
    TQue<TPosition::VECOUT, 1> qRotatedQueue, qRotated2Queue, kRotatedQueue, kRotated2Queue;
    pipe.InitBuffer(qRotatedQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(qRotated2Queue, 1, 64 * sizeof(float));
    pipe.InitBuffer(kRotatedQueue, 1, 64 * sizeof(float));
    pipe.InitBuffer(kRotated2Queue, 1, 64 * sizeof(float));
    TBuf<TPosition::VECCALC> row1Buffer, row2Buffer;
    pipe.InitBuffer(row1Buffer, 64 * sizeof(float));
    pipe.InitBuffer(row2Buffer, 64 * sizeof(float));
    LocalTensor<float> row1Local = row1Buffer.Get<float>();
    LocalTensor<float> row2Local = row2Buffer.Get<float>();

    DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>(positionGm);
    const int64_t positionValue = positionGm.GetValue(0);
    CopyIn(cosinesQueue, cosinesGm[positionValue * PAIR], PAIR);
    CopyIn(sinesQueue, sinesGm[positionValue * PAIR], PAIR);
    LocalTensor<float> cosinesLocal = cosinesQueue.DeQue<float>();
    LocalTensor<float> sinesLocal = sinesQueue.DeQue<float>();
    for (int64_t q_heads = GetBlockIdx(); q_heads < Q_HEADS; q_heads += GetBlockNum()) {
        CopyIn(qQueue, qGm[q_heads * HALF * PAIR], PAIR);
        CopyIn(q2Queue, qGm[(q_heads * HALF + 1) * PAIR], PAIR);
        LocalTensor<float> qLocal = qQueue.DeQue<float>();
        PipeBarrier<PIPE_V>();
        Mul(row1Local, qLocal, cosinesLocal, PAIR);
        LocalTensor<float> q2Local = q2Queue.DeQue<float>();
        Mul(row2Local, q2Local, sinesLocal, PAIR);
        LocalTensor<float> qRotatedLocal = qRotatedQueue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Sub(qRotatedLocal, row1Local, row2Local, PAIR);
        PipeBarrier<PIPE_V>();
        Mul(row2Local, q2Local, cosinesLocal, PAIR);
        q2Queue.FreeTensor(q2Local);
        Mul(row1Local, qLocal, sinesLocal, PAIR);
        qQueue.FreeTensor(qLocal);
        LocalTensor<float> qRotated2Local = qRotated2Queue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Add(qRotated2Local, row2Local, row1Local, PAIR);
        qRotatedQueue.EnQue(qRotatedLocal);
        CopyOut(qRotatedGm[q_heads * HALF * PAIR], qRotatedQueue, PAIR);
        qRotated2Queue.EnQue(qRotated2Local);
        CopyOut(qRotatedGm[(q_heads * HALF + 1) * PAIR], qRotated2Queue, PAIR);
    }
    for (int64_t kv_heads = GetBlockIdx(); kv_heads < KV_HEADS; kv_heads += GetBlockNum()) {
        CopyIn(kQueue, kGm[kv_heads * HALF * PAIR], PAIR);
        CopyIn(k2Queue, kGm[(kv_heads * HALF + 1) * PAIR], PAIR);
        LocalTensor<float> kLocal = kQueue.DeQue<float>();
        PipeBarrier<PIPE_V>();
        Mul(row1Local, kLocal, cosinesLocal, PAIR);
        LocalTensor<float> k2Local = k2Queue.DeQue<float>();
        Mul(row2Local, k2Local, sinesLocal, PAIR);
        LocalTensor<float> kRotatedLocal = kRotatedQueue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Sub(kRotatedLocal, row1Local, row2Local, PAIR);
        PipeBarrier<PIPE_V>();
        Mul(row2Local, k2Local, cosinesLocal, PAIR);
        k2Queue.FreeTensor(k2Local);
        Mul(row1Local, kLocal, sinesLocal, PAIR);
        kQueue.FreeTensor(kLocal);
        LocalTensor<float> kRotated2Local = kRotated2Queue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Add(kRotated2Local, row2Local, row1Local, PAIR);
        kRotatedQueue.EnQue(kRotatedLocal);
        CopyOut(kRotatedGm[kv_heads * HALF * PAIR], kRotatedQueue, PAIR);
        kRotated2Queue.EnQue(kRotated2Local);
        CopyOut(kRotatedGm[(kv_heads * HALF + 1) * PAIR], kRotated2Queue, PAIR);
    }
    cosinesQueue.FreeTensor(cosinesLocal);
    sinesQueue.FreeTensor(sinesLocal);
}
