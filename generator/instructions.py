"""What ``data/reproduce/`` tells of reproduction: the index, and the notebooks and tasks that it names.

A file's text is shown and offered as it is. Its content is the runners' affair; here it must only be text that
people can see, of a size that a page can hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from generator.texts import UNSEEN
from schemas.load import Kind, read
from schemas.parse import Unreadable, decode_utf8
from schemas.problems import Problem
from schemas.records import Device, Reproduce, RunnerFacts, notebook_name, serving, task_name

FOLDER = "reproduce"
WRITTEN_AGAIN = "run `python -m runners reproduce`"
_TEXT = Kind("text", str, "", 64_000)


@dataclass(frozen=True, slots=True)
class Instructions:
    """All of it; the empty one where there is no index. ``texts`` holds each file by its name."""

    index: Reproduce | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def runners(self, device: Device) -> tuple[RunnerFacts, ...]:
        """The runners that measure ``device``."""
        return serving(device, self.index.runners) if self.index else ()


def files_of(index: Reproduce) -> Iterator[tuple[str, str]]:
    """Every file that the index names, with its place in the index."""
    yield from ((f"notebooks[{place}]", notebook_name(one)) for place, one in enumerate(index.notebooks))
    yield from ((f"tasks[{place}]", task_name(one)) for place, one in enumerate(index.tasks))


def read_instructions(data_folder: Path, index: Reproduce, shown: str) -> tuple[Instructions, list[Problem]]:
    """The index with the text of every file that it names, and every problem of one; ``shown`` is its file."""
    texts, problems = dict[str, str](), list[Problem]()
    for place, name in files_of(index):
        try:
            texts[name] = _read(data_folder / FOLDER / name)
        except Unreadable as error:
            problems.append(Problem(shown, place, f"{name} {error.problem}", error.remedy))
    return Instructions(index, texts), problems


def _read(path: Path) -> str:
    text = decode_utf8(read(path, _TEXT))
    if hidden := UNSEEN.search(text):
        said = f"holds what nobody sees (got U+{ord(hidden[0]):04X})"
        raise Unreadable("file", said, WRITTEN_AGAIN)
    return text
