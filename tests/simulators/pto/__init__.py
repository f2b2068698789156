"""Runs PTO-MLIR without the vendor's assembler or device, core after core, and refuses what those would.

    program = load(emitted.text)
    run(program, emitted, arrays, capacity)

:mod:`.reader` reads the text, :mod:`.program` checks names and types and makes it runnable, :mod:`.vector` says
what each operation on tiles does and asks of its operands, :mod:`.memory` holds tiles and views.
Level 2 of the dialect leaves synchronisation to the assembler, so an order of waits is not checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted
from tests.simulators.pto.program import Program
from tests.simulators.pto.reader import read
from tests.simulators.pto.tile_types import Refused as Refused

Arrays = dict[str, Any]


def load(text: str) -> Program:
    """The program of a text.

    Raises:
        Refused: the dialect would not have it.
    """
    return Program(read(text))


def run(
    program: Program,
    emitted: Emitted,
    arrays: Arrays,
    capacity: int,
    *,
    blocks: int | None = None,
    order: Iterable[int] | None = None,
) -> None:
    """The kernel on ``arrays``, in place: each of ``blocks`` cores in the given ``order``, one after another.

    Raises:
        Refused: a window leaves its view or a view its array, tiles do not fit together, and so on.
    """
    count = blocks or emitted.launch["blocks"]
    flat = [_flat(arrays[array.name]) for array in emitted.kernel.arrays]
    dynamic = any(axis.dynamic for axis in emitted.kernel.axes)
    with np.errstate(all="ignore"):
        for block in range(count) if order is None else order:
            program.run([*flat, *([capacity] if dynamic else [])], block, count)


def execute(texts: Sequence[Emitted], folder: Path) -> Callable[[Emitted, Arrays, int], None]:
    """What runs each of ``texts`` on arrays with room for so many tokens; ``folder`` is not needed."""
    del folder
    programs = {emitted.sha256: load(emitted.text) for emitted in texts}
    return lambda emitted, arrays, capacity: run(programs[emitted.sha256], emitted, arrays, capacity)


def _flat(array: Any) -> Any:
    """The elements in C order, sharing their memory; bf16 as bits."""
    bits = array.view(np.uint16) if array.dtype.itemsize == 2 and array.dtype != np.float16 else array
    assert bits.flags.c_contiguous, "an array that cannot be seen as one run of memory"
    return bits.reshape(-1)
