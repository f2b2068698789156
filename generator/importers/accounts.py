"""What became of every row that an import read: each has one fate, and no row goes missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from schemas.problems import Problem

Fate = Literal["imported", "merged", "on_file", "dropped", "refused"]
"""``imported``: a figure of a new record. ``merged``: a further value of one figure, or a second source of it.
``on_file``: a value of a figure that the data folder has. ``dropped``: no measurement. ``refused``: not understood, or
not possible."""
FATES: tuple[Fate, ...] = get_args(Fate)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a row stands: its file as it was named, its line, and its number in the file."""

    path: str
    line: int
    number: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a row; ``why`` where it is dropped or refused."""

    fate: Fate
    why: Problem | None = None


class Unaccounted(Exception):
    """Rows with no fate, or two: a mistake of ours, never of a file."""


@dataclass(slots=True)
class Accounts:
    """The rows of each file and their verdicts; ``notes`` are what a reader of the report should know of a file."""

    files: dict[str, list[Place]] = field(default_factory=dict)
    verdicts: dict[Place, Verdict] = field(default_factory=dict)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)

    def read(self, path: Path, places: Iterable[Place]) -> None:
        """Rows of a file, each of which needs a fate from now on."""
        self.files.setdefault(str(path), []).extend(places)

    def settle(self, place: Place, fate: Fate, why: Problem | None = None) -> None:
        """The one fate of a row."""
        if place in self.verdicts:
            raise Unaccounted(f"{place}: {fate} after {self.verdicts[place].fate}")
        self.verdicts[place] = Verdict(fate, why)

    def note(self, path: str, said: str) -> None:
        """Something that a reader should know, once."""
        self.notes[path, said] = None

    def counts(self, path: str | None = None) -> Counter[str]:
        """How many rows of a file (or of all) met each fate; raises :class:`Unaccounted` where that is not all."""
        places = [place for name in ([path] if path else self.files) for place in self.files[name]]
        found = Counter(self.verdicts[place].fate for place in places if place in self.verdicts)
        if found.total() != len(places) or len(set(places)) != len(places):
            raise Unaccounted(f"{path or 'all files'}: {len(places)} rows read, {found.total()} with a fate")
        if path is None and self.verdicts.keys() - set(places):
            raise Unaccounted("rows with a fate that were never read")
        counts: dict[str, int] = {fate: found[fate] for fate in FATES}
        return Counter({"read": len(places)} | counts)

    def told(self, fate: Fate) -> list[Problem]:
        """Why rows met ``fate``, in the order of files and lines."""
        verdicts = (self.verdicts[place] for places in self.files.values() for place in places)
        return [verdict.why for verdict in verdicts if verdict.fate == fate and verdict.why]
