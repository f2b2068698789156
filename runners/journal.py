"""What has been measured so far, on disk: so that a run that is killed loses no finished repetition silently."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from runners.record import plain
from schemas.records import Repetition

FOLDER = Path(__file__).resolve().parents[1] / "build" / "runs"


class Journal:
    """``build/runs/<id>.jsonl``: a line for each finished repetition, on disk before the next one starts.

    It is deleted when its result is filed. Where it cannot be written ``problem`` says so, and the run goes on.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.path = (folder or FOLDER) / f"{name}.jsonl"
        self.problem: str | None = None

    def add(self, contender: str, repetition: Repetition) -> None:
        """Keep one repetition."""
        entry = {"contender": contender, **asdict(repetition)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, default=plain) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.problem = (
                f"{self.path}: cannot be written (got '{error.strerror}'); an interrupted run would be lost"
            )

    def close(self) -> None:
        """The result is filed: nothing needs to be kept."""
        with suppress(OSError):
            self.path.unlink()


def left_over(folder: Path | None = None) -> list[Path]:
    """Journals of runs that ended before their result was filed, or that still run."""
    return sorted((folder or FOLDER).glob("*.jsonl"))


def repetitions(path: Path) -> int:
    """How many finished repetitions a journal holds; its last line may be torn."""
    try:
        return sum(map(_whole, path.read_bytes().splitlines()))
    except OSError:
        return 0


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
