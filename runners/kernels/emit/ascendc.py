"""AscendC C++, for the vector cores of Huawei's Atlas A2 (Ascend 910B): one function a kernel.

It prints the tile program of :mod:`.tile_lower` with calls that CANN documents for these cores, by their names in
CANN 8.5 (9.1 renames some, such as ``WholeReduceSum``, and keeps these). Nothing is approximate that need
not be: the documented errors of ``Rsqrt`` and ``Reciprocal`` are above 1e-4, so the reciprocal of a root
is ``Sqrt`` and ``Div``.
"""

from __future__ import annotations

import textwrap

from runners.kernels.emit import tile
from runners.kernels.emit.ascendc_body import TYPES, AscendBody, camel
from runners.kernels.emit.ascendc_order import used
from runners.kernels.emit.ascendc_text import helpers
from runners.kernels.emit.clike import length_name
from runners.kernels.emit.emitted import Emitted, Target
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.emit.tile_lower import lower
from runners.kernels.emit.tile_place import Dtype, Tile
from runners.kernels.expr import Array, Axis, Kernel
from runners.kernels.sizes import Sizes, Storage

WIDTH = 110
VECTOR_ONLY = (
    "KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);"  # else a block may be a cube and two vector cores
)
_TIED = "\u00a0"  # a blank at which no line is broken
_PLACES = {
    "input": ("TQue<TPosition::VECIN, 1>", "Queue"),
    "output": ("TQue<TPosition::VECOUT, 1>", "Queue"),
    "work": ("TBuf<TPosition::VECCALC>", "Buffer"),
}
MOST_QUEUED = 8  # buffers of all queues of a side: each takes an event of the hardware's eight


def emit(kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one AscendC file."""
    program = lower(kernel, sizes, storage)
    for role in ("input", "output"):
        queued = sum(found.buffers for found in program.tiles if found.role == role)
        if queued > MOST_QUEUED:
            raise NotImplementedError(
                f"{kernel.name}: {queued} {role} buffers, and there are {MOST_QUEUED} events"
            )
    text = "\n".join(_file(program)) + "\n"
    return Emitted(kernel, "ascendc", sizes, storage, text, {"blocks": program.launch})


def _file(program: tile.Program) -> list[str]:
    kernel = program.kernel
    body = AscendBody(program)
    body.depth = 1
    _declarations(body)
    body.block_of(program.body)
    own = [
        f"constexpr int64_t {name} = {value}; // {doc}"
        for name, (value, doc) in program.constants.items()
        if doc
    ]
    lengths = [f"{name.upper()} = {length}" for name, length in program.sizes.lengths.items()]
    return [
        *program.head,
        "",
        '#include "kernel_operator.h"',
        "",
        "using namespace AscendC;",
        "",
        f"constexpr int64_t {', '.join(lengths)};",
        *own,
        "",
        *helpers(body.text),
        *(line.replace(_TIED, " ") for line in _wrapped(_signature(kernel))),
        f"    {VECTOR_ONLY}",
        *(part for line in body.lines for part in _wrapped(line)),
        "}",
    ]


def _wrapped(line: str) -> list[str]:
    """A line as several, each further in than the first, where it is too long to be read."""
    further = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=further, break_on_hyphens=False) or [""]


def _signature(kernel: Kernel) -> str:
    dynamic = has_dynamic(axis for array in kernel.arrays for axis in array.axes)
    found = [f"GM_ADDR {array.name}" for array in kernel.arrays] + ["int32_t capacity"] * dynamic
    parameters = ", ".join(parameter.replace(" ", _TIED) for parameter in found)
    return f'extern "C" __global__ __aicore__ void {kernel.name}({parameters}) {{'


def _declarations(body: AscendBody) -> None:
    """Arrays, queues and buffers."""
    program = body.program
    touched = {s.array for s in tile.walk(program.body) if isinstance(s, tile.Load | tile.Store | tile.Read)}
    for array in program.kernel.arrays:
        if array in touched:
            kind = TYPES[_dtype(array, program.storage)]
            name, size = camel(array.name, "Gm"), " * ".join(map(_extent, array.axes)) or "1"
            body.add(f"GlobalTensor<{kind}> {name};")
            body.add(f"{name}.SetGlobalBuffer((__gm__ {kind} *){array.name}, {size});")
    body.add("", "TPipe pipe;")
    for role, (kind, ending) in _PLACES.items():
        found = [one for one in _used(program) if one.role == role]
        if found:
            body.add(f"{kind} {', '.join(camel(one.name, ending) for one in found)};")
            body.add(*(_initial(one, camel(one.name, ending)) for one in found))
    for one in _used(program):
        if one.role == "work":
            name, get = body.local(one), f"{camel(one.name, 'Buffer')}.Get<{TYPES[one.dtype]}>()"
            body.add(f"LocalTensor<{TYPES[one.dtype]}> {name} = {get};")
    body.add("")


def _initial(found: Tile, name: str) -> str:
    """The call that gives a queue or a buffer its room."""
    shape = f"{found.rows} * {found.cols}" if found.rows > 1 else f"{found.cols}"
    room = f"{shape} / 8" if found.dtype == "mask" else f"{shape} * sizeof({TYPES[found.dtype]})"
    return f"pipe.InitBuffer({name}, {'' if found.role == 'work' else f'{found.buffers}, '}{room});"


def _dtype(array: Array, storage: Storage) -> Dtype:
    return storage if array.element == "stored" else array.element


def _extent(axis: Axis) -> str:
    return "capacity" if axis.dynamic else length_name(axis)


def _used(program: tile.Program) -> list[Tile]:
    """The tiles that the program touches."""
    found: set[Tile] = set()
    for statement in tile.walk(program.body):
        found |= {statement.out} if isinstance(statement, tile.Load) else used(statement)
    return [one for one in program.tiles if one in found]


TARGET = Target("ascendc", "AscendC C++", ".cpp", ("bf16", "f16", "f32"), emit)
