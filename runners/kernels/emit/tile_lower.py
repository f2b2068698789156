"""The lowering: from a kernel's graph to a tile program, by what its expressions are and by their lengths.

A kernel whose reductions are all products of a matrix and a vector takes row tiles of the matrix
(:mod:`.tile_matvec`); a softmax over the tokens takes blocks of tokens (:mod:`.tile_tokens`); else a
program's rows lie in the buffer as a whole, or, where nothing is reduced, piece by piece (:mod:`.tile_rows`).
"""

from __future__ import annotations

from runners.kernels.emit import tile_matvec, tile_rows, tile_tokens
from runners.kernels.emit.schedule import matrices
from runners.kernels.emit.tile import Program
from runners.kernels.emit.tile_place import BLOCK, BLOCKS, CAPACITY
from runners.kernels.emit.tile_values import Values
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage


def lower(kernel: Kernel, sizes: Sizes, storage: Storage) -> Program:
    """The tile program of ``kernel``.

    Raises :class:`NotImplementedError` for an expression that no strategy has, and :class:`ValueError` for
    lengths whose tiles find no room, or an axis that is called as a program's own index.
    """
    if taken := {axis.name for axis in kernel.axes} & {index.name for index in (BLOCK, BLOCKS, CAPACITY)}:
        raise ValueError(f"{kernel.name}: an axis called {taken.pop()}, which stands for something else")
    body = Values(kernel, sizes, storage)
    reduced = [node.axis for node in kernel.reductions]
    found = matrices(kernel)
    if found and len(found) == len(reduced) and len(set(reduced)) == 1:
        tile_matvec.write(body)
    elif any(axis.dynamic for axis in reduced):
        tile_tokens.write(body)
    else:
        tile_rows.write(body)
    return body.program()
