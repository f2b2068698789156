"""Work on all cores of a machine where a process can be copied safely, else one piece after another.

A copy knows all that was read before it was made, so only results travel. That is safe while no other thread runs.
Few pieces are not worth a copy.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")
FEWEST = 200  # pieces of a few milliseconds each that repay making copies
_CHUNK = 25  # pieces at a time
_work: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []


def on_all_cores(function: Callable[[S], T], pieces: Sequence[S]) -> Iterator[T]:
    """``function`` of each piece, in their order; results must pickle, and what ``function`` remembers may be lost."""
    count = copies()
    if count == 1 or len(pieces) < FEWEST:
        yield from map(function, pieces)
        return
    with (
        ProcessPoolExecutor(count, get_context("fork"), _start, (function, pieces)) as pool,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries, which no copy uses
        waiting = deque[Future[list[T]]]()
        for start in range(0, len(pieces), _CHUNK):
            waiting.append(pool.submit(_chunk, start))
            if len(waiting) > 2 * count:  # results that nobody has taken yet fill the memory
                yield from waiting.popleft().result()
        for last in waiting:
            yield from last.result()


def copies() -> int:
    """How many copies of the process can work at once; 1 where it is better not copied."""
    return cores() if sys.platform == "linux" and threading.active_count() == 1 else 1


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _start(function: Callable[[Any], Any], pieces: Sequence[Any]) -> None:
    """In a copy: what it is to do. Who stops a build is told of it once, by the process that was copied."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work.append((function, pieces))


def _chunk(start: int) -> list[Any]:
    ((function, pieces),) = _work
    return [function(piece) for piece in pieces[start : start + _CHUNK]]
