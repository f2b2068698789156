// Cast between element types, with the pairs and roundings that Atlas A2 has ("Cast", table for Atlas A2).
//
// What is too large for a 16-bit float becomes infinite, as in the mode that the runtime sets on this device;
// "SetCtrlSpr" can make it saturate instead. What is too large for an integer saturates.
#pragma once

#include "vector.h"

namespace AscendC {

enum class RoundMode { CAST_NONE, CAST_RINT, CAST_FLOOR, CAST_CEIL, CAST_ROUND, CAST_TRUNC, CAST_ODD };

} // namespace AscendC

namespace core {

using AscendC::RoundMode;

template <class From, class To> constexpr bool is_pair() {
    return (std::is_same_v<From, bfloat16_t> && is_one_of<To, float, int32_t>) ||
           (std::is_same_v<From, half> && is_one_of<To, float, int32_t, int16_t>) ||
           (std::is_same_v<From, float> && is_one_of<To, float, half, bfloat16_t, int32_t, int16_t>) ||
           (std::is_same_v<From, int16_t> && is_one_of<To, float>) ||
           (std::is_same_v<From, int32_t> && is_one_of<To, float, int16_t>);
}

// CAST_NONE where nothing can be lost, and for the pairs whose row names it; else CAST_RINT to CAST_TRUNC.
template <class From, class To> bool is_mode(RoundMode mode) {
    constexpr bool exact = is_one_of<From, bfloat16_t, half, int16_t> && std::is_same_v<To, float>;
    constexpr bool narrowed = std::is_same_v<From, int32_t> && std::is_same_v<To, int16_t>;
    constexpr bool either = (std::is_same_v<From, float> && std::is_same_v<To, half>) ||
                            (std::is_same_v<From, int32_t> && std::is_same_v<To, float>);
    if (mode == RoundMode::CAST_NONE) return exact || narrowed || either;
    return mode != RoundMode::CAST_ODD && !exact && !narrowed;
}

// The whole number that ``mode`` makes of ``value``.
static float whole(float value, RoundMode mode) {
    switch (mode) {
    case RoundMode::CAST_FLOOR: return floorf(value);
    case RoundMode::CAST_CEIL: return ceilf(value);
    case RoundMode::CAST_ROUND: return roundf(value);
    case RoundMode::CAST_TRUNC: return truncf(value);
    default: return rintf(value);
    }
}

template <class To> To saturated(float value) {
    constexpr To most = To(~((typename std::make_unsigned_t<To>)1 << (8 * sizeof(To) - 1)));
    if (value != value) return 0;
    if (value >= (float)most) return most;
    return value <= -(float)most - 1 ? To(-most - 1) : (To)value;
}

static float widened(float value) { return value; }
static float widened(half value) { return (float)value; }
static half nearest(float value, half) { return (half)value; }
static bfloat16_t nearest(float value, bfloat16_t) { return bfloat16_t(value); }

template <class To> To next(To number, int steps) { // away from zero, or back
    uint16_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = uint16_t(bits + steps);
    memcpy(&number, &bits, sizeof bits);
    return number;
}

// A 16-bit float: the nearest, or the one on the side that ``mode`` asks for.
template <class To> To rounded(float value, RoundMode mode) {
    const To number = nearest(value, To());
    if (mode == RoundMode::CAST_NONE || mode == RoundMode::CAST_RINT) return number;
    if (widened(number) == value || value != value) return number;
    const To inner = fabsf(widened(number)) > fabsf(value) ? next(number, -1) : number,
             outer = next(inner, 1);
    const float below = fabsf(value) - fabsf(widened(inner)), above = fabsf(widened(outer)) - fabsf(value);
    if (mode == RoundMode::CAST_ROUND) return below >= above ? outer : inner;
    return (mode == RoundMode::CAST_FLOOR && value < 0) || (mode == RoundMode::CAST_CEIL && value > 0)
               ? outer
               : inner;
}

template <class To, class From> To converted(From from, RoundMode mode) {
    if constexpr (std::is_same_v<From, int32_t> && std::is_same_v<To, int16_t>)
        return from > 32767 ? 32767 : from < -32768 ? -32768 : (To)from;
    else if constexpr (std::is_integral_v<From>) return (To)from; // to float, to the nearest
    else if constexpr (is_one_of<To, half, bfloat16_t>) return rounded<To>(widened(from), mode);
    else if constexpr (std::is_integral_v<To>) return saturated<To>(whole(widened(from), mode));
    else if constexpr (std::is_same_v<From, float>) return whole(from, mode);
    else return widened(from);
}

} // namespace core

namespace AscendC {

template <class T, class U>
void Cast(const LocalTensor<T> &dst, const LocalTensor<U> &src, const RoundMode &mode, uint32_t count,
          int line = __builtin_LINE()) {
    static_assert(core::is_pair<U, T>(), "Cast: no such pair of element types on Atlas A2");
    core::start(core::V, "Cast", line);
    if (!core::is_mode<U, T>(mode))
        core::fault(core::text("RoundMode %d is not one that this pair of types has", (int)mode));
    if constexpr (std::is_same_v<U, int32_t> && std::is_same_v<T, float>)
        if (mode != RoundMode::CAST_NONE && mode != RoundMode::CAST_RINT)
            core::fault("this rounding is not simulated");
    core::check_overlap(dst, count * sizeof(T), src, count * sizeof(U), "src");
    const U *from = core::read(src, "src", count);
    T *to = core::write(dst, "dst", count);
    if constexpr (core::is_one_of<T, half, bfloat16_t>) {
        if (mode == RoundMode::CAST_RINT || mode == RoundMode::CAST_NONE) { // as below, but quick
            for (uint32_t place = 0; place < count; place++)
                to[place] = core::nearest((float)from[place], T());
            return;
        }
    }
    for (uint32_t place = 0; place < count; place++) to[place] = core::converted<T>(from[place], mode);
}

} // namespace AscendC
