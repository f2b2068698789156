// token = the first index of the largest logit
// logits[vocab]; token
// Launch: 1 block, as there is no more to do at once.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t VOCAB = 151936;
constexpr int64_t LANES = 4096; // that each keep the best they have met
constexpr int64_t WHOLE = 151552; // elements: all lanes have as many of them

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

// out[c] = x[c] max number[0]: the number fills 32 bytes, which all of a row's read.
__aicore__ inline void MaxNumber(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &number,
    const LocalTensor<float> &spread, int64_t cols) {
    Brcb(spread, number, 1, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    const int64_t whole = cols / 64, rest = cols % 64;
    if (whole > 0) {
        Max(out, x, spread, 64, whole, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
    if (rest > 0) {
        Max(out[whole * 64], x[whole * 64], spread, rest, 1, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
}

extern "C" __global__ __aicore__ void argmax_greedy(GM_ADDR logits, GM_ADDR token) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<float> logitsGm;
    logitsGm.SetGlobalBuffer((__gm__ float *)logits, VOCAB);
    GlobalTensor<int32_t> tokenGm;
    tokenGm.SetGlobalBuffer((__gm__ int32_t *)token, 1);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> logitsQueue, logits2Queue;
    pipe.InitBuffer(logitsQueue, 2, 4096 * sizeof(float));
    pipe.InitBuffer(logits2Queue, 1, 4096 * sizeof(float));
    TQue<TPosition::VECOUT, 1> tokenQueue;
    pipe.InitBuffer(tokenQueue, 1, 8 * sizeof(int32_t));
    TBuf<TPosition::VECCALC> laneBuffer, bestBuffer, indexBuffer, placeBuffer, betterBuffer, number1Buffer,
        number2Buffer, reducedBuffer, spreadBuffer;
    pipe.InitBuffer(laneBuffer, 4096 * sizeof(float));
    pipe.InitBuffer(bestBuffer, 4096 * sizeof(float));
    pipe.InitBuffer(indexBuffer, 4096 * sizeof(float));
    pipe.InitBuffer(placeBuffer, 4096 * sizeof(float));
    pipe.InitBuffer(betterBuffer, 4096 / 8);
    pipe.InitBuffer(number1Buffer, 8 * sizeof(float));
    pipe.InitBuffer(number2Buffer, 8 * sizeof(float));
    pipe.InitBuffer(reducedBuffer, 128 * sizeof(float));
    pipe.InitBuffer(spreadBuffer, 8 * 8 * sizeof(float));
    LocalTensor<float> laneLocal = laneBuffer.Get<float>();
    LocalTensor<float> bestLocal = bestBuffer.Get<float>();
    LocalTensor<float> indexLocal = indexBuffer.Get<float>();
    LocalTensor<float> placeLocal = placeBuffer.Get<float>();
    LocalTensor<uint8_t> betterLocal = betterBuffer.Get<uint8_t>();
    LocalTensor<float> number1Local = number1Buffer.Get<float>();
    LocalTensor<float> number2Local = number2Buffer.Get<float>();
    LocalTensor<float> reducedLocal = reducedBuffer.Get<float>();
    LocalTensor<float> spreadLocal = spreadBuffer.Get<float>();

    CreateVecIndex(laneLocal, 0.0f, LANES);
    for (int64_t program = GetBlockIdx(); program < 1; program += GetBlockNum()) {
        CopyIn(logits2Queue, logitsGm[VOCAB - LANES], LANES);
        // minus infinity
        Duplicate(bestLocal.ReinterpretCast<uint32_t>(), 0xff800000u, LANES);
        Duplicate(indexLocal, 0.0f, LANES);
        PipeBarrier<PIPE_V>();
        Muls(placeLocal, laneLocal, 1.0f, LANES);
        for (int64_t start = 0; start < WHOLE; start += LANES) {
            CopyIn(logitsQueue, logitsGm[start], LANES);
            LocalTensor<float> logitsLocal = logitsQueue.DeQue<float>();
            Compare(betterLocal, logitsLocal, bestLocal, CMPMODE::GT, (LANES + 63) / 64 * 64);
            PipeBarrier<PIPE_V>();
            Select(bestLocal, betterLocal, logitsLocal, bestLocal, SELMODE::VSEL_TENSOR_TENSOR_MODE, LANES);
            logitsQueue.FreeTensor(logitsLocal);
            Select(indexLocal, betterLocal, placeLocal, indexLocal, SELMODE::VSEL_TENSOR_TENSOR_MODE, LANES);
            PipeBarrier<PIPE_V>();
            Adds(placeLocal, placeLocal, 4096.0f, LANES);
        }
        PipeBarrier<PIPE_V>();
        Adds(placeLocal, placeLocal, -3712.0f, LANES);
        LocalTensor<float> logits2Local = logits2Queue.DeQue<float>();
        Compare(betterLocal, logits2Local, bestLocal, CMPMODE::GT, (LANES + 63) / 64 * 64);
        PipeBarrier<PIPE_V>();
        Select(bestLocal, betterLocal, logits2Local, bestLocal, SELMODE::VSEL_TENSOR_TENSOR_MODE, LANES);
        logits2Queue.FreeTensor(logits2Local);
        Select(indexLocal, betterLocal, placeLocal, indexLocal, SELMODE::VSEL_TENSOR_TENSOR_MODE, LANES);
        PipeBarrier<PIPE_V>();
        ReduceMax(number1Local, bestLocal, reducedLocal, LANES);
        PipeBarrier<PIPE_V>();
        MaxNumber(placeLocal, bestLocal, number1Local, spreadLocal, LANES);
        PipeBarrier<PIPE_V>();
        Compare(betterLocal, bestLocal, placeLocal, CMPMODE::EQ, (LANES + 63) / 64 * 64);
        PipeBarrier<PIPE_V>();
        Duplicate(placeLocal, 16777216.0f, LANES);
        PipeBarrier<PIPE_V>();
        Select(indexLocal, betterLocal, indexLocal, placeLocal, SELMODE::VSEL_TENSOR_TENSOR_MODE, LANES);
        PipeBarrier<PIPE_V>();
        ReduceMin(number2Local, indexLocal, reducedLocal, LANES);
        LocalTensor<int32_t> tokenLocal = tokenQueue.AllocTensor<int32_t>();
        PipeBarrier<PIPE_V>();
        Cast(tokenLocal, number2Local, RoundMode::CAST_RINT, 1);
        tokenQueue.EnQue(tokenLocal);
        CopyOut(tokenGm, tokenQueue, 1);
    }
}
