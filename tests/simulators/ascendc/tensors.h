// The element types, LocalTensor and GlobalTensor.
#pragma once

#include "global_memory.h"

#define __aicore__
#define __global__
#define __gm__
#define __ubuf__
#define __vector__
#define KERNEL_TASK_TYPE_DEFAULT(type)
#define KERNEL_TASK_TYPE(key, type)
#define GM_ADDR uint8_t *

using half = _Float16;

// A storage type: the vector unit loads, stores, copies and casts it, but has no arithmetic for it.
struct bfloat16_t {
    bfloat16_t() = default;
    bfloat16_t(float value) { // to the nearest, ties to even
        uint32_t wide;
        memcpy(&wide, &value, sizeof wide);
        bits = uint16_t(value != value ? wide >> 16 | 0x40 : (wide + 0x7fff + (wide >> 16 & 1)) >> 16);
    }
    uint16_t bits;
};

namespace core {

static float widened(bfloat16_t number) {
    const uint32_t bits = (uint32_t)number.bits << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T, class... Types> constexpr bool is_one_of = (std::is_same_v<T, Types> || ...);

} // namespace core

namespace AscendC {

using TPosition = core::Position;
using QuePosition = core::Position;

template <class T> class LocalTensor : public core::Local {
  public:
    LocalTensor operator[](uint32_t first) const {
        LocalTensor slice = *this;
        slice.begin += first * sizeof(T);
        if (slice.begin > end)
            core::fault(core::text("then operator[%u] of a tensor of %u elements", first, GetSize()));
        return slice;
    }

    // "GetValue" and "SetValue" of LocalTensor: both are instructions of the scalar pipe.
    T GetValue(uint32_t index, int line = __builtin_LINE()) const {
        core::start(core::S, "GetValue", line);
        return *(T *)core::reach(*this, core::S, core::READ, "the tensor", index * sizeof(T), sizeof(T),
                                 sizeof(T));
    }
    template <class U> void SetValue(uint32_t index, U value, int line = __builtin_LINE()) const {
        core::start(core::S, "SetValue", line);
        *(T *)core::reach(*this, core::S, core::WRITE, "the tensor", index * sizeof(T), sizeof(T),
                          sizeof(T)) = (T)value;
    }

    uint32_t GetSize() const { return (end - begin) / sizeof(T); }
    template <class U> LocalTensor<U> ReinterpretCast() const {
        LocalTensor<U> same;
        (core::Local &)same = *this;
        return same;
    }
};

template <class T> class GlobalTensor : public core::Global {
  public:
    void SetGlobalBuffer(T *address, uint64_t elements) {
        begin = (uintptr_t)address, end = begin + elements * sizeof(T);
    }
    void SetGlobalBuffer(T *address) { // to the end of the array
        const int array = core::array_of((uintptr_t)address);
        begin = (uintptr_t)address, end = array < 0 ? begin : core::arrays[array].end;
    }
    GlobalTensor operator[](uint64_t first) const {
        GlobalTensor slice = *this;
        slice.begin += first * sizeof(T);
        return slice;
    }
    uint64_t GetSize() const { return (end - begin) / sizeof(T); }

    // "GetValue" of GlobalTensor: it reads the core's data cache, not memory.
    T GetValue(uint64_t index, int line = __builtin_LINE()) const {
        core::start(core::S, "GetValue", line);
        core::check_cache(begin + index * sizeof(T));
        return *(T *)core::reach(*this, core::S, "the tensor", index * sizeof(T), sizeof(T));
    }
    // "SetValue" of GlobalTensor: it changes a 64-byte line of the core's data cache, which is written back as a
    // whole, over what other cores have stored beside it.
    void SetValue(uint64_t, T, int line = __builtin_LINE()) const {
        core::where = {"SetValue", line};
        core::fault(
            "writes whole lines of 64 bytes through the data cache: store through a queue and DataCopyPad");
    }
};

enum class CacheLine { SINGLE_CACHE_LINE, ENTIRE_DATA_CACHE };
enum class DcciDst { CACHELINE_ALL, CACHELINE_UB, CACHELINE_OUT, CACHELINE_ATOMIC };

// Afterwards the core's data cache holds what memory holds: of the line of 64 bytes at the tensor's begin.
template <class T, CacheLine lines, DcciDst target = DcciDst::CACHELINE_OUT>
void DataCacheCleanAndInvalid(const GlobalTensor<T> &tensor, int line = __builtin_LINE()) {
    static_assert(lines == CacheLine::SINGLE_CACHE_LINE && target == DcciDst::CACHELINE_OUT,
                  "no other is simulated");
    core::start(core::S, "DataCacheCleanAndInvalid", line);
    core::fresh_lines.insert(tensor.begin / core::CACHE_LINE);
}

static inline float ToFloat(bfloat16_t number) { return core::widened(number); }
static inline bfloat16_t ToBfloat16(float value) { return bfloat16_t(value); }

} // namespace AscendC
