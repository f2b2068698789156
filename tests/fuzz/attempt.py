"""One input through one target, with an end to its time and memory, and what is told of it where it does not hold."""

from __future__ import annotations

import hashlib
import mmap
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.fuzz.targets import MOST_BYTES, Run

MOST_SECONDS = 2.0
MOST_MEMORY_BYTES = 500_000_000
_HEAD_BYTES = 16
_STATUS = Path("/proc/self/status")
_ROOT = Path(__file__).resolve().parents[2]


class TooSlow(BaseException):
    """An input that took more than :data:`MOST_SECONDS` of processor time; nothing that it runs catches this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that breaks its target; two of one ``sign`` are the same mistake."""

    sign: str
    told: str
    raw: bytes

    def save(self, folder: Path, target: str) -> bool:
        """Keep the input, and beside it what was told; False where one of its sign is there."""
        path = folder / f"{target}-{hashlib.sha256(self.sign.encode()).hexdigest()[:10]}"
        if path.exists():
            return False
        path.write_bytes(self.raw)
        path.with_name(f"{path.name}.txt").write_text(self.told, "utf-8", "backslashreplace")
        return True


@contextmanager
def limited() -> Iterator[None]:
    """No input gets more memory than :data:`MOST_MEMORY_BYTES` beyond what this process has now, where Linux tells."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if _STATUS.exists():
        used = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmData"))
        most = int(used.split()[1]) * 1024 + MOST_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    handled = signal.signal(signal.SIGPROF, _stop)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        signal.signal(signal.SIGPROF, handled)


def _stop(_: int, __: FrameType | None) -> NoReturn:
    raise TooSlow(f"took more than {MOST_SECONDS:g} s of processor time")


def attempt(run: Run, name: str, body: bytes) -> Finding | None:
    """What came of an input, where it is a mistake."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        run(name, body)
    except (Exception, TooSlow) as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        told = "".join(traceback.format_exception(error))
        return Finding(_sign(error), told[-20_000:], name.encode() + b"\n" + body)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def _sign(error: BaseException) -> str:
    """Kind and innermost line of ours; where it was stopped for its time, only the outermost that tells a part."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(_ROOT))
    ]
    frames = [frame for frame in frames if "/.venv/" not in frame.filename] or frames
    if isinstance(error, TooSlow):
        frames = frames[:3]
    return " ".join([type(error).__name__, *(f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "")])


class Journal:
    """The input at work and how many there were, in a file that outlives a process that dies of one."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_HEAD_BYTES + 2 * MOST_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def begin(self, raw: bytes) -> None:
        """Note ``raw`` as the input at work."""
        kept = raw[: 2 * MOST_BYTES]
        self._map[:_HEAD_BYTES] = (self.count + 1).to_bytes(8, "big") + len(kept).to_bytes(8, "big")
        self._map[_HEAD_BYTES : _HEAD_BYTES + len(kept)] = kept

    @property
    def count(self) -> int:
        """How many inputs there were."""
        return int.from_bytes(self._map[:8], "big")

    @property
    def last(self) -> bytes:
        """The input that was at work last."""
        return self._map[_HEAD_BYTES : _HEAD_BYTES + int.from_bytes(self._map[8:_HEAD_BYTES], "big")]
