"""Metal Shading Language: a kernel as a file of its own, and as the body that MLX's ``metal_kernel`` takes.

Metal compiles with fast math unless told otherwise, and then assumes that no number is infinite. Ours may be:
what is masked is minus infinity, as is what a maximum begins with. So the text asks for safe math by the
pragma that Metal 3.2 brought, before the library's functions are declared; for older versions the runner must
switch fast math off. The pragma leaves the library's functions in their fast forms, which is the default: the
exponential, the root and the maximum are the precise ones by name. Subnormal floats may be flushed to zero in
any mode: no result rests on one. A simdgroup has 32 threads, as on all of Apple's own GPUs. bf16 and f16 are
moved as ``ushort``. Before Metal 4 the language is C++14, which has no hexadecimal floats.

The body for MLX. MLX writes the signature: inputs before outputs, as ``uint16_t`` where the runner passes a
view of bf16 or f16 as ``uint16``; an input of fewer than eight elements is in ``constant``, not in ``device``
(a cache must have at least eight); of dimension 0 it is a reference. So ``position`` and ``token`` are passed
with the shape ``[1]``, and ``capacity``, where a kernel has it, as the last input with the shape ``[]``. An
input that is a slice must begin at a multiple of 16 bytes. MLX counts the grid in threads: ``grid * block``.
Safe math is its default. Its signature cannot say how many threads there will be: where a pipeline's registers
leave room for fewer than ``block``, MLX refuses the launch.

To MLX, every output is a fresh array: an update in place cannot be said. A row of the cache can. Of the kernel
that appends to the cache the runner asks, with capacity 1 and position 0, for outputs of one token, and puts
that row into its cache with ``mx.slice_update``, which works in place where no one else holds the cache.
"""

from __future__ import annotations

from dataclasses import replace

from runners.kernels.emit import simt
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage

SHARED_BYTES = 32 << 10  # what a threadgroup's variables may take in all
BODY = "// The body: MLX writes the signature."

_WIDEN_F16 = """\
$function float widen($stored narrow) { // no subnormal float on the way: it might be flushed to zero
    const unsigned sign = narrow & 0x8000u, magnitude = narrow & 0x7fffu;
    const unsigned bias = magnitude < 0x7c00u ? 0x38000000u : 0x70000000u; // infinity stays infinity
    const float normal = $as_float((magnitude << 13) + bias);
    const float wide = magnitude < 0x0400u ? (float)magnitude * 5.9604644775390625e-8f : normal;
    return $as_float($as_unsigned(wide) | sign << 16);
}"""

DIALECT = simt.Dialect(
    target="metal",
    opening="[[max_total_threads_per_threadgroup({threads})]]\nkernel void {name}(\n    {parameters}) {{",
    parameter="{constant}{space} {type} *{name} [[buffer({place})]]",
    capacity="constant int &capacity [[buffer({place})]]",
    position_parameters={
        "thread": "uint thread_index [[thread_index_in_threadgroup]]",
        "block": "uint group_index [[threadgroup_position_in_grid]]",
    },
    indices={},
    stored={"bf16": "ushort", "f16": "ushort", "f32": "float"},
    functions={"exp": "precise::exp", "rsqrt": "precise::rsqrt", "larger": "precise::fmax", "fma": "fma"},
    shuffle_xor="simd_shuffle_xor({value}, {distance})",
    barrier="threadgroup_barrier(mem_flags::mem_threadgroup);",
    function="static inline",
    device="device",
    shared="threadgroup",
    private="thread",
    wide="long",
    as_float="as_type<float>",
    as_unsigned="as_type<uint>",
    shared_bytes=SHARED_BYTES // 2,
    preamble=(
        "#pragma METAL fp math_mode(safe) // infinities are meant; before Metal 3.2: no fast math",
        "#include <metal_stdlib>",
        "using namespace metal;",
        "",
    ),
    constant="constant",
    constant_below=2,
    names={
        "thread": "thread_index",
        "block": "group_index",
        "warp": "simdgroup",
        "WARPS": "SIMDGROUPS",
        "WARP_ROWS": "SIMDGROUP_ROWS",
        "half": "half_index",
    },
    prose={
        "block": "threadgroup",
        "blocks": "threadgroups",
        "warp": "simdgroup",
    },
    widen={"f16": _WIDEN_F16},
)

MLX_DIALECT = replace(
    DIALECT,
    target="metal-mlx",
    opening=BODY,
    closing="",
    position_parameters={},
    indices={
        "thread": "const uint thread_index = thread_index_in_threadgroup;",
        "block": "const uint group_index = threadgroup_position_in_grid.x;",
    },
    constant_below=8,
)


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one Metal file."""
    return simt.emit(DIALECT, kernel, sizes, storage)


def emit_body(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as what MLX wants of it; see :func:`split`."""
    return simt.emit(MLX_DIALECT, kernel, sizes, storage)


def split(text: str) -> tuple[str, str]:
    """The ``header`` and the ``source`` that ``mx.fast.metal_kernel`` takes, from an emitted body."""
    header, found, source = text.partition(f"{BODY}\n")
    if not found:
        raise ValueError(f"not a body for MLX: no line {BODY!r}")
    return header, source


_STORAGES: tuple[Storage, ...] = ("bf16", "f16", "f32")
TARGET = Target("metal", "Metal", ".metal", _STORAGES, emit)
MLX_TARGET = Target("metal-mlx", "Metal, MLX kernel body", ".metal", _STORAGES, emit_body, form_of="metal")
