// Elementwise vector calls, each in two forms: of the first ``count`` elements, and with repeats and strides.
//
// Sources: the page of each call; its types are those of Atlas A2. None has arithmetic for bfloat16_t.
#pragma once

#include "lanes.h"

// Not <cmath>, which takes longer to read than all of these kernels.
extern "C" {
float expf(float);
float logf(float);
float sqrtf(float);
float fabsf(float);
float floorf(float);
float ceilf(float);
float roundf(float);
float rintf(float);
float truncf(float);
}

namespace core {

// "Rsqrt" and "Reciprocal" on Atlas A2: a float result misses the bound of one in ten thousand; the pages send
// whoever needs more to Sqrt and Div. Here each result is off by 2**-12, up or down.
static float estimated(float exact) {
    uint32_t bits;
    memcpy(&bits, &exact, sizeof bits);
    return exact * (bits & 1 ? 1 + 0x1p-12f : 1 - 0x1p-12f);
}

} // namespace core

#define ASCENDC_TYPES(name, ...) \
    static_assert(core::is_one_of<T, __VA_ARGS__>, name ": no such element type on Atlas A2")

#define ASCENDC_UNARY(Name, expression, ...)                                                       \
    template <class T>                                                                             \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, int32_t count,                 \
              int line = __builtin_LINE()) {                                                       \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                         \
        core::start(core::V, #Name, line);                                                         \
        core::each(dst, src, count, [](auto a, auto) { return expression; });                      \
    }                                                                                              \
    template <class T, bool isSetMask = true>                                                      \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, uint64_t mask, int repeatTime, \
              const UnaryRepeatParams &strides, int line = __builtin_LINE()) {                     \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                         \
        core::start(core::V, #Name, line);                                                         \
        core::each(dst, src, mask, repeatTime, strides, [](auto a, auto) { return expression; });  \
    }

#define ASCENDC_BINARY(Name, expression, ...)                                                           \
    template <class T>                                                                                  \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1,        \
              int32_t count, int line = __builtin_LINE()) {                                             \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                              \
        core::start(core::V, #Name, line);                                                              \
        core::each(dst, src0, src1, count, [](auto a, auto b, auto d) { return (void)d, expression; }); \
    }                                                                                                   \
    template <class T, bool isSetMask = true>                                                           \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src0, const LocalTensor<T> &src1,        \
              uint64_t mask, int repeatTime, const BinaryRepeatParams &strides,                         \
              int line = __builtin_LINE()) {                                                            \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                              \
        core::start(core::V, #Name, line);                                                              \
        core::each(dst, src0, src1, mask, repeatTime, strides,                                          \
                   [](auto a, auto b, auto d) { return (void)d, expression; });                         \
    }

#define ASCENDC_SCALAR(Name, expression, ...)                                                       \
    template <class T, bool isSetMask = true>                                                       \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, const T &scalar, int32_t count, \
              int line = __builtin_LINE()) {                                                        \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                          \
        core::start(core::V, #Name, line);                                                          \
        const core::Wide<T> b = scalar;                                                             \
        core::each(dst, src, count, [b](auto a, auto d) { return (void)d, expression; });           \
    }                                                                                               \
    template <class T, bool isSetMask = true>                                                       \
    void Name(const LocalTensor<T> &dst, const LocalTensor<T> &src, const T &scalar, uint64_t mask, \
              int repeatTime, const UnaryRepeatParams &strides, int line = __builtin_LINE()) {      \
        ASCENDC_TYPES(#Name, __VA_ARGS__);                                                          \
        core::start(core::V, #Name, line);                                                          \
        const core::Wide<T> b = scalar;                                                             \
        core::each(dst, src, mask, repeatTime, strides,                                             \
                   [b](auto a, auto d) { return (void)d, expression; });                            \
    }

namespace AscendC {

ASCENDC_UNARY(Exp, expf(a), half, float)
ASCENDC_UNARY(Ln, logf(a), half, float)
ASCENDC_UNARY(Sqrt, sqrtf(a), half, float)
ASCENDC_UNARY(Rsqrt, core::estimated(1 / sqrtf(a)), half, float)
ASCENDC_UNARY(Reciprocal, core::estimated(1 / a), half, float)
ASCENDC_UNARY(Abs, fabsf(a), half, float)
ASCENDC_UNARY(Relu, a > 0 ? a : 0, half, float, int32_t)

ASCENDC_BINARY(Add, a + b, int16_t, half, int32_t, float)
ASCENDC_BINARY(Sub, a - b, int16_t, half, int32_t, float)
ASCENDC_BINARY(Mul, a *b, int16_t, half, int32_t, float)
ASCENDC_BINARY(Div, a / b, half, float)
ASCENDC_BINARY(Max, a > b ? a : b, int16_t, half, int32_t, float)
ASCENDC_BINARY(Min, a < b ? a : b, int16_t, half, int32_t, float)
ASCENDC_BINARY(MulAddDst, a *b + d, half, float)

ASCENDC_SCALAR(Adds, a + b, int16_t, half, int32_t, float)
ASCENDC_SCALAR(Muls, a *b, int16_t, half, int32_t, float)
ASCENDC_SCALAR(Maxs, a > b ? a : b, int16_t, half, int32_t, float)
ASCENDC_SCALAR(Mins, a < b ? a : b, int16_t, half, int32_t, float)
ASCENDC_SCALAR(Axpy, a *b + d, half, float)

} // namespace AscendC
