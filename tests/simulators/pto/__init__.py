"""Runs PTO-MLIR without the vendor's assembler or device, core after core, and refuses what those would.

    Simulator([emitted]).run(emitted, arrays, capacity)

:mod:`.reader` reads the text, :mod:`.program` checks names and types and makes it runnable, :mod:`.vector` says
what each operation on tiles does and asks of its operands, :mod:`.memory` holds tiles and views.
Level 2 of the dialect leaves synchronisation to the assembler, so an order of waits is not checked here, but for
``tci``: on an a3 its library writes on the scalar pipe (pto-isa, ``a2a3/TCI.hpp``), and the assembler counts it among
the vector pipe's operations, so that a barrier of all pipes must come before the numbers are used.
:mod:`.january` respells a text for :mod:`.verify`, which has the vendor's own verifier look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted
from tests.simulators.pto.memory import Memory
from tests.simulators.pto.program import Program
from tests.simulators.pto.reader import read
from tests.simulators.pto.tile_types import HELD, PointerType, Type
from tests.simulators.pto.tile_types import Refused as Refused

Arrays = dict[str, Any]


def load(text: str) -> Program:
    """The program of a text.

    Raises:
        Refused: the dialect would not have it.
    """
    return Program(read(text))


class Simulator:
    """The texts, read and checked."""

    def __init__(self, texts: Iterable[Emitted]) -> None:
        self.programs = {emitted.sha256: load(emitted.text) for emitted in texts}

    def run(
        self,
        emitted: Emitted,
        arrays: Arrays,
        capacity: int = 1,
        *,
        blocks: int | None = None,
        reverse: bool = False,
    ) -> None:
        """The kernel on ``arrays``, in place: one of ``blocks`` cores after another, ``reverse``: the last one first.

        Raises:
            Refused: a window leaves its view or a view its array, tiles do not fit together, and so on.
        """
        count, program = blocks or emitted.launch["blocks"], self.programs[emitted.sha256]
        kinds = program.function.parameters.values()
        given: list[Any] = [
            _memory(arrays[a.name], kind) for a, kind in zip(emitted.kernel.arrays, kinds, strict=False)
        ]
        if any(axis.dynamic for axis in emitted.kernel.axes):
            given.append(capacity)
        with np.errstate(all="ignore"):
            for block in reversed(range(count)) if reverse else range(count):
                program.run(given, block, count)


def execute(texts: Sequence[Emitted], folder: Path) -> Callable[[Emitted, Arrays, int], None]:
    """What runs each of ``texts`` on arrays with room for so many tokens; ``folder`` is not needed."""
    del folder
    return Simulator(texts).run


def _memory(array: Any, kind: Type) -> Memory:
    """The array's own memory, its elements in C order and held as the pointer's type is."""
    assert isinstance(kind, PointerType)
    assert array.flags.c_contiguous
    return Memory(array.reshape(-1).view(HELD[kind.dtype]))
