// sum = x + residual; y = sum / sqrt(mean(sum²) + eps) · weight
// x[rows, cols]; residual[rows, cols]; weight[cols]; sum[rows, cols]; y[rows, cols]
// Launch: 1 block, as there is no more to do at once.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t ROWS = 1, COLS = 1536;

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

// out[c] = x[c] * number[0]: the number fills 32 bytes, which all of a row's read.
__aicore__ inline void MulNumber(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &number,
    const LocalTensor<float> &spread, int64_t cols) {
    Brcb(spread, number, 1, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    const int64_t whole = cols / 64, rest = cols % 64;
    if (whole > 0) {
        Mul(out, x, spread, 64, whole, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
    if (rest > 0) {
        Mul(out[whole * 64], x[whole * 64], spread, rest, 1, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
}

extern "C" __global__ __aicore__ void residual_add_rms_norm(GM_ADDR x, GM_ADDR residual, GM_ADDR weight,
    GM_ADDR sum, GM_ADDR y) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<float> xGm;
    xGm.SetGlobalBuffer((__gm__ float *)x, ROWS * COLS);
    GlobalTensor<float> residualGm;
    residualGm.SetGlobalBuffer((__gm__ float *)residual, ROWS * COLS);
    GlobalTensor<bfloat16_t> weightGm;
    weightGm.SetGlobalBuffer((__gm__ bfloat16_t *)weight, COLS);
    GlobalTensor<float> sumGm;
    sumGm.SetGlobalBuffer((__gm__ float *)sum, ROWS * COLS);
    GlobalTensor<float> yGm;
    yGm.SetGlobalBuffer((__gm__ float *)y, ROWS * COLS);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> xQueue, residualQueue, weightQueue;
    pipe.InitBuffer(xQueue, 1, 1536 * sizeof(float));
    pipe.InitBuffer(residualQueue, 1, 1536 * sizeof(float));
    pipe.InitBuffer(weightQueue, 1, 1536 * sizeof(bfloat16_t));
    TQue<TPosition::VECOUT, 1> sumQueue, yQueue;
    pipe.InitBuffer(sumQueue, 1, 1536 * sizeof(float));
    pipe.InitBuffer(yQueue, 1, 1536 * sizeof(float));
    TBuf<TPosition::VECCALC> row1Buffer, number1Buffer, reducedBuffer, number2Buffer, spreadBuffer,
        row2Buffer;
    pipe.InitBuffer(row1Buffer, 1536 * sizeof(float));
    pipe.InitBuffer(number1Buffer, 8 * sizeof(float));
    pipe.InitBuffer(reducedBuffer, 48 * sizeof(float));
    pipe.InitBuffer(number2Buffer, 8 * sizeof(float));
    pipe.InitBuffer(spreadBuffer, 8 * 8 * sizeof(float));
    pipe.InitBuffer(row2Buffer, 1536 * sizeof(float));
    LocalTensor<float> row1Local = row1Buffer.Get<float>();
    LocalTensor<float> number1Local = number1Buffer.Get<float>();
    LocalTensor<float> reducedLocal = reducedBuffer.Get<float>();
    LocalTensor<float> number2Local = number2Buffer.Get<float>();
    LocalTensor<float> spreadLocal = spreadBuffer.Get<float>();
    LocalTensor<float> row2Local = row2Buffer.Get<float>();

    for (int64_t rows = GetBlockIdx(); rows < ROWS; rows += GetBlockNum()) {
        CopyIn(xQueue, xGm[rows * COLS], COLS);
        CopyIn(residualQueue, residualGm[rows * COLS], COLS);
        CopyIn(weightQueue, weightGm, COLS);
        LocalTensor<float> xLocal = xQueue.DeQue<float>();
        LocalTensor<float> residualLocal = residualQueue.DeQue<float>();
        LocalTensor<float> sumLocal = sumQueue.AllocTensor<float>();
        Add(sumLocal, xLocal, residualLocal, COLS);
        xQueue.FreeTensor(xLocal);
        residualQueue.FreeTensor(residualLocal);
        PipeBarrier<PIPE_V>();
        Mul(row1Local, sumLocal, sumLocal, COLS);
        PipeBarrier<PIPE_V>();
        ReduceSum(number1Local, row1Local, reducedLocal, COLS);
        PipeBarrier<PIPE_V>();
        Muls(number1Local, number1Local, 0.0006510416666666666f, 1);
        PipeBarrier<PIPE_V>();
        Adds(number1Local, number1Local, 1e-06f, 1);
        PipeBarrier<PIPE_V>();
        Sqrt(number1Local, number1Local, 1);
        Duplicate(number2Local, 1.0f, 1);
        PipeBarrier<PIPE_V>();
        Div(number2Local, number2Local, number1Local, 1);
        PipeBarrier<PIPE_V>();
        MulNumber(row1Local, sumLocal, number2Local, spreadLocal, COLS);
        LocalTensor<bfloat16_t> weightLocal = weightQueue.DeQue<bfloat16_t>();
        Cast(row2Local, weightLocal, RoundMode::CAST_NONE, COLS);
        weightQueue.FreeTensor(weightLocal);
        LocalTensor<float> yLocal = yQueue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Mul(yLocal, row1Local, row2Local, COLS);
        sumQueue.EnQue(sumLocal);
        CopyOut(sumGm[rows * COLS], sumQueue, COLS);
        yQueue.EnQue(yLocal);
        CopyOut(yGm[rows * COLS], yQueue, COLS);
    }
}
