"""Work on another core beside a build: it leaves files, and whoever needs a file makes it where it is not there.

So nothing depends on it: where nobody can do it, or it fails, a build does all by itself, and says what is wrong.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context

from generator.all_cores import copies, cores

Work = Callable[[], object]
_PROGRAM = "import sys; sys.path[:] = {}; from generator.beside import obey; obey()"


def begin(work: Work) -> Callable[[], None]:
    """Begin ``work`` in a copy of the process, which knows all that this one does; what is returned waits for it."""
    if copies() == 1:
        return lambda: None
    copy = get_context("fork").Process(target=_alone, args=(work,), daemon=True)  # it ends with this process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries, which no copy uses
        copy.start()
    return copy.join


class Helper:
    """A new process that does one thing after another as it is told. What it is told must pickle.

    No copy of this one: the converter of charts has threads, and a copy of a process that has used it would wait for
    them forever.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._open = 0

    def tell(self, work: Work) -> bool:
        """Have ``work`` done soon; False where there is no other core for it."""
        if cores() == 1:
            return False
        if self._process is None:
            self._process = _start()
            weakref.finalize(self, _end, self._process)
        with suppress(OSError):  # it has ended, and so has what it was told
            assert self._process.stdin
            self._process.stdin.write(pickle.dumps(work))
            self._process.stdin.flush()
            self._open += 1
        return True

    def wait(self) -> None:
        """Return when all that it was told is done, or when it has ended."""
        while self._open and self._process and self._process.stdout and self._process.stdout.read(1):
            self._open -= 1
        self._open = 0


def obey() -> None:
    """In the helper: do what is told until nobody can tell more; a byte for each work that is over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who stops a build is told of it once, not here
    line = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    with suppress(EOFError):
        while True:
            work = pickle.load(sys.stdin.buffer)  # noqa: S301 - from who started this process
            with suppress(Exception):  # the same work, done by who needs it, says what is wrong
                work()
            line.write(b".")
            line.flush()


def _start() -> subprocess.Popen[bytes]:
    program = _PROGRAM.format(repr(sys.path))
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # a file that it has not finished has not its name yet
    with suppress(OSError):
        process.communicate()


def _alone(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(Exception):
        work()
