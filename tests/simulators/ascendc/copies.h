// DataCopy and DataCopyPad between global memory and the unified buffer, on pipes MTE2 and MTE3.
//
// Sources: "DataCopy (continuous)", "DataCopy (sliced)", "DataCopyPad" from GM to UB and from UB to GM.
#pragma once

#include "queues.h"

namespace AscendC {

struct DataCopyParams { // in blocks of 32 bytes
    DataCopyParams() = default;
    DataCopyParams(uint16_t count, uint16_t length, uint16_t src_stride, uint16_t dst_stride)
        : blockCount(count), blockLen(length), srcStride(src_stride), dstStride(dst_stride) {}
    uint16_t blockCount = 1, blockLen = 0, srcStride = 0, dstStride = 0;
};

struct DataCopyExtParams { // bytes; a stride in the unified buffer in blocks of 32 bytes
    DataCopyExtParams() = default;
    DataCopyExtParams(uint16_t count, uint32_t length, uint32_t src_stride, uint32_t dst_stride, uint32_t)
        : blockCount(count), blockLen(length), srcStride(src_stride), dstStride(dst_stride) {}
    uint16_t blockCount = 1;
    uint32_t blockLen = 0, srcStride = 0, dstStride = 0;
};

template <class T> struct DataCopyPadExtParams { // elements
    DataCopyPadExtParams() = default;
    DataCopyPadExtParams(bool pad, uint8_t left, uint8_t right, T value)
        : isPad(pad), leftPadding(left), rightPadding(right), paddingValue(value) {}
    bool isPad = false;
    uint8_t leftPadding = 0, rightPadding = 0;
    T paddingValue{};
};

} // namespace AscendC

namespace core {

static void load(const Local &dst, uint64_t to, const Global &src, uint64_t from, uint64_t bytes) {
    const uint8_t *source = reach(src, MTE2, "src", from, bytes);
    memcpy(reach(dst, MTE2, WRITE, "dst", to, bytes), source, bytes);
}

static void store(const Global &dst, uint64_t to, const Local &src, uint64_t from, uint64_t bytes) {
    const uint8_t *source = reach(src, MTE3, READ, "src", from, bytes);
    memcpy(reach(dst, MTE3, "dst", to, bytes), source, bytes);
}

static uint64_t whole_blocks(uint64_t bytes) { return (bytes + BLOCK - 1) / BLOCK * BLOCK; }

// The hardware rounds a length down to whole blocks without a word: what is left out is a fault here.
static void check_length(uint64_t bytes) {
    if (bytes % BLOCK) fault(text("%lu bytes are not a multiple of 32", bytes));
}

static void check_global_alignment(const Global &tensor, uint64_t size) {
    if (tensor.begin % size) fault(text("an address in global memory is not a multiple of %lu", size));
}

static void check_pad(const AscendC::DataCopyExtParams &copy, uint64_t size, Position position) {
    if (copy.blockCount > 4095) fault(text("blockCount %d is more than 4095", copy.blockCount));
    if (copy.blockLen > 2097151) fault(text("blockLen %u is more than 2097151", copy.blockLen));
    if (copy.blockLen % size)
        fault(text("blockLen %u is not a multiple of the element's %lu bytes", copy.blockLen, size));
    if (position == Position::VECCALC) fault("the unified buffer's end must be VECIN or VECOUT, not VECCALC");
}

static void check_path(Position from, Position to) {
    if (!(from == Position::VECIN && to == Position::VECCALC) &&
        !(from == Position::VECCALC && to == Position::VECOUT))
        fault(text("there is no path from %s to %s", POSITION_NAMES[(int)from], POSITION_NAMES[(int)to]));
}

} // namespace core

namespace AscendC {

template <class T>
void DataCopy(const LocalTensor<T> &dst, const GlobalTensor<T> &src, uint32_t count,
              int line = __builtin_LINE()) {
    core::start(core::MTE2, "DataCopy", line);
    core::check_length(count * sizeof(T));
    core::check_global_alignment(src, sizeof(T));
    core::load(dst, 0, src, 0, count * sizeof(T));
}

template <class T>
void DataCopy(const GlobalTensor<T> &dst, const LocalTensor<T> &src, uint32_t count,
              int line = __builtin_LINE()) {
    core::start(core::MTE3, "DataCopy", line);
    core::check_length(count * sizeof(T));
    core::check_global_alignment(dst, sizeof(T));
    core::store(dst, 0, src, 0, count * sizeof(T));
}

// Within the unified buffer a copy is an instruction of pipe V, from VECIN to VECCALC or from there to VECOUT.
template <class T>
void DataCopy(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint32_t count,
              int line = __builtin_LINE()) {
    core::start(core::V, "DataCopy", line);
    core::check_length(count * sizeof(T));
    core::check_path(core::buffer_of(src, "src").position, core::buffer_of(dst, "dst").position);
    const uint64_t bytes = count * sizeof(T);
    const uint8_t *from = core::reach(src, core::V, core::READ, "src", 0, bytes);
    memmove(core::reach(dst, core::V, core::WRITE, "dst", 0, bytes), from, bytes);
}

template <class T>
void DataCopy(const LocalTensor<T> &dst, const GlobalTensor<T> &src, const DataCopyParams &copy,
              int line = __builtin_LINE()) {
    core::start(core::MTE2, "DataCopy", line);
    core::check_global_alignment(src, sizeof(T));
    const uint64_t bytes = copy.blockLen * core::BLOCK;
    const uint64_t source = bytes + copy.srcStride * core::BLOCK,
                   target = bytes + copy.dstStride * core::BLOCK;
    for (uint64_t turn = 0; turn < copy.blockCount; turn++)
        core::load(dst, turn * target, src, turn * source, bytes);
}

template <class T>
void DataCopy(const GlobalTensor<T> &dst, const LocalTensor<T> &src, const DataCopyParams &copy,
              int line = __builtin_LINE()) {
    core::start(core::MTE3, "DataCopy", line);
    core::check_global_alignment(dst, sizeof(T));
    const uint64_t bytes = copy.blockLen * core::BLOCK;
    const uint64_t source = bytes + copy.srcStride * core::BLOCK,
                   target = bytes + copy.dstStride * core::BLOCK;
    for (uint64_t turn = 0; turn < copy.blockCount; turn++)
        core::store(dst, turn * target, src, turn * source, bytes);
}

// Each row is filled up to whole blocks. Only lanes that the padding names hold its value; where the hardware
// puts a number that no program may rely on (random, or the row's first element), there is NaN.
template <class T>
void DataCopyPad(const LocalTensor<T> &dst, const GlobalTensor<T> &src, const DataCopyExtParams &copy,
                 const DataCopyPadExtParams<T> &pad, int line = __builtin_LINE()) {
    core::start(core::MTE2, "DataCopyPad", line);
    core::check_pad(copy, sizeof(T), core::buffer_of(dst, "dst").position);
    const uint64_t left = pad.leftPadding * sizeof(T), right = pad.rightPadding * sizeof(T);
    if (left > core::BLOCK || right > core::BLOCK)
        core::fault(core::text("paddings of %lu and %lu bytes: neither may exceed 32", left, right));
    const uint64_t row = core::whole_blocks(left + copy.blockLen + right);
    const bool padded = pad.isPad && (pad.leftPadding || pad.rightPadding);
    for (uint64_t turn = 0; copy.blockLen && turn < copy.blockCount; turn++) {
        const uint64_t from = turn * ((uint64_t)copy.blockLen + copy.srcStride);
        const uint64_t to = turn * (row + (uint64_t)copy.dstStride * core::BLOCK);
        uint8_t *const bytes = core::reach(dst, core::MTE2, core::WRITE, "dst", to, row);
        memset(bytes, 0xff, row);
        for (uint64_t lane = 0; padded && lane < row / sizeof(T); lane++)
            ((T *)bytes)[lane] = pad.paddingValue;
        memcpy(bytes + left, core::reach(src, core::MTE2, "src", from, copy.blockLen), copy.blockLen);
    }
}

template <class T>
void DataCopyPad(const GlobalTensor<T> &dst, const LocalTensor<T> &src, const DataCopyExtParams &copy,
                 int line = __builtin_LINE()) {
    core::start(core::MTE3, "DataCopyPad", line);
    core::check_pad(copy, sizeof(T), core::buffer_of(src, "src").position);
    const uint64_t source = core::whole_blocks(copy.blockLen) + (uint64_t)copy.srcStride * core::BLOCK;
    const uint64_t target = (uint64_t)copy.blockLen + copy.dstStride;
    for (uint64_t turn = 0; copy.blockLen && turn < copy.blockCount; turn++)
        core::store(dst, turn * target, src, turn * source, copy.blockLen);
}

} // namespace AscendC
