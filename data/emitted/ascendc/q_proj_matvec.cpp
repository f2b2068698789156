// q = weight · x + bias
// weight[out, in]; x[in]; bias[out]; q[out]
// The cores take tiles of 8 rows in turn. Launch: 40 blocks; any number will do.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t OUT = 1536, IN = 1536;
constexpr int64_t TILE_ROWS = 8; // of a matrix that are taken at once
constexpr int64_t TILES = 192; // of rows

// A row of the array, through its queue. What fills it up to 32 bytes is never used.
template <typename T>
__aicore__ inline void CopyIn(TQue<TPosition::VECIN, 1> &queue, const GlobalTensor<T> &from, int64_t cols) {
    LocalTensor<T> to = queue.AllocTensor<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0}, DataCopyPadExtParams<T>{false, 0, 0, 0});
    queue.EnQue(to);
}

// Rows that lie `stride` elements apart; in the buffer they lie STRIDE apart.
template <int64_t STRIDE, typename T>
__aicore__ inline void CopyRowsIn(
    TQue<TPosition::VECIN, 1> &queue, const GlobalTensor<T> &from, int64_t rows, int64_t cols, int64_t stride) {
    LocalTensor<T> to = queue.AllocTensor<T>();
    const uint16_t count = rows;
    const uint32_t bytes = cols * sizeof(T), skipped = (stride - cols) * sizeof(T);
    const uint32_t gap = STRIDE * sizeof(T) / 32 - (bytes + 31) / 32;
    DataCopyPad(to, from, DataCopyExtParams{count, bytes, skipped, gap, 0},
        DataCopyPadExtParams<T>{false, 0, 0, 0});
    queue.EnQue(to);
}

template <typename T>
__aicore__ inline void CopyOut(const GlobalTensor<T> &to, TQue<TPosition::VECOUT, 1> &queue, int64_t cols) {
    LocalTensor<T> from = queue.DeQue<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0});
    queue.FreeTensor(from);
}

// totals[r] = the sum over c of x[r, c] * row[c]. The products take the place of x; then the right half of the
// columns is added to the left, until the 64 that one instruction adds up are left.
template <int64_t STRIDE>
__aicore__ inline void RowDots(
    const LocalTensor<float> &totals, const LocalTensor<float> &x, const LocalTensor<float> &row, int64_t rows,
    int64_t cols) {
    for (int64_t c = 0; c < cols; c += 64) {
        const uint64_t mask = cols - c < 64 ? cols - c : 64;
        Mul(x[c], x[c], row[c], mask, rows, BinaryRepeatParams{1, 1, 1, STRIDE / 8, STRIDE / 8, 0});
    }
    PipeBarrier<PIPE_V>();
    int64_t width = cols;
    while (width > 64) {
        const int64_t half = (width + 127) / 128 * 64;
        for (int64_t c = half; c < width; c += 64) {
            const uint64_t mask = width - c < 64 ? width - c : 64;
            const BinaryRepeatParams strides{1, 1, 1, STRIDE / 8, STRIDE / 8, STRIDE / 8};
            Add(x[c - half], x[c - half], x[c], mask, rows, strides);
        }
        PipeBarrier<PIPE_V>();
        width = half;
    }
    WholeReduceSum(totals, x, width, rows, 1, 1, STRIDE / 8);
}

extern "C" __global__ __aicore__ void q_proj_matvec(GM_ADDR weight, GM_ADDR x, GM_ADDR bias, GM_ADDR q) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<bfloat16_t> weightGm;
    weightGm.SetGlobalBuffer((__gm__ bfloat16_t *)weight, OUT * IN);
    GlobalTensor<float> xGm;
    xGm.SetGlobalBuffer((__gm__ float *)x, IN);
    GlobalTensor<bfloat16_t> biasGm;
    biasGm.SetGlobalBuffer((__gm__ bfloat16_t *)bias, OUT);
    GlobalTensor<float> qGm;
    qGm.SetGlobalBuffer((__gm__ float *)q, OUT);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> xQueue, weightQueue, biasQueue;
    pipe.InitBuffer(xQueue, 1, 1536 * sizeof(float));
    pipe.InitBuffer(weightQueue, 2, 8 * 1536 * sizeof(bfloat16_t));
    pipe.InitBuffer(biasQueue, 2, 16 * sizeof(bfloat16_t));
    TQue<TPosition::VECOUT, 1> qQueue;
    pipe.InitBuffer(qQueue, 2, 8 * sizeof(float));
    TBuf<TPosition::VECCALC> totalBuffer, wideBuffer, row1Buffer;
    pipe.InitBuffer(totalBuffer, 8 * sizeof(float));
    pipe.InitBuffer(wideBuffer, 8 * 1536 * sizeof(float));
    pipe.InitBuffer(row1Buffer, 8 * sizeof(float));
    LocalTensor<float> totalLocal = totalBuffer.Get<float>();
    LocalTensor<float> wideLocal = wideBuffer.Get<float>();
    LocalTensor<float> row1Local = row1Buffer.Get<float>();

    CopyIn(xQueue, xGm, IN);
    LocalTensor<float> xLocal = xQueue.DeQue<float>();
    for (int64_t tile = GetBlockIdx(); tile < TILES; tile += GetBlockNum()) {
        const int64_t out = tile * TILE_ROWS;
        CopyRowsIn<1536>(weightQueue, weightGm[out * IN], TILE_ROWS, IN, IN);
        CopyIn(biasQueue, biasGm[out], TILE_ROWS);
        LocalTensor<bfloat16_t> weightLocal = weightQueue.DeQue<bfloat16_t>();
        Cast(wideLocal, weightLocal, RoundMode::CAST_NONE, TILE_ROWS * 1536);
        weightQueue.FreeTensor(weightLocal);
        PipeBarrier<PIPE_V>();
        RowDots<1536>(totalLocal, wideLocal, xLocal, TILE_ROWS, IN);
        LocalTensor<bfloat16_t> biasLocal = biasQueue.DeQue<bfloat16_t>();
        Cast(row1Local, biasLocal, RoundMode::CAST_NONE, TILE_ROWS);
        biasQueue.FreeTensor(biasLocal);
        LocalTensor<float> qLocal = qQueue.AllocTensor<float>();
        PipeBarrier<PIPE_V>();
        Add(qLocal, totalLocal, row1Local, TILE_ROWS);
        qQueue.EnQue(qLocal);
        CopyOut(qGm[out], qQueue, TILE_ROWS);
    }
    xQueue.FreeTensor(xLocal);
}
