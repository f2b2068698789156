"""What has been measured so far, on disk: so that a run that is killed loses no finished repetition silently."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.records import Repetition

FOLDER = Path(__file__).resolve().parents[1] / "build" / "runs"


class Journal:
    """``build/runs/<id>.jsonl``: a line for each finished repetition, on disk before the next one starts.

    It is deleted when its result is filed. Where it cannot be written it says so once, and the run goes on.
    """

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.path = folder / f"{name}.jsonl"
        self.problem: str | None = None
        self.lines = 0

    def add(self, contender: str, repetition: Repetition) -> None:
        """Keep one repetition."""
        entry = {"contender": contender, **asdict(repetition)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, default=_plain) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.lines += 1
        except OSError as error:
            self.problem = (
                f"{self.path}: cannot be written (got '{error.strerror}'); an interrupted run would be lost"
            )

    def close(self) -> None:
        """The result is filed: nothing needs to be kept."""
        self.path.unlink(missing_ok=True)


def left_over(folder: Path = FOLDER) -> list[Path]:
    """Journals of runs that ended before their result was filed."""
    return sorted(folder.glob("*.jsonl"))


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"not JSON: {type(value).__name__}")
