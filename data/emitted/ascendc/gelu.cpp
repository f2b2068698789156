// y = x · sigmoid(2u) with u = sqrt(2/π) (x + 0.044715 x³), which is the tanh form of GELU
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

extern "C" __global__ __aicore__ void gelu(GM_ADDR x, GM_ADDR y) {
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
    TBuf<TPosition::VECCALC> row1Buffer, row2Buffer;
    pipe.InitBuffer(row1Buffer, 4096 * sizeof(float));
    pipe.InitBuffer(row2Buffer, 4096 * sizeof(float));
    LocalTensor<float> row1Local = row1Buffer.Get<float>();
    LocalTensor<float> row2Local = row2Buffer.Get<float>();

    for (int64_t rows = GetBlockIdx(); rows < ROWS; rows += GetBlockNum()) {
        CopyIn(xQueue, xGm[rows * COLS], COLS);
        LocalTensor<bfloat16_t> xLocal = xQueue.DeQue<bfloat16_t>();
        Cast(row1Local, xLocal, RoundMode::CAST_NONE, COLS);
        xQueue.FreeTensor(xLocal);
        PipeBarrier<PIPE_V>();
        Mul(row2Local, row1Local, row1Local, COLS);
        PipeBarrier<PIPE_V>();
        Mul(row2Local, row2Local, row1Local, COLS);
        PipeBarrier<PIPE_V>();
        Muls(row2Local, row2Local, 0.044715f, COLS);
        PipeBarrier<PIPE_V>();
        Add(row2Local, row1Local, row2Local, COLS);
        PipeBarrier<PIPE_V>();
        Muls(row2Local, row2Local, 0.7978845608028654f, COLS);
        PipeBarrier<PIPE_V>();
        Muls(row2Local, row2Local, -2.0f, COLS);
        PipeBarrier<PIPE_V>();
        Exp(row2Local, row2Local, COLS);
        PipeBarrier<PIPE_V>();
        Adds(row2Local, row2Local, 1.0f, COLS);
        PipeBarrier<PIPE_V>();
        Div(row2Local, row1Local, row2Local, COLS);
        LocalTensor<bfloat16_t> yLocal = yQueue.AllocTensor<bfloat16_t>();
        PipeBarrier<PIPE_V>();
        Cast(yLocal, row2Local, RoundMode::CAST_RINT, COLS);
        yQueue.EnQue(yLocal);
        CopyOut(yGm[rows * COLS], yQueue, COLS);
    }
}
