// y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head.
// q[kv_heads, group, head_dim]; keys[kv_heads, tokens, head_dim]; values[kv_heads, tokens, head_dim];
// position; y[kv_heads, group, head_dim]
// The cores take the programs in turn, each with all its tokens. Launch: 12 blocks; any number will
// do.

#include "kernel_operator.h"

using namespace AscendC;

constexpr int64_t KV_HEADS = 2, GROUP = 6, HEAD_DIM = 128;
constexpr int64_t TOKENS = 64; // of a block

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

// totals[c] = the sum over r of x[r, c]: the lower half of the rows is added to the upper, again and again.
template <int64_t STRIDE>
__aicore__ inline void ColumnSum(
    const LocalTensor<float> &totals, const LocalTensor<float> &x, int64_t rows) {
    for (int64_t left = rows, half = 0; left > 1; left = half) {
        half = (left + 1) / 2;
        Add(x, x, x[half * STRIDE], (left - half) * STRIDE);
        PipeBarrier<PIPE_V>();
    }
    Muls(totals, x, 1.0f, STRIDE);
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

// out[r, c] = x[r, c] * numbers[r]: each number fills 32 bytes, which all of its row's read.
template <int64_t STRIDE>
__aicore__ inline void MulNumbers(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &numbers,
    const LocalTensor<float> &spread, int64_t rows, int64_t cols) {
    Brcb(spread, numbers, (rows + 7) / 8, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    for (int64_t c = 0; c < cols; c += 64) {
        const uint64_t mask = cols - c < 64 ? cols - c : 64;
        Mul(out[c], x[c], spread, mask, rows, BinaryRepeatParams{1, 1, 0, STRIDE / 8, STRIDE / 8, 1});
    }
}

// out[c] = x[c] / number[0]: the number fills 32 bytes, which all of a row's read.
__aicore__ inline void DivNumber(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &number,
    const LocalTensor<float> &spread, int64_t cols) {
    Brcb(spread, number, 1, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    const int64_t whole = cols / 64, rest = cols % 64;
    if (whole > 0) {
        Div(out, x, spread, 64, whole, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
    if (rest > 0) {
        Div(out[whole * 64], x[whole * 64], spread, rest, 1, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
}

extern "C" __global__ __aicore__ void attention_decode_gqa(GM_ADDR q, GM_ADDR keys, GM_ADDR values,
    GM_ADDR position, GM_ADDR y, int32_t capacity) {
    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
    GlobalTensor<float> qGm;
    qGm.SetGlobalBuffer((__gm__ float *)q, KV_HEADS * GROUP * HEAD_DIM);
    GlobalTensor<bfloat16_t> keysGm;
    keysGm.SetGlobalBuffer((__gm__ bfloat16_t *)keys, KV_HEADS * capacity * HEAD_DIM);
    GlobalTensor<bfloat16_t> valuesGm;
    valuesGm.SetGlobalBuffer((__gm__ bfloat16_t *)values, KV_HEADS * capacity * HEAD_DIM);
    GlobalTensor<int32_t> positionGm;
    positionGm.SetGlobalBuffer((__gm__ int32_t *)position, 1);
    GlobalTensor<float> yGm;
    yGm.SetGlobalBuffer((__gm__ float *)y, KV_HEADS * GROUP * HEAD_DIM);

    TPipe pipe;
    TQue<TPosition::VECIN, 1> qQueue, keysQueue, valuesQueue;
    pipe.InitBuffer(qQueue, 1, 128 * sizeof(float));
    pipe.InitBuffer(keysQueue, 2, 64 * 128 * sizeof(bfloat16_t));
    pipe.InitBuffer(valuesQueue, 2, 64 * 128 * sizeof(bfloat16_t));
    TQue<TPosition::VECOUT, 1> yQueue;
    pipe.InitBuffer(yQueue, 1, 128 * sizeof(float));
    TBuf<TPosition::VECCALC> largestBuffer, total1Buffer, total2Buffer, scoreBuffer, wideBuffer, row1Buffer,
        reducedBuffer, grownBuffer, shrinkBuffer, shareBuffer, spreadBuffer, partBuffer, part2Buffer,
        spread2Buffer;
    pipe.InitBuffer(largestBuffer, 8 * sizeof(float));
    pipe.InitBuffer(total1Buffer, 8 * sizeof(float));
    pipe.InitBuffer(total2Buffer, 128 * sizeof(float));
    pipe.InitBuffer(scoreBuffer, 64 * sizeof(float));
    pipe.InitBuffer(wideBuffer, 64 * 128 * sizeof(float));
    pipe.InitBuffer(row1Buffer, 64 * sizeof(float));
    pipe.InitBuffer(reducedBuffer, 8 * sizeof(float));
    pipe.InitBuffer(grownBuffer, 8 * sizeof(float));
    pipe.InitBuffer(shrinkBuffer, 8 * sizeof(float));
    pipe.InitBuffer(shareBuffer, 64 * sizeof(float));
    pipe.InitBuffer(spreadBuffer, 8 * 8 * sizeof(float));
    pipe.InitBuffer(partBuffer, 8 * sizeof(float));
    pipe.InitBuffer(part2Buffer, 128 * sizeof(float));
    pipe.InitBuffer(spread2Buffer, 64 * 8 * sizeof(float));
    LocalTensor<float> largestLocal = largestBuffer.Get<float>();
    LocalTensor<float> total1Local = total1Buffer.Get<float>();
    LocalTensor<float> total2Local = total2Buffer.Get<float>();
    LocalTensor<float> scoreLocal = scoreBuffer.Get<float>();
    LocalTensor<float> wideLocal = wideBuffer.Get<float>();
    LocalTensor<float> row1Local = row1Buffer.Get<float>();
    LocalTensor<float> reducedLocal = reducedBuffer.Get<float>();
    LocalTensor<float> grownLocal = grownBuffer.Get<float>();
    LocalTensor<float> shrinkLocal = shrinkBuffer.Get<float>();
    LocalTensor<float> shareLocal = shareBuffer.Get<float>();
    LocalTensor<float> spreadLocal = spreadBuffer.Get<float>();
    LocalTensor<float> partLocal = partBuffer.Get<float>();
    LocalTensor<float> part2Local = part2Buffer.Get<float>();
    LocalTensor<float> spread2Local = spread2Buffer.Get<float>();

    DataCacheCleanAndInvalid<int32_t, CacheLine::SINGLE_CACHE_LINE, DcciDst::CACHELINE_OUT>(positionGm);
    const int64_t positionValue = positionGm.GetValue(0);
    for (int64_t program = GetBlockIdx(); program < KV_HEADS * GROUP; program += GetBlockNum()) {
        const int64_t group = program % GROUP;
        const int64_t kv_heads = program / GROUP;
        CopyIn(qQueue, qGm[(kv_heads * GROUP + group) * HEAD_DIM], HEAD_DIM);
        Duplicate(largestLocal, -3.4028234e+38f, 1);
        PipeBarrier<PIPE_V>();
        Duplicate(total1Local, 0.0f, 1);
        Duplicate(total2Local, 0.0f, HEAD_DIM);
        LocalTensor<float> qLocal = qQueue.DeQue<float>();
        for (int64_t start = 0; start < positionValue + 1; start += TOKENS) {
            const int64_t count = positionValue + 1 - start < TOKENS ? positionValue + 1 - start : TOKENS;
            CopyRowsIn<128>(keysQueue, keysGm[(kv_heads * capacity + start) * HEAD_DIM], count, HEAD_DIM,
                HEAD_DIM);
            CopyRowsIn<128>(valuesQueue, valuesGm[(kv_heads * capacity + start) * HEAD_DIM], count, HEAD_DIM,
                HEAD_DIM);
            LocalTensor<bfloat16_t> keysLocal = keysQueue.DeQue<bfloat16_t>();
            Cast(wideLocal, keysLocal, RoundMode::CAST_NONE, count * 128);
            keysQueue.FreeTensor(keysLocal);
            PipeBarrier<PIPE_V>();
            RowDots<128>(scoreLocal, wideLocal, qLocal, count, HEAD_DIM);
            PipeBarrier<PIPE_V>();
            Muls(row1Local, scoreLocal, 0.08838834764831843f, count);
            PipeBarrier<PIPE_V>();
            ReduceMax(grownLocal, row1Local, reducedLocal, count);
            PipeBarrier<PIPE_V>();
            Max(grownLocal, grownLocal, largestLocal, 1);
            PipeBarrier<PIPE_V>();
            Sub(shrinkLocal, largestLocal, grownLocal, 1);
            PipeBarrier<PIPE_V>();
            Exp(shrinkLocal, shrinkLocal, 1);
            Muls(largestLocal, grownLocal, 1.0f, 1);
            SubNumber(shareLocal, row1Local, grownLocal, spreadLocal, count);
            PipeBarrier<PIPE_V>();
            Exp(shareLocal, shareLocal, count);
            Mul(total1Local, total1Local, shrinkLocal, 1);
            PipeBarrier<PIPE_V>();
            ReduceSum(partLocal, shareLocal, reducedLocal, count);
            PipeBarrier<PIPE_V>();
            Add(total1Local, total1Local, partLocal, 1);
            LocalTensor<bfloat16_t> valuesLocal = valuesQueue.DeQue<bfloat16_t>();
            Cast(wideLocal, valuesLocal, RoundMode::CAST_NONE, count * 128);
            valuesQueue.FreeTensor(valuesLocal);
            MulNumbers<128>(wideLocal, wideLocal, shareLocal, spread2Local, count, HEAD_DIM);
            PipeBarrier<PIPE_V>();
            ColumnSum<128>(part2Local, wideLocal, count);
            MulNumber(total2Local, total2Local, shrinkLocal, spreadLocal, HEAD_DIM);
            PipeBarrier<PIPE_V>();
            Add(total2Local, total2Local, part2Local, HEAD_DIM);
        }
        qQueue.FreeTensor(qLocal);
        LocalTensor<float> yLocal = yQueue.AllocTensor<float>();
        DivNumber(yLocal, total2Local, total1Local, spreadLocal, HEAD_DIM);
        yQueue.EnQue(yLocal);
        CopyOut(yGm[(kv_heads * GROUP + group) * HEAD_DIM], yQueue, HEAD_DIM);
    }
}
