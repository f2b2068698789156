// How a vector call walks its operands: the first ``count`` elements, or repeats of 256 bytes with strides.
//
// Sources: "Continuous computation", "Tensor with strides" (mask, repeatTime, block and repeat strides),
// "General constraints" (alignment, overlapping operands).
#pragma once

#include "copies.h"

namespace AscendC {

struct UnaryRepeatParams {
    UnaryRepeatParams() = default;
    UnaryRepeatParams(uint16_t dst_block, uint16_t src_block, uint8_t dst_repeat, uint8_t src_repeat)
        : dstBlkStride(dst_block), srcBlkStride(src_block), dstRepStride(dst_repeat),
          srcRepStride(src_repeat) {}
    uint16_t dstBlkStride = 1, srcBlkStride = 1;
    uint8_t dstRepStride = 8, srcRepStride = 8;
};

struct BinaryRepeatParams {
    BinaryRepeatParams() = default;
    BinaryRepeatParams(uint8_t dst_block, uint8_t src0_block, uint8_t src1_block, uint8_t dst_repeat,
                       uint8_t src0_repeat, uint8_t src1_repeat)
        : dstBlkStride(dst_block), src0BlkStride(src0_block), src1BlkStride(src1_block),
          dstRepStride(dst_repeat), src0RepStride(src0_repeat), src1RepStride(src1_repeat) {}
    uint8_t dstBlkStride = 1, src0BlkStride = 1, src1BlkStride = 1;
    uint8_t dstRepStride = 8, src0RepStride = 8, src1RepStride = 8;
};

} // namespace AscendC

namespace core {

// Arithmetic on half is done in float and rounded once; on others in their own type.
template <class T> using Wide = std::conditional_t<std::is_same_v<T, half>, float, T>;

static uint64_t checked(int64_t count) {
    if (count < 0) fault(text("a count of %ld", count));
    return (uint64_t)count;
}

template <class T> T *read(const AscendC::LocalTensor<T> &tensor, const char *role, uint64_t count) {
    return (T *)reach(tensor, V, READ, role, 0, count * sizeof(T));
}

template <class T> T *write(const AscendC::LocalTensor<T> &tensor, const char *role, uint64_t count) {
    return (T *)reach(tensor, V, WRITE, role, 0, count * sizeof(T));
}

// An operand that shares memory with ``dst`` must be it, lane by lane.
static void check_overlap(const Local &dst, uint64_t dst_bytes, const Local &src, uint64_t src_bytes,
                          const char *role) {
    const bool apart = dst.begin + dst_bytes <= src.begin || src.begin + src_bytes <= dst.begin;
    if (!apart && (dst.begin != src.begin || dst_bytes > src_bytes))
        fault(std::string("dst overlaps a part of ") + role);
}

template <class T, class Lane>
void each(const AscendC::LocalTensor<T> &dst, const AscendC::LocalTensor<T> &src, int64_t signed_count,
          Lane lane) {
    const uint64_t count = checked(signed_count);
    check_overlap(dst, count * sizeof(T), src, count * sizeof(T), "src");
    const T *from = read(src, "src", count);
    T *to = write(dst, "dst", count);
    for (uint64_t place = 0; place < count; place++)
        to[place] = (T)lane((Wide<T>)from[place], (Wide<T>)to[place]);
}

template <class T, class Lane>
void each(const AscendC::LocalTensor<T> &dst, const AscendC::LocalTensor<T> &src0,
          const AscendC::LocalTensor<T> &src1, int64_t signed_count, Lane lane) {
    const uint64_t count = checked(signed_count);
    check_overlap(dst, count * sizeof(T), src0, count * sizeof(T), "src0");
    check_overlap(dst, count * sizeof(T), src1, count * sizeof(T), "src1");
    const T *left = read(src0, "src0", count), *right = read(src1, "src1", count);
    T *to = write(dst, "dst", count);
    for (uint64_t place = 0; place < count; place++)
        to[place] = (T)lane((Wide<T>)left[place], (Wide<T>)right[place], (Wide<T>)to[place]);
}

// One operand of a call with repeats; strides in blocks of 32 bytes.
template <class T> struct Strided {
    const AscendC::LocalTensor<T> &tensor;
    const char *role;
    uint32_t block_stride, repeat_stride;

    T *at(Access access, uint32_t repeat, uint32_t lane, uint32_t count) const {
        const uint32_t block = lane * sizeof(T) / BLOCK;
        const uint64_t offset = ((uint64_t)repeat * repeat_stride + block * block_stride) * BLOCK;
        return (T *)reach(tensor, V, access, role, offset, count * sizeof(T));
    }

    // The place of a block in the unified buffer, of ``used`` blocks a repeat; and where the last one ends.
    size_t block(int64_t place, uint32_t used) const {
        const size_t found = tensor.begin / BLOCK + place / used * repeat_stride + place % used * block_stride;
        return found < UNIFIED_BUFFER / BLOCK ? found : UNIFIED_BUFFER / BLOCK - 1;
    }
    uint64_t end(uint32_t used, int64_t repeats) const {
        return tensor.begin + ((uint64_t)(repeats - 1) * repeat_stride + (used - 1) * block_stride + 1) * BLOCK;
    }
};

template <class T> void check_repeats(uint64_t mask, int64_t repeats) {
    if (mask < 1 || mask > REPEAT / sizeof(T))
        fault(text("mask %lu is not one of 1 to %lu", mask, REPEAT / sizeof(T)));
    if (repeats < 0 || repeats > 255) fault(text("repeatTime %ld is not one of 0 to 255", repeats));
}

// "General constraints": a repeat may read what it writes itself, block by block, but never what another one
// writes; the exception for a second source with stride 0 is not simulated.
template <class T>
void check_overlap(const Strided<T> &dst, const Strided<T> &src, uint64_t mask, int64_t repeats) {
    check_repeats<T>(mask, repeats);
    const uint32_t used = uint32_t((mask * sizeof(T) + BLOCK - 1) / BLOCK);
    if (repeats > 1 && dst.repeat_stride < (used - 1) * dst.block_stride + 1) fault("the repeats of dst overlap");
    if (dst.tensor.begin == src.tensor.begin && dst.block_stride == src.block_stride &&
        (dst.repeat_stride == src.repeat_stride || repeats == 1))
        return;
    if (dst.tensor.begin >= src.end(used, repeats) || src.tensor.begin >= dst.end(used, repeats)) return;
    std::vector<bool> written(UNIFIED_BUFFER / BLOCK);
    for (int64_t place = 0; place < repeats * used; place++) written[dst.block(place, used)] = true;
    for (int64_t place = 0; place < repeats * used; place++)
        if (written[src.block(place, used)]) fault(std::string("dst overlaps a part of ") + src.role);
}

// ``run(repeat, lane, count)`` for stretches of lanes that lie together: whole repeats, or else single blocks.
template <class T, class Run> void each_stretch(uint64_t mask, int64_t repeats, bool together, Run run) {
    const uint32_t most = together ? REPEAT / sizeof(T) : BLOCK / sizeof(T), lanes = (uint32_t)mask;
    for (uint32_t repeat = 0; repeat < repeats; repeat++)
        for (uint32_t lane = 0; lane < lanes; lane += most)
            run(repeat, lane, lanes - lane < most ? lanes - lane : most);
}

template <class T, class Lane>
void each(const AscendC::LocalTensor<T> &dst, const AscendC::LocalTensor<T> &src, uint64_t mask,
          int64_t repeats, const AscendC::UnaryRepeatParams &strides, Lane lane) {
    const Strided<T> to{dst, "dst", strides.dstBlkStride, strides.dstRepStride};
    const Strided<T> from{src, "src", strides.srcBlkStride, strides.srcRepStride};
    const bool together = strides.dstBlkStride == 1 && strides.srcBlkStride == 1;
    check_overlap(to, from, mask, repeats);
    each_stretch<T>(mask, repeats, together, [&](uint32_t repeat, uint32_t first, uint32_t count) {
        const T *source = from.at(READ, repeat, first, count);
        T *target = to.at(WRITE, repeat, first, count);
        for (uint32_t place = 0; place < count; place++)
            target[place] = (T)lane((Wide<T>)source[place], (Wide<T>)target[place]);
    });
}

template <class T, class Lane>
void each(const AscendC::LocalTensor<T> &dst, const AscendC::LocalTensor<T> &src0,
          const AscendC::LocalTensor<T> &src1, uint64_t mask, int64_t repeats,
          const AscendC::BinaryRepeatParams &strides, Lane lane) {
    const Strided<T> to{dst, "dst", strides.dstBlkStride, strides.dstRepStride};
    const Strided<T> left{src0, "src0", strides.src0BlkStride, strides.src0RepStride};
    const Strided<T> right{src1, "src1", strides.src1BlkStride, strides.src1RepStride};
    const bool together =
        strides.dstBlkStride == 1 && strides.src0BlkStride == 1 && strides.src1BlkStride == 1;
    check_overlap(to, left, mask, repeats);
    check_overlap(to, right, mask, repeats);
    each_stretch<T>(mask, repeats, together, [&](uint32_t repeat, uint32_t first, uint32_t count) {
        const T *a = left.at(READ, repeat, first, count), *b = right.at(READ, repeat, first, count);
        T *target = to.at(WRITE, repeat, first, count);
        for (uint32_t place = 0; place < count; place++)
            target[place] = (T)lane((Wide<T>)a[place], (Wide<T>)b[place], (Wide<T>)target[place]);
    });
}

} // namespace core
