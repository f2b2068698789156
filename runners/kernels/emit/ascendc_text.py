"""The fixed text of the AscendC emitter: helper functions, of which a file has those that it calls."""

from __future__ import annotations

import re

CORE_FUNCTION = "__aicore__ inline void"

_COPIES = {
    "CopyIn": """\
// A row of the array, through its queue. What fills it up to 32 bytes is never used.
template <typename T>
$void CopyIn(TQue<TPosition::VECIN, 1> &queue, const GlobalTensor<T> &from, int64_t cols) {
    LocalTensor<T> to = queue.AllocTensor<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0}, DataCopyPadExtParams<T>{false, 0, 0, 0});
    queue.EnQue(to);
}""",
    "CopyRowsIn": """\
// Rows that lie `stride` elements apart; in the buffer they lie STRIDE apart.
template <int64_t STRIDE, typename T>
$void CopyRowsIn(
    TQue<TPosition::VECIN, 1> &queue, const GlobalTensor<T> &from, int64_t rows, int64_t cols, int64_t stride) {
    LocalTensor<T> to = queue.AllocTensor<T>();
    const uint16_t count = rows;
    const uint32_t bytes = cols * sizeof(T), skipped = (stride - cols) * sizeof(T);
    const uint32_t gap = STRIDE * sizeof(T) / 32 - (bytes + 31) / 32;
    DataCopyPad(to, from, DataCopyExtParams{count, bytes, skipped, gap, 0},
        DataCopyPadExtParams<T>{false, 0, 0, 0});
    queue.EnQue(to);
}""",
    "CopyOut": """\
template <typename T>
$void CopyOut(const GlobalTensor<T> &to, TQue<TPosition::VECOUT, 1> &queue, int64_t cols) {
    LocalTensor<T> from = queue.DeQue<T>();
    const uint32_t bytes = cols * sizeof(T);
    DataCopyPad(to, from, DataCopyExtParams{1, bytes, 0, 0, 0});
    queue.FreeTensor(from);
}""",
}

_COMPUTED = {
    "RowDots": """\
// totals[r] = the sum over c of x[r, c] * row[c]. The products take the place of x; then the right half of the
// columns is added to the left, until the 64 that one instruction adds up are left.
template <int64_t STRIDE>
$void RowDots(
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
}""",
    "ColumnSum": """\
// totals[c] = the sum over r of x[r, c]: the lower half of the rows is added to the upper, again and again.
template <int64_t STRIDE>
$void ColumnSum(
    const LocalTensor<float> &totals, const LocalTensor<float> &x, int64_t rows) {
    for (int64_t left = rows, half = 0; left > 1; left = half) {
        half = (left + 1) / 2;
        Add(x, x, x[half * STRIDE], (left - half) * STRIDE);
        PipeBarrier<PIPE_V>();
    }
    Muls(totals, x, 1.0f, STRIDE);
}""",
}

_NUMBER = """\
// out[c] = x[c] $sign number[0]: the number fills 32 bytes, which all of a row's read.
$void ${op}Number(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &number,
    const LocalTensor<float> &spread, int64_t cols) {
    Brcb(spread, number, 1, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    const int64_t whole = cols / 64, rest = cols % 64;
    if (whole > 0) {
        $op(out, x, spread, 64, whole, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
    if (rest > 0) {
        $op(out[whole * 64], x[whole * 64], spread, rest, 1, BinaryRepeatParams{1, 1, 0, 8, 8, 0});
    }
}"""

_NUMBERS = """\
// out[r, c] = x[r, c] $sign numbers[r]: each number fills 32 bytes, which all of its row's read.
template <int64_t STRIDE>
$void ${op}Numbers(
    const LocalTensor<float> &out, const LocalTensor<float> &x, const LocalTensor<float> &numbers,
    const LocalTensor<float> &spread, int64_t rows, int64_t cols) {
    Brcb(spread, numbers, (rows + 7) / 8, BrcbRepeatParams{1, 8});
    PipeBarrier<PIPE_V>();
    for (int64_t c = 0; c < cols; c += 64) {
        const uint64_t mask = cols - c < 64 ? cols - c : 64;
        $op(out[c], x[c], spread, mask, rows, BinaryRepeatParams{1, 1, 0, STRIDE / 8, STRIDE / 8, 1});
    }
}"""

OPERATIONS = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "max": "Max"}


def _spelled() -> dict[str, str]:
    texts = _COPIES | _COMPUTED
    for sign, op in OPERATIONS.items():
        for ending, text in (("Number", _NUMBER), ("Numbers", _NUMBERS)):
            texts[f"{op}{ending}"] = text.replace("${op}", op).replace("$op", op).replace("$sign", sign)
    return {name: text.replace("$void", CORE_FUNCTION) for name, text in texts.items()}


_HELPERS = _spelled()


def helpers(body: str) -> list[str]:
    """The helpers that ``body`` calls, a blank line after each."""
    called = [text for name, text in _HELPERS.items() if re.search(rf"\b{name}\b", body)]
    return [line for text in called for line in (text, "")]
