"""The fixed text of the C emitter: reading and writing of storage types, e to the x, folding of lanes."""

from __future__ import annotations

from runners.kernels.expr import Kernel, Reduce, Unary
from runners.kernels.sizes import Storage

LANES = 64

HEAD = """\
// {doc}
// {arrays}

#include <math.h>
#include <stdint.h>
#include <string.h>"""

STORED: dict[Storage, str] = {"bf16": "uint16_t", "f16": "uint16_t", "f32": "float"}

WIDEN: dict[Storage, str] = {
    "bf16": """\
static inline float widen(uint16_t stored) { // bf16 is the upper half of f32
    const uint32_t bits = (uint32_t)stored << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}""",
    "f16": """\
static inline float widen(uint16_t stored) { // f16 by integers: compilers leave _Float16 scalar
    const uint32_t magnitude = (uint32_t)(stored & 0x7fff) << 13;
    float wide;
    memcpy(&wide, &magnitude, sizeof wide);
    wide *= 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    bits = magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : bits;
    bits |= (uint32_t)(stored & 0x8000) << 16;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}""",
    "f32": "static inline float widen(float stored) { return stored; }",
}

NARROW: dict[Storage, str] = {
    "bf16": """\
static inline uint16_t narrow(float wide) { // to the nearest, ties to even
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return wide == wide ? (uint16_t)bits : 0x7fc0;
}""",
    "f16": """\
static inline uint16_t narrow(float wide) { // to the nearest, ties to even
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    float small;
    memcpy(&small, &magnitude, sizeof small);
    small += 0.5f; // leaves a subnormal f16 in the low bits of the sum
    uint32_t subnormal;
    memcpy(&subnormal, &small, sizeof subnormal);
    subnormal -= 0x3f000000;
    const uint32_t normal = (magnitude - 0x38000000 + 0x0fff + (magnitude >> 13 & 1)) >> 13;
    uint32_t narrow = magnitude < 0x38800000 ? subnormal : normal;
    narrow = magnitude >= 0x477ff000 ? 0x7c00 : narrow;
    narrow = magnitude > 0x7f800000 ? 0x7e00 : narrow;
    return (uint16_t)(sign | narrow);
}""",
    "f32": "static inline float narrow(float wide) { return wide; }",
}

EXP = """\
static inline float exp_f32(float x) { // 2^n times 2^r with |r| <= 1/2: relative error below 3e-7
    x = x < -86.0f ? -86.0f : x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504f + 12582912.0f; // 1.5 * 2^23: n is in the low bits
    const float r = x * 1.44269504f - (shifted - 12582912.0f);
    float p = 1.32764668e-3f;
    p = p * r + 9.67554129e-3f;
    p = p * r + 5.55071329e-2f;
    p = p * r + 2.40221197e-1f;
    p = p * r + 6.93146967e-1f;
    p = p * r + 1.00000007f;
    uint32_t bits, n;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&n, &shifted, sizeof n);
    bits += n << 23; // onto the exponent
    memcpy(&p, &bits, sizeof p);
    return p;
}"""

RSQRT = "static inline float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }"

SUM_LANES = """\
static inline float sum_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] += part[lane + width];
    return part[0];
}"""

LARGER = "static inline float larger(float a, float b) { return a > b ? a : b; }"

MAX_LANES = """\
static inline float max_lanes(float *part) {
    for (long width = LANES / 2; width > 0; width /= 2)
        for (long lane = 0; lane < width; lane++) part[lane] = larger(part[lane], part[lane + width]);
    return part[0];
}"""


def helpers(storage: Storage, kernel: Kernel, panels: bool) -> list[str]:
    """The helpers that a kernel's text uses, and no other; ``panels`` are summed without a fold."""
    body = [node for store in kernel.stores for node in store.value.walk()]
    functions = {node.op for node in body if isinstance(node, Unary)}
    ops = {node.op for node in body if isinstance(node, Reduce)}
    needed = [
        (any(array.element == "stored" for array in kernel.inputs), WIDEN[storage]),
        (any(array.element == "stored" for array in kernel.outputs), NARROW[storage]),
        ("exp" in functions, EXP),
        ("rsqrt" in functions, RSQRT),
        (bool(ops), f"enum {{ LANES = {LANES} }};"),
        ("sum" in ops and not panels, SUM_LANES),
        (bool(ops - {"sum"}), f"{LARGER}\n\n{MAX_LANES}"),
    ]
    return [part for wanted, text in needed if wanted for part in ("", text)][1:]
