// Ascend C on the CPU, as far as vector kernels for Atlas A2 use it: the same names, under the hardware's rules.
#pragma once

#include "reduce.h"

namespace AscendC {

static inline int64_t GetBlockIdx() { return core::block; }
static inline int64_t GetBlockNum() { return core::blocks; }

// --- fills ------------------------------------------------------------------------------------------------

template <class T, bool isSetMask = true>
void Duplicate(const LocalTensor<T> &dst, const T &scalar, int32_t count, int line = __builtin_LINE()) {
    ASCENDC_TYPES("Duplicate", int16_t, uint16_t, half, bfloat16_t, int32_t, uint32_t, float);
    core::start(core::V, "Duplicate", line);
    T *to = core::write(dst, "dst", core::checked(count));
    for (int32_t place = 0; place < count; place++) to[place] = scalar;
}

template <class T, bool isSetMask = true>
void Duplicate(const LocalTensor<T> &dst, const T &scalar, uint64_t mask, int repeatTime,
               uint16_t dstBlockStride, uint8_t dstRepeatStride, int line = __builtin_LINE()) {
    ASCENDC_TYPES("Duplicate", int16_t, uint16_t, half, bfloat16_t, int32_t, uint32_t, float);
    core::start(core::V, "Duplicate", line);
    const core::Strided<T> to{dst, "dst", dstBlockStride, dstRepeatStride};
    core::check_repeats<T>(mask, repeatTime);
    core::each_stretch<T>(mask, repeatTime, dstBlockStride == 1,
                          [&](uint32_t repeat, uint32_t lane, uint32_t count) {
                              T *target = to.at(core::WRITE, repeat, lane, count);
                              for (uint32_t place = 0; place < count; place++) target[place] = scalar;
                          });
}

// The scalar pipe writes the first block, of which the vector pipe makes the others: CANN's own call sets a flag
// from the one to the other, but none that would make the scalar pipe wait for what the vector pipe does with dst.
template <class T>
void CreateVecIndex(LocalTensor<T> dst, const T &firstValue, uint32_t count, int line = __builtin_LINE()) {
    ASCENDC_TYPES("CreateVecIndex", int16_t, half, int32_t, float);
    const uint32_t block = core::BLOCK / sizeof(T), first = count < block ? count : block;
    core::start(core::S, "CreateVecIndex", line);
    core::reach(dst, core::S, core::WRITE, "dst", 0, first * sizeof(T));
    core::views[core::V].join(core::given(core::S));
    core::start(core::V, "CreateVecIndex", line);
    T *to = core::write(dst, "dst", count);
    for (uint32_t place = 0; place < count; place++) to[place] = T(firstValue + (T)place);
}

struct BrcbRepeatParams {
    BrcbRepeatParams() = default;
    BrcbRepeatParams(uint16_t dst_block, uint16_t dst_repeat)
        : dstBlkStride(dst_block), dstRepStride(dst_repeat) {}
    uint16_t dstBlkStride = 1, dstRepStride = 8;
};

// Each of eight elements a repeat fills a block of 32 bytes.
template <class T>
void Brcb(const LocalTensor<T> &dst, const LocalTensor<T> &src, int repeatTime,
          const BrcbRepeatParams &strides, int line = __builtin_LINE()) {
    ASCENDC_TYPES("Brcb", int16_t, uint16_t, half, bfloat16_t, int32_t, uint32_t, float);
    core::start(core::V, "Brcb", line);
    core::check_repeats<T>(1, repeatTime);
    if (!strides.dstBlkStride) core::fault("dstBlkStride is 0");
    const T *from = core::read(src, "src", 8 * repeatTime);
    const core::Strided<T> to{dst, "dst", strides.dstBlkStride, strides.dstRepStride};
    constexpr uint32_t lanes = core::BLOCK / sizeof(T);
    for (int place = 0; place < 8 * repeatTime; place++) {
        T *target = to.at(core::WRITE, place / 8, place % 8 * lanes, lanes);
        for (uint32_t lane = 0; lane < lanes; lane++) target[lane] = from[place];
    }
}

// --- compare and select -------------------------------------------------------------------------------------

enum class CMPMODE : uint8_t { LT, GT, EQ, LE, GE, NE };
enum class SELMODE : uint8_t { VSEL_CMPMASK_SPR, VSEL_TENSOR_SCALAR_MODE, VSEL_TENSOR_TENSOR_MODE };

} // namespace AscendC

namespace core {

template <class T> bool holds(T left, T right, AscendC::CMPMODE mode) {
    switch (mode) {
    case AscendC::CMPMODE::LT: return left < right;
    case AscendC::CMPMODE::GT: return left > right;
    case AscendC::CMPMODE::EQ: return left == right;
    case AscendC::CMPMODE::LE: return left <= right;
    case AscendC::CMPMODE::GE: return left >= right;
    default: return left != right;
    }
}

// "Compare", "Compares": whole repeats of 256 bytes; of int32_t only whether they are equal; a bit an element.
template <class U, class T, class Right>
void compare(const AscendC::LocalTensor<U> &dst, const AscendC::LocalTensor<T> &src, AscendC::CMPMODE mode,
             uint32_t count, Right right) {
    static_assert(is_one_of<T, half, float, int32_t> && is_one_of<U, uint8_t, int8_t>,
                  "Compare: no such element types on Atlas A2");
    if (count * sizeof(T) % REPEAT) fault(text("%lu bytes are not a multiple of 256", count * sizeof(T)));
    if (std::is_same_v<T, int32_t> && mode != AscendC::CMPMODE::EQ) fault("of int32_t only CMPMODE::EQ");
    const T *left = read(src, "src0", count);
    U *to = write(dst, "dst", count / 8);
    for (uint32_t byte = 0; byte < count / 8; byte++) {
        unsigned bits = 0;
        for (uint32_t bit = 0; bit < 8; bit++)
            bits |= holds(left[8 * byte + bit], right(8 * byte + bit), mode) << bit;
        to[byte] = (U)bits;
    }
}

template <class T, class U, class Right>
void select(const AscendC::LocalTensor<T> &dst, const AscendC::LocalTensor<U> &mask,
            const AscendC::LocalTensor<T> &src, uint32_t count, Right right) {
    static_assert(is_one_of<T, half, float>, "Select: no such element type on Atlas A2");
    const Buffer &last = buffers.back();
    if (last.begin + last.bytes > UNIFIED_BUFFER - RESERVED)
        fault(text("it needs the last 8 KB of the unified buffer, and %u bytes are taken",
                   last.begin + last.bytes));
    check_overlap(dst, count * sizeof(T), src, count * sizeof(T), "src0");
    const uint8_t *bits = reach(mask, V, READ, "selMask", 0, (count + 7) / 8);
    const T *left = read(src, "src0", count);
    T *to = write(dst, "dst", count);
    for (uint32_t place = 0; place < count; place++)
        to[place] = bits[place / 8] >> place % 8 & 1 ? left[place] : right(place);
}

} // namespace core

namespace AscendC {

template <class U, class T>
void Compare(const LocalTensor<U> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1, CMPMODE mode,
             uint32_t count, int line = __builtin_LINE()) {
    core::start(core::V, "Compare", line);
    const T *right = core::read(src1, "src1", count);
    core::compare(dst, src0, mode, count, [right](uint32_t place) { return right[place]; });
}

template <class U, class T>
void Compares(const LocalTensor<U> &dst, const LocalTensor<T> &src0, const T scalar, CMPMODE mode,
              uint32_t count, int line = __builtin_LINE()) {
    core::start(core::V, "Compares", line);
    core::compare(dst, src0, mode, count, [scalar](uint32_t) { return scalar; });
}

// The name of Compares until CANN 9.
template <class U, class T>
void CompareScalar(const LocalTensor<U> &dst, const LocalTensor<T> &src0, const T scalar, CMPMODE mode,
                   uint32_t count, int line = __builtin_LINE()) {
    core::start(core::V, "CompareScalar", line);
    core::compare(dst, src0, mode, count, [scalar](uint32_t) { return scalar; });
}

template <class T, class U>
void Select(const LocalTensor<T> &dst, const LocalTensor<U> &selMask, const LocalTensor<T> &src0,
            const LocalTensor<T> &src1, SELMODE mode, uint32_t count, int line = __builtin_LINE()) {
    core::start(core::V, "Select", line);
    if (mode != SELMODE::VSEL_TENSOR_TENSOR_MODE)
        core::fault("of two tensors only VSEL_TENSOR_TENSOR_MODE is simulated");
    core::check_overlap(dst, count * sizeof(T), src1, count * sizeof(T), "src1");
    const T *right = core::read(src1, "src1", count);
    core::select(dst, selMask, src0, count, [right](uint32_t place) { return right[place]; });
}

template <class T, class U>
void Select(const LocalTensor<T> &dst, const LocalTensor<U> &selMask, const LocalTensor<T> &src0, T scalar,
            SELMODE mode, uint32_t count, int line = __builtin_LINE()) {
    core::start(core::V, "Select", line);
    if (mode != SELMODE::VSEL_TENSOR_SCALAR_MODE)
        core::fault("of a tensor and a scalar only VSEL_TENSOR_SCALAR_MODE");
    core::select(dst, selMask, src0, count, [scalar](uint32_t) { return scalar; });
}

} // namespace AscendC
