"""What an emitter asks of a kernel before it decides how to run it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runners.kernels.expr import Array, Axis, Expr, Kernel, Load


def matrices(kernel: Kernel) -> tuple[Array, ...]:
    """The matrices of a matrix-times-vector kernel: stored, ``[parallel, reduced]``, times a shared vector."""
    found = []
    for node in kernel.reductions:
        matrix, vector = (*node.x.parts, None, None)[:2]
        if not (isinstance(matrix, Load) and isinstance(vector, Load) and node.op == "sum"):
            continue
        if matrix.axes == (*kernel.parallel, node.axis) and vector.axes == (node.axis,):
            found.append(matrix.array)
    return tuple(found)


def has_dynamic(axes: Iterable[Axis]) -> bool:
    """Whether any of the axes is the tokens in the cache."""
    return any(axis.dynamic for axis in axes)


def needed(node: Expr, known: Iterable[Expr]) -> Iterator[Expr]:
    """``node`` and what it is computed from, without what is ``known`` already and what only that needs."""
    if node in known:
        return
    for part in node.parts:
        yield from needed(part, known)
    yield node
