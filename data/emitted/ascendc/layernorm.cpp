// y = (x − mean) / sqrt(variance + eps), without weight and bias
// x[rows, cols]; y[rows, cols]
// The cores take the rows in turn. Launch: 40 blocks; any number will do.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t ROWS = 4096, COLS = 4096;

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

// out[c] = x[c] - number[0]: the number fills 32 bytes, which all of a row's read.
__aicore__ inline void SubNumber(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &number,
    const LocalTensor<float> &spread, int64_t cols) {
    Brcb(spread, number, 1, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    const int64_t whole = cols / 64, rest = cols % 64;
    if (whole > 0) {
        Sub(out, x, spread, 64, whole, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
    if (rest > 0) {
        Sub(out[whole * 64], x[whole * 64], spread, rest, 1, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
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

extern "C" __global__ __aicore__ void layernorm(GM_ADDR x, GM_ADDR y) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<bfloat16_t> xGm;
    xGm.SetGlobalBuffer((__gm__ bfloat16_t *)x, ROWS * COLS);
    GlobalTensor<bfloat16_t> yGm;
    yGm.SetGlobalBuffer((__gm__ bfloat16_t *)y, ROWS * COLS);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> xQueue;
    pipe.InitBuffer(xQueue, 2, 4096 * sizeof(bfloat16_t));
    TQue<TPosition::VECOUT, 1> yQueue;
    pipe.InitBuffer(yQueue, 2, 4096 * sizeof(bfloat16_t));
    TBuf<TPosition::VECCALC> row1Buffer, number1Buffer, reducedBuffer, spreadBuffer, row2Buffer,
        number2Buffer;
    pipe.InitBuffer(row1Buffer, 4096 * sizeof(float));
    pipe.InitBuffer(number1Buffer, 8 * sizeof(float));
    pipe.InitBuffer(reducedBuffer, 128 * sizeof(float));
    pipe.InitBuffer(spreadBuffer, 8 * 8 * sizeof(float));
    pipe.InitBuffer(row2Buffer, 4096 * sizeof(float));
    pipe.InitBuffer(number2Buffer, 8 * sizeof(float));
    LocalTensor<float> row1Local = row1Buffer.Get<float>();
    LocalTensor<float> number1Local = number1Buffer.Get<float>();
    LocalTensor<float> reducedLocal = reducedBuffer.Get<float>();
    LocalTensor<float> spreadLocal = spreadBuffer.Get<float>();
    LocalTensor<float> row2Local = row2Buffer.Get<float>();
    LocalTensor<float> number2Local = number2Buffer.Get<float>();

    for (int64_t rows = GetBlockIdx(); rows < ROWS; rows += GetBlockNum()) {
        CopyIn(xQueue, xGm[rows * COLS], COLS);
        LocalTensor<bfloat16_t> xLocal = xQueue.DeQue<bfloat16_t>();
        PipeBarrier<PIPE_V>();
        Cast(row1Local, xLocal, RoundMode::CAST_NONE, COLS);
        xQueue.FreeTensor(xLocal);
        PipeBarrier<PIPE_V>();
        ReduceSum(number1Local, row1Local, reducedLocal, COLS);
        PipeBarrier<PIPE_V>();
        Muls(number1Local, number1Local, 0.000244140625f, 1);
        PipeBarrier<PIPE_V>();
        SubNumber(row1Local, row1Local, number1Local, spreadLocal, COLS);
        PipeBarrier<PIPE_V>();
        Mul(row2Local, row1Local, row1Local, COLS);
        PipeBarrier<PIPE_V>();
        ReduceSum(number1Local, row2Local, reducedLocal, COLS);
        PipeBarrier<PIPE_V>();
        Muls(number1Local, number1Local, 0.000244140625f, 1);
        PipeBarrier<PIPE_V>();
        Adds(number1Local, number1Local, 1e-05f, 1);
        PipeBarrier<PIPE_V>();
        Sqrt(number1Local, number1Local, 1);
        Duplicate(number2Local, 1.0f, 1);
        PipeBarrier<PIPE_V>();
        Div(number2Local, number2Local, number1Local, 1);
        PipeBarrier<PIPE_V>();
        MulNumber(row1Local, row1Local, number2Local, spreadLocal, COLS);
        LocalTensor<bfloat16_t> yLocal = yQueue.AllocTensor<bfloat16_t>();
        PipeBarrier<PIPE_V>();
        Cast(yLocal, row1Local, RoundMode::CAST_RINT, COLS);
        yQueue.EnQue(yLocal);
        CopyOut(yGm[rows * COLS], yQueue, COLS);
    }
}
