// Reductions: of all elements, of each repeat, of each block of 32 bytes.
//
// Sources: "ReduceSum", "ReduceMax", "ReduceRepeat" (its older names WholeReduceSum, ...Max, ...Min are those
// that CANN 8 has too), "ReduceDataBlock" (BlockReduceSum, ...). An index is stored as the bits of an integer.
#pragma once

#include "casts.h"

namespace AscendC {

enum class ReduceOrder { ORDER_VALUE_INDEX, ORDER_INDEX_VALUE, ORDER_ONLY_VALUE, ORDER_ONLY_INDEX };

} // namespace AscendC

namespace core {

using AscendC::LocalTensor;
using AscendC::ReduceOrder;

// A sum as the unit adds: neighbours, then neighbours of those; lanes outside of the mask count as zero.
template <class T> float tree_sum(const T *lanes, uint32_t count) {
    float sums[REPEAT / sizeof(T)] = {};
    uint32_t width = 1;
    while (width < count) width *= 2;
    for (uint32_t lane = 0; lane < count; lane++) sums[lane] = (float)lanes[lane];
    for (; width > 1; width /= 2)
        for (uint32_t lane = 0; lane < width / 2; lane++)
            sums[lane] = (float)(T)(sums[2 * lane] + sums[2 * lane + 1]);
    return sums[0];
}

struct Best {
    float value;
    uint32_t index;
};

// The first of the largest (``sign`` 1) or the smallest (-1).
template <class T> Best best(const T *lanes, uint32_t count, int sign) {
    Best found = {(float)lanes[0], 0};
    for (uint32_t lane = 1; lane < count; lane++)
        if (sign * (float)lanes[lane] > sign * found.value) found = {(float)lanes[lane], lane};
    return found;
}

template <class T> T index_bits(uint32_t index) {
    T number;
    memcpy(&number, &index, sizeof number);
    return number;
}

template <class T>
void reduce_sum(const LocalTensor<T> &dst, const LocalTensor<T> &src, int64_t signed_count) {
    const uint64_t count = checked(signed_count), lanes = REPEAT / sizeof(T);
    if (!count) return;
    const T *from = read(src, "src", count);
    T sum = 0;
    for (uint64_t first = 0; first < count; first += lanes)
        sum = T(sum + (T)tree_sum(from + first, uint32_t(count - first < lanes ? count - first : lanes)));
    *(T *)reach(dst, V, WRITE, "dst", 0, sizeof(T), sizeof(T)) = sum;
}

// The elements of ``sharedTmpBuffer`` that the rounds of a maximum need.
static uint64_t workspace(uint64_t count, uint64_t size, bool index) {
    const auto up = [](uint64_t number, uint64_t unit) { return (number + unit - 1) / unit; };
    const uint64_t in_block = BLOCK / size, in_repeat = REPEAT / size;
    uint64_t made = 2 * up(count, in_repeat), needed = up(made, in_block) * in_block;
    while (index && made > 2) made = 2 * up(made, in_repeat), needed += up(made, in_block) * in_block;
    return needed;
}

template <class T>
void reduce_best(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<T> &work,
                 int64_t signed_count, bool index, int sign) {
    const uint64_t count = checked(signed_count);
    if (!count) return;
    const Best found = best(read(src, "src", count), (uint32_t)count, sign);
    const uint64_t needed = workspace(count, sizeof(T), index);
    memset(write(work, "sharedTmpBuffer", needed), 0xff, needed * sizeof(T));
    T *to = (T *)reach(dst, V, WRITE, "dst", 0, (1 + index) * sizeof(T), (1 + index) * sizeof(T));
    to[0] = (T)found.value;
    if (index) to[1] = index_bits<T>(found.index);
}

// The lanes of one repeat, gathered from blocks that may lie apart.
template <class T> void gather(const Strided<T> &from, uint32_t repeat, uint32_t mask, T *lanes) {
    const uint32_t most = from.block_stride == 1 ? mask : BLOCK / sizeof(T);
    for (uint32_t lane = 0; lane < mask; lane += most) {
        const uint32_t count = mask - lane < most ? mask - lane : most;
        memcpy(lanes + lane, from.at(READ, repeat, lane, count), count * sizeof(T));
    }
}

// ``reduce(lanes)`` of each repeat, stored as ``results`` elements of T at multiples of ``dst_stride`` such groups.
template <class T, class Reduce>
void each_repeat(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint64_t mask, int64_t repeats,
                 uint64_t dst_stride, uint32_t results, uint32_t src_block, uint32_t src_repeat,
                 Reduce reduce) {
    check_repeats<T>(mask, repeats);
    const Strided<T> from{src, "src", src_block, src_repeat};
    const uint64_t bytes = results * sizeof(T);
    T lanes[REPEAT / sizeof(T)], found[8];
    for (uint32_t repeat = 0; repeat < repeats; repeat++) {
        gather(from, repeat, (uint32_t)mask, lanes);
        reduce(lanes, found);
        memcpy(reach(dst, V, WRITE, "dst", repeat * dst_stride * bytes, bytes, (uint32_t)bytes), found,
               bytes);
    }
}

template <class T>
void repeat_best(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint64_t mask, int64_t repeats,
                 uint64_t dst_stride, uint32_t src_block, uint32_t src_repeat, ReduceOrder order, int sign) {
    if (order == ReduceOrder::ORDER_ONLY_INDEX) fault("ORDER_ONLY_INDEX is not simulated");
    const uint32_t results = order == ReduceOrder::ORDER_ONLY_VALUE ? 1 : 2;
    each_repeat(dst, src, mask, repeats, dst_stride, results, src_block, src_repeat,
                [&](const T *lanes, T *to) {
                    const Best found = best(lanes, (uint32_t)mask, sign);
                    const int place = order == ReduceOrder::ORDER_INDEX_VALUE;
                    to[place] = (T)found.value;
                    if (results == 2) to[1 - place] = index_bits<T>(found.index);
                });
}

// Eight results a repeat, one a block; a block outside of the mask would keep its old result.
template <class T, class Reduce>
void each_block(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint64_t mask, int64_t repeats,
                uint64_t dst_stride, uint32_t src_block, uint32_t src_repeat, Reduce reduce) {
    const uint32_t in_block = BLOCK / sizeof(T);
    if (mask <= REPEAT / sizeof(T) - in_block) fault("a mask that leaves out a whole block is not simulated");
    each_repeat(dst, src, mask, repeats, dst_stride, 8, src_block, src_repeat, [&](const T *lanes, T *to) {
        for (uint32_t block = 0; block < 8; block++) {
            const uint32_t left = (uint32_t)mask - block * in_block;
            to[block] = (T)reduce(lanes + block * in_block, left < in_block ? left : in_block);
        }
    });
}

} // namespace core

#define ASCENDC_REDUCE_BEST(Name, sign)                                                                    \
    template <class T>                                                                                     \
    void Reduce##Name(const LocalTensor<T> &dst, const LocalTensor<T> &src,                                \
                      const LocalTensor<T> &sharedTmpBuffer, int32_t count, bool calIndex = false,         \
                      int line = __builtin_LINE()) {                                                       \
        ASCENDC_TYPES("Reduce" #Name, half, float);                                                        \
        core::start(core::V, "Reduce" #Name, line);                                                        \
        core::reduce_best(dst, src, sharedTmpBuffer, count, calIndex, sign);                               \
    }                                                                                                      \
    template <class T, bool isSetMask = true>                                                              \
    void WholeReduce##Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t mask,             \
                           int32_t repeatTime, int32_t dstRepStride, int32_t srcBlkStride,                 \
                           int32_t srcRepStride, ReduceOrder order = ReduceOrder::ORDER_VALUE_INDEX,       \
                           int line = __builtin_LINE()) {                                                  \
        ASCENDC_TYPES("WholeReduce" #Name, half, float);                                                   \
        core::start(core::V, "WholeReduce" #Name, line);                                                   \
        core::repeat_best(dst, src, mask, repeatTime, dstRepStride, srcBlkStride, srcRepStride, order,     \
                          sign);                                                                           \
    }                                                                                                      \
    template <class T, bool isSetMask = true>                                                              \
    void BlockReduce##Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t repeatTime,       \
                           int32_t mask, int32_t dstRepStride, int32_t srcBlkStride, int32_t srcRepStride, \
                           int line = __builtin_LINE()) {                                                  \
        ASCENDC_TYPES("BlockReduce" #Name, half, float);                                                   \
        core::start(core::V, "BlockReduce" #Name, line);                                                   \
        core::each_block(                                                                                  \
            dst, src, mask, repeatTime, dstRepStride, srcBlkStride, srcRepStride,                          \
            [](const T *lanes, uint32_t count) { return core::best(lanes, count, sign).value; });          \
    }

namespace AscendC {

ASCENDC_REDUCE_BEST(Max, 1)
ASCENDC_REDUCE_BEST(Min, -1)

template <class T, bool isSetMask = true>
void ReduceSum(const LocalTensor<T> &dst, const LocalTensor<T> &src, const LocalTensor<T> &, int32_t count,
               int line = __builtin_LINE()) {
    ASCENDC_TYPES("ReduceSum", half, float);
    core::start(core::V, "ReduceSum", line);
    core::reduce_sum(dst, src, count);
}

template <class T, bool isSetMask = true>
void WholeReduceSum(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t mask, int32_t repeatTime,
                    int32_t dstRepStride, int32_t srcBlkStride, int32_t srcRepStride,
                    int line = __builtin_LINE()) {
    ASCENDC_TYPES("WholeReduceSum", half, float);
    core::start(core::V, "WholeReduceSum", line);
    core::each_repeat(dst, src, mask, repeatTime, dstRepStride, 1, srcBlkStride, srcRepStride,
                      [&](const T *lanes, T *to) { to[0] = (T)core::tree_sum(lanes, mask); });
}

template <class T, bool isSetMask = true>
void BlockReduceSum(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t repeatTime, int32_t mask,
                    int32_t dstRepStride, int32_t srcBlkStride, int32_t srcRepStride,
                    int line = __builtin_LINE()) {
    ASCENDC_TYPES("BlockReduceSum", half, float);
    core::start(core::V, "BlockReduceSum", line);
    core::each_block(dst, src, mask, repeatTime, dstRepStride, srcBlkStride, srcRepStride,
                     [](const T *lanes, uint32_t count) { return core::tree_sum(lanes, count); });
}

} // namespace AscendC
