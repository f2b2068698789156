"""Work on another core beside a build: it leaves files, and whoever needs a file makes it where it is not there.

So nothing depends on it: where the process cannot be copied, or a copy fails, a build does all by itself, and says what
is wrong.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

from generator.all_cores import cores

Work = Callable[[], object]


def begin(work: Work) -> Callable[[], None]:
    """Begin ``work`` in a copy of the process, which knows all that this one does; what is returned waits for it."""
    if cores() == 1:
        return lambda: None
    copy = get_context("fork").Process(target=_alone, args=(work,), daemon=True)  # it ends with this process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries, which no copy uses
        copy.start()
    return copy.join


class Helper:
    """A copy of the process that does one thing after another as it is told. What it is told must pickle."""

    def __init__(self) -> None:
        self._line: Connection | None = None
        self._open = 0

    def tell(self, work: Work) -> bool:
        """Have ``work`` done soon; False where nobody can."""
        if self._line is None:
            if cores() == 1:
                return False
            self._line, theirs = Pipe()
            begin(partial(_obey, theirs, self._line))
            theirs.close()
        with suppress(OSError):  # it has ended, and so has what it was told
            self._line.send(work)
            self._open += 1
        return True

    def wait(self) -> None:
        """Return when all that it was told is done."""
        with suppress(EOFError, OSError):
            while self._line and self._open:
                self._line.recv()
                self._open -= 1
        self._open = 0


def _alone(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who stops a build is told of it once, not here
    with suppress(Exception):  # the same work, done by who needs it, says what is wrong
        work()


def _obey(line: Connection, other_end: Connection) -> None:
    other_end.close()  # or the line would never end
    with suppress(EOFError):
        while True:
            work = line.recv()
            with suppress(Exception):
                work()
            line.send(None)
