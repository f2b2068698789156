"""The fixed text of the SIMT emitter: a dialect's words, and helper functions written in them.

f16 is widened with shifts, a mask and multiplications, without the header or the assembly that a
conversion instruction needs: the text stays self-contained, a simulator runs the very same text, and the
integer units of a GPU have twice the throughput that memory asks of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template

from runners.kernels.sizes import Storage

WARP = 32
CONSTANT = "constant"  # how the helpers' names end that load from small inputs


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words in which SIMT languages differ; all else of a kernel's text is common to them.

    ``opening``, ``parameter`` and ``shuffle_xor`` are formatted with the names in braces. ``indices`` and
    ``position_parameters`` define ``thread`` and ``block``, as variables or as parameters, where the body
    uses them. ``device``, ``shared`` and ``private`` are address spaces: of arrays, of a block's memory, of
    what a helper is given to fill; inputs of fewer than ``constant_below`` elements are in ``constant``.
    ``names`` stand for our own where the language reserves those or has better ones, ``prose`` likewise in
    comments. ``widen`` is for storage types that the language should widen otherwise.

    Where launches may overlap, ``wait`` is what each thread says before it touches memory, and ``ahead`` how
    it asks, before that, for the stretch of a weight that begins at ``{place}``; ``overlap`` has their helpers.
    """

    target: str
    opening: str  # {name}, {threads}, {parameters}
    parameter: str  # {constant}, {space}, {type}, {name}, {place}
    capacity: str  # {place}
    position_parameters: Mapping[str, str]
    indices: Mapping[str, str]
    stored: Mapping[Storage, str]
    functions: Mapping[str, str]  # exp, rsqrt, larger, fma
    shuffle_xor: str  # {value}, {distance}
    barrier: str
    function: str  # what stands before a helper
    device: str
    shared: str
    private: str
    wide: str  # a signed integer of 64 bits
    as_float: str  # bits of an unsigned as a float
    as_unsigned: str
    shared_bytes: int  # of a block's memory, for the sums that its teams leave there
    preamble: tuple[str, ...] = ()
    closing: str = "}"
    constant: str = ""
    constant_below: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    prose: Mapping[str, str] = field(default_factory=dict)
    widen: Mapping[Storage, str] = field(default_factory=dict)
    wait: str = ""
    ahead: str = ""  # {place}
    overlap: Mapping[str, str] = field(default_factory=dict)


_WIDEN: dict[Storage, str] = {
    "bf16": """\
$function float widen($stored narrow) { // bf16 is the upper half of f32
    return $as_float((unsigned)narrow << 16);
}""",
    "f16": """\
$function float widen($stored narrow) { // sign and magnitude to their places, then the exponent's bias
    const unsigned bits = (unsigned)((int)((unsigned)narrow << 16) >> 3) & 0x8fffe000u;
    const float wide = $as_float(bits) * 0x1p112f;
    return wide * 0x1p112f * 0x1p-112f; // what f16 calls infinite overflows; the rest is exact
}""",
}

_NARROW: dict[Storage, str] = {
    "bf16": """\
$function $stored narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = $as_unsigned(wide);
    const unsigned rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return ($stored)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}""",
    "f16": """\
$function $stored narrow(float wide) { // to the nearest, ties to even
    const unsigned bits = $as_unsigned(wide), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    const unsigned subnormal = $as_unsigned($as_float(magnitude) + 0.5f) - 0x3f000000u;
    const unsigned normal = (magnitude - 0x38000000u + 0x0fffu + (magnitude >> 13 & 1u)) >> 13;
    const unsigned finite = magnitude < 0x38800000u ? subnormal : normal;
    const unsigned nearest = magnitude >= 0x477ff000u ? 0x7c00u : finite;
    return ($stored)(sign | (magnitude > 0x7f800000u ? 0x7e00u : nearest));
}""",
}

_RUNS = {
    "load_f32": """\
$function void load_f32(const $device float *from, $private float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4) {
        const float4 four = *(const $device float4 *)(from + i);
        to[i] = four.x;
        to[i + 1] = four.y;
        to[i + 2] = four.z;
        to[i + 3] = four.w;
    }
}""",
    "load_stored": """\
$function void load_stored(const $device $stored *from, $private float *to) { // 16 bytes at once
    const uint4 words = *(const $device uint4 *)from;
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
    for (int i = 0; i < RUN; i++) to[i] = widen(($stored)(word[i / 2] >> 16 * (i % 2)));
}""",
    "store_f32": """\
$function void store_f32(const $private float *from, $device float *to) { // 16 bytes at a time
    for (int i = 0; i < RUN; i += 4)
        *($device float4 *)(to + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
}""",
    "store_stored": """\
$function void store_stored(const $private float *from, $device $stored *to) { // 16 bytes at once
    unsigned word[4] = {0, 0, 0, 0};
    for (int i = 0; i < RUN; i++) word[i / 2] |= (unsigned)narrow(from[i]) << 16 * (i % 2);
    *($device uint4 *)to = uint4{word[0], word[1], word[2], word[3]};
}""",
}

_SINGLE_RUNS = {
    "load_f32": """\
$function void load_f32(const $device float *from, $private float *to) { to[0] = from[0]; }""",
    "load_stored": """\
$function void load_stored(const $device $stored *from, $private float *to) { to[0] = widen(from[0]); }""",
    "store_f32": """\
$function void store_f32(const $private float *from, $device float *to) { to[0] = from[0]; }""",
    "store_stored": """\
$function void store_stored(const $private float *from, $device $stored *to) { to[0] = narrow(from[0]); }""",
}

_FOLDS = {
    "lane_sum": """\
$function float lane_sum(float value) { // every lane gets the sum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value += $shuffled_value;
    return value;
}""",
    "lane_max": """\
$function float lane_max(float value) { // every lane gets the maximum
    for (int distance = LANES / 2; distance > 0; distance /= 2) value = $larger(value, $shuffled_value);
    return value;
}""",
    "take_better": """\
$function void take_better(float value, int place, $private float &best_value, $private int &best) {
    if (value > best_value || (value == best_value && place < best)) {
        best_value = value;
        best = place;
    }
}""",
    "lane_best": """\
$function void lane_best($private float &value, $private int &place) { // every lane gets the first largest
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
        const float other_value = $shuffled_value;
        const int other_place = $shuffled_place;
        take_better(other_value, other_place, value, place);
    }
}""",
}


def helpers(dialect: Dialect, storage: Storage, single: bool, body: str) -> list[str]:
    """The helpers that ``body`` calls, and those that they call. ``single``: a run is one element."""
    runs = _SINGLE_RUNS if single else _RUNS
    known = {**runs, **_of_constants(runs), **_FOLDS, **dialect.overlap}
    if storage != "f32":
        widen = {**_WIDEN, **dialect.widen}[storage]
        known = {"widen": widen, "narrow": _NARROW[storage], **known}
    wanted: list[str] = []
    for name in reversed(known):
        if any(f"{name}(" in text for text in (body, *wanted)):
            wanted.insert(0, _spelled(known[name], dialect, storage))
    return [line for text in wanted for line in (text, "")]


def _of_constants(runs: Mapping[str, str]) -> dict[str, str]:
    """The same loads, from the constant address space."""
    return {
        f"{name}_{CONSTANT}": text.replace(f"{name}(", f"{name}_{CONSTANT}(").replace("$device", "$constant")
        for name, text in runs.items()
        if name.startswith("load")
    }


def renamed(text: str, names: Mapping[str, str]) -> str:
    """``text`` with other words for those in ``names``."""
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)


def _spelled(text: str, dialect: Dialect, storage: Storage) -> str:
    words = {name: getattr(dialect, name) for name in ("function", "as_float", "as_unsigned")}
    spaces = {name: getattr(dialect, name) for name in ("device", "private", "constant")}
    shuffled = {
        f"shuffled_{value}": dialect.shuffle_xor.format(value=value, distance="distance")
        for value in ("value", "place")
    }
    stored, larger = dialect.stored[storage], dialect.functions["larger"]
    for name, space in spaces.items():  # an empty address space takes its blank with it
        text = text if space else text.replace(f"${name} ", "")
    return Template(text).substitute(**words, **spaces, **shuffled, stored=stored, larger=larger)
