// x = the row of the table that the token id chooses.
// token; table[vocab, hidden]; x[hidden]
// Launch: 1 block, as there is no more to do at once.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t VOCAB = 151936, HIDDEN = 1536;

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

extern "C" __global__ __aicore__ void embedding_lookup(GM_ADDR token, GM_ADDR table, GM_ADDR x) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<int32_t> tokenGm;
    tokenGm.SetGlobalBuffer((__gm__ int32_t *)token, 1);
    GlobalTensor<bfloat16_t> tableGm;
    tableGm.SetGlobalBuffer((__gm__ bfloat16_t *)table, VOCAB * HIDDEN);
    GlobalTensor<float> xGm;
    xGm.SetGlobalBuffer((__gm__ float *)x, HIDDEN);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> tableQueue;
    pipe.InitBuffer(tableQueue, 1, 1536 * sizeof(bfloat16_t));
    TQue<TPosition::VECOUT, 1> xQueue;
    pipe.InitBuffer(xQueue, 1, 1536 * sizeof(float));

    DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>(tokenGm);
    const int64_t tokenValue = tokenGm.GetValue(0);
    for (int64_t program = GetBlockIdx(); program < 1; program += GetBlockNum()) {
        CopyIn(tableQueue, tableGm[tokenValue * HIDDEN], HIDDEN);
        LocalTensor<bfloat16_t> tableLocal = tableQueue.DeQue<bfloat16_t>();
        LocalTensor<float> xLocal = xQueue.AllocTensor<float>();
        Cast(xLocal, tableLocal, RoundMode::CAST_NONE, HIDDEN);
        tableQueue.FreeTensor(tableLocal);
        xQueue.EnQue(xLocal);
        CopyOut(xGm, xQueue, HIDDEN);
    }
}
