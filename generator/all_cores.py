"""Many like pieces of work on all cores of a machine where a process can be copied safely, else one after another.

A copy knows all that was read before it was made, so only results travel. That is safe while no other thread runs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")
FEWEST = 200  # pieces of a few milliseconds each that repay making copies
_CHUNKS = 8  # of each core, so that none waits long for another
_work: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []


def on_all_cores(function: Callable[[S], T], pieces: Sequence[S]) -> Iterator[T]:
    """``function`` of each piece, in their order; results must pickle, and what ``function`` remembers may be lost."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    if cores == 1 or len(pieces) < FEWEST or threading.active_count() > 1:
        yield from map(function, pieces)
        return
    _work.append((function, pieces))  # where copies find it
    try:
        with ProcessPoolExecutor(cores, get_context("fork"), _quiet) as pool, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries, which no copy uses
            yield from pool.map(_piece, range(len(pieces)), chunksize=len(pieces) // (cores * _CHUNKS) + 1)
    finally:
        _work.pop()


def _quiet() -> None:
    """Who stops a build is told of it once, by the process that was copied."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _piece(at: int) -> Any:
    function, pieces = _work[-1]
    return function(pieces[at])
