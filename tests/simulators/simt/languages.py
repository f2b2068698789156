"""What the SIMT simulator must know of each language: its header, the text as the vendor compiles it, the call."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runners.kernels.emit import Emitted, metal
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.expr import Array

METAL_FLAGS = ("-Wno-attributes", "-Wdouble-promotion")  # Metal has no double


class SimulationError(Exception):
    """What the simulator says about a kernel that cannot go on."""


@dataclass(frozen=True, slots=True)
class Language:
    """``function`` names the kernel's function; ``call`` is a statement that calls the name it is given.

    ``least_dynamic``: how many elements an input with the dynamic axis must have.
    """

    header: str
    text: Callable[[Emitted], str]
    call: Callable[[Emitted, str], str]
    function: str = "{name}"
    flags: tuple[str, ...] = ()
    least_dynamic: int = 0


def _as_it_is(emitted: Emitted) -> str:
    return emitted.text


def _with_all_arrays(_: Emitted, name: str) -> str:
    return f"simt::call({name});"


# --- Metal ----------------------------------------------------------------------------------------------


def _metal_call(emitted: Emitted, name: str) -> str:
    most = re.findall(r"\[\[max_total_threads_per_threadgroup\((\d+)\)\]\]", emitted.text)
    if most != [str(emitted.launch["block"])]:
        raise SimulationError(f"{emitted.kernel.name}: {emitted.launch['block']} threads, allowed {most}")
    return _bound(emitted.text, name, emitted, [*emitted.kernel.arrays, None])


def _bound(text: str, name: str, emitted: Emitted, buffers: Sequence[Array | None]) -> str:
    """The call with what each parameter's attribute asks for. ``buffers``: arrays, and ``None``, the capacity."""
    found = re.search(rf"\bkernel(?:\]\])? void \w*{emitted.kernel.name}\(([^{{]*)\) {{", text)
    if found is None:
        raise SimulationError(f"{emitted.kernel.name}: no kernel of that name")
    values = []
    for attribute, place in re.findall(r"\[\[(\w+)(?:\((\d+)\))?\]\]", found[1]):
        if attribute != "buffer":
            values.append(f"simt::{attribute}()")
        elif int(place) >= len(buffers):
            raise SimulationError(f"{emitted.kernel.name}: no buffer {place}")
        else:
            values.append(_buffer(emitted, buffers[int(place)]))
    return f"{name}({', '.join(values)});"


def _buffer(emitted: Emitted, array: Array | None) -> str:
    if array is None:
        return "simt::capacity"
    return f"simt::Buffer<{_element(emitted, array)}>{{{emitted.kernel.arrays.index(array)}}}"


def _element(emitted: Emitted, array: Array) -> str:
    stored = "float" if emitted.storage == "f32" else "uint16_t"
    return {"stored": stored, "f32": "float", "i32": "int32_t"}[array.element]


# --- MLX, which writes the signature itself -------------------------------------------------------------

CONSTANT_BELOW = 8  # elements: smaller inputs are in the constant address space
ATTRIBUTES = {"thread_index_in_threadgroup": "uint", "threadgroup_position_in_grid": "uint3"}


def mlx_text(emitted: Emitted) -> str:
    """The body between MLX's signature and brace, as its ``metal_kernel`` puts them together."""
    header, source = metal.split(emitted.text)
    inputs, outputs = _mlx_inputs(emitted), emitted.kernel.outputs
    names = [array.name if array else "capacity" for array in inputs]
    if extra := [name for name in names if re.search(rf"{name}_(shape|strides|ndim)", source)]:
        raise SimulationError(f"{emitted.kernel.name}: MLX would add parameters for {', '.join(extra)}")
    parameters = [_mlx_input(emitted, array) for array in inputs]
    parameters += [f"device {_element(emitted, array)}* {array.name}" for array in outputs]
    buffers = [f"{parameter} [[buffer({place})]]" for place, parameter in enumerate(parameters)]
    attributes = [f"{kind} {name} [[{name}]]" for name, kind in ATTRIBUTES.items() if name in source]
    listed = ",\n  ".join([*buffers, *attributes])
    return f"{header}[[kernel]] void custom_kernel_{emitted.kernel.name}(\n  {listed}) {{\n{source}\n}}\n"


def _mlx_inputs(emitted: Emitted) -> list[Array | None]:
    """The inputs in MLX's order; ``None`` is the capacity."""
    dynamic = any(has_dynamic(array.axes) for array in emitted.kernel.arrays)
    return [*emitted.kernel.inputs, *([None] if dynamic else [])]


def _mlx_input(emitted: Emitted, array: Array | None) -> str:
    if array is None:
        return "const constant int32_t& capacity"
    elements = 1
    for length in emitted.sizes.shape(array.axes, CONSTANT_BELOW):
        elements *= length
    space = "constant" if elements < CONSTANT_BELOW else "device"
    return f"const {space} {_element(emitted, array)}* {array.name}"


def _mlx_call(emitted: Emitted, name: str) -> str:
    return _bound(mlx_text(emitted), name, emitted, [*_mlx_inputs(emitted), *emitted.kernel.outputs])


LANGUAGES = {
    "cuda": Language("cuda.h", _as_it_is, _with_all_arrays),
    "metal": Language("metal_stdlib", _as_it_is, _metal_call, flags=METAL_FLAGS),
    "metal-mlx": Language(
        "metal_stdlib", mlx_text, _mlx_call, "custom_kernel_{name}", METAL_FLAGS, CONSTANT_BELOW
    ),
}
