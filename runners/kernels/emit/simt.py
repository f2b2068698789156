"""SIMT: many threads run one text, in warps of 32 that exchange values, and in blocks that share memory.

Which strategy a kernel gets follows from its expressions alone: matrix times vector
(:mod:`runners.kernels.emit.simt_matvec`), rows and points (:mod:`runners.kernels.emit.simt_rows`), a softmax
over the tokens (:mod:`runners.kernels.emit.simt_online`). A language is a
:class:`~runners.kernels.emit.simt_text.Dialect`, which is data. A kernel is one launch whose grid and block
are numbers: nothing depends on the depth, which is read where the kernel runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from runners.kernels.emit import simt_matvec, simt_online, simt_rows
from runners.kernels.emit.clike import constants
from runners.kernels.emit.emitted import Emitted
from runners.kernels.emit.schedule import has_dynamic, matrices
from runners.kernels.emit.simt_body import Body
from runners.kernels.emit.simt_text import Dialect as Dialect
from runners.kernels.emit.simt_text import helpers, renamed
from runners.kernels.expr import Axis, Kernel
from runners.kernels.sizes import Sizes, Storage


def emit(dialect: Dialect, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
    """The kernel as one file in ``dialect``."""
    write, run_axes = strategy(kernel)
    body = Body(kernel, sizes, storage, dialect, run_axes)
    body.lines.depth = body.ahead.depth = 1
    write(body)
    return Emitted(
        kernel=kernel,
        target=dialect.target,
        sizes=sizes,
        storage=storage,
        text=_file(body),
        launch={"grid": body.grid, "block": body.block},
    )


def strategy(kernel: Kernel) -> tuple[Callable[[Body], None], Iterable[Axis]]:
    """How the kernel runs, and the axes along which it takes runs of elements."""
    reduced = [node.axis for node in kernel.reductions]
    written = [store.target.axes[-1] for store in kernel.stores if store.target.axes]
    found = matrices(kernel)
    if found and len(found) == len(reduced) and len(set(reduced)) == 1:
        return simt_matvec.write, reduced
    if any(axis.dynamic for axis in reduced):
        return simt_online.write, simt_online.inner_axes(kernel)
    if reduced:
        return simt_rows.write_programs, [*reduced, *written]
    return simt_rows.write_points, written


def _file(body: Body) -> str:
    """Head, constants, the helpers that the body calls, the body."""
    kernel, dialect = body.kernel, body.dialect
    text = renamed(_whole(body), dialect.names)
    how = f"{body.how} Launch: {body.grid} {_many('block', body.grid)} of {body.block} threads."
    opening = dialect.opening.format(
        name=kernel.name, threads=body.block, parameters=",\n    ".join(_parameters(body))
    )
    lines = [
        f"// {kernel.doc}",
        f"// {kernel.signature}",
        f"// {renamed(how, dialect.prose)}",
        "",
        *dialect.preamble,
        *constants(body.sizes),
        *_own_constants(body),
        "",
        *helpers(dialect, body.storage, body.run == 1, text),
        opening,
        text + dialect.closing,
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _whole(body: Body) -> str:
    """The indices that the body uses, what need not wait, the wait where there is one, and the body."""
    wait = [body.dialect.wait] if body.dialect.wait else []
    before = [f"    {line}" for line in _used(body, body.dialect.indices)]
    lines = [*before, *body.ahead.lines, *(f"    {line}" for line in wait), *body.lines.lines]
    return "\n".join(lines) + "\n"


def _own_constants(body: Body) -> list[str]:
    names, prose = body.dialect.names, body.dialect.prose
    return [
        f"enum {{ {renamed(name, names)} = {value} }}; // {renamed(doc, prose)}"
        for name, (value, doc) in body.constants.items()
    ]


def _used(body: Body, lines: Mapping[str, str]) -> list[str]:
    """The lines whose name the body uses."""
    text = body.ahead.text + body.lines.text
    return [line for name, line in lines.items() if re.search(rf"\b{name}\b", text)]


def _many(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _parameters(body: Body) -> list[str]:
    kernel, dialect = body.kernel, body.dialect
    kinds = {"stored": dialect.stored[body.storage], "f32": "float", "i32": "int"}
    spelled = [
        dialect.parameter.format(
            constant="const " if array in kernel.inputs else "",
            space=body.space(array),
            type=kinds[array.element],
            name=array.name,
            place=place,
        )
        for place, array in enumerate(kernel.arrays)
    ]
    if any(has_dynamic(array.axes) for array in kernel.arrays):
        spelled.append(dialect.capacity.format(place=len(spelled)))
    return [*spelled, *_used(body, dialect.position_parameters)]
