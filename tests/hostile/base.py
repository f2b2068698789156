"""A case of the corpus, the repository that it spoils, and the words in which cases are written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.generator.examples import check
from tests.schemas import examples
from tests.schemas.examples import Step, put, value_at, written
from tests.submissions import NORM_TEXT, RUN, Data, Repository, repository

NEW = "gpu-a-f16-20260203t120000z"
HERE = f"data/results/gpu-a/{NEW}.json"
ON_FILE = f"data/results/gpu-a/{RUN}.json"
_LITERAL = "a literal to be"


@dataclass(frozen=True)
class Scratch(Repository):
    """A copy of the prepared repository, to which a valid row is submitted."""

    def valid(self, run: str = NEW, /, **changes: Any) -> Data:
        """A row that every rule passes, by somebody who has none on file."""
        own: Data = {"submitter": "Grace Hopper", "measured_at": "2026-02-03T12:10:00Z", "seed": 5}
        return self.row(run, **(own | changes))

    def write(self, place: str, content: bytes | str) -> Path:
        """A file below the top of the repository."""
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def edit(self, place: str, change: Callable[[Data], None]) -> None:
        """Change a JSON file of the repository."""
        data = json.loads((self.root / place).read_text())
        change(data)
        self.write(place, json.dumps(data))


Spoil = Callable[[Scratch], object]


@dataclass(frozen=True)
class Case:
    """A hostile submission: how it comes about, the rule that refuses it, and the field that a line names.

    ``builds``: the record with it is a valid one, so only the rules on submissions keep it out.
    """

    name: str
    spoil: Spoil
    rule: str
    field: str
    builds: bool = False


def prepared(root: Path) -> Scratch:
    """The record that all cases start from: two devices, published rows, one withdrawn, one measured row."""
    made = repository(root)
    made.reported("gone", "gpu-b", 6.0).retract("gone")
    made.device("gpu-x", peak_bandwidth=None)
    made.proof("norm", "cuda", NORM_TEXT, check())
    for place in ("schemas/result.schema.json", ".github/workflows/validate.yml", "README.md"):
        Scratch(root).write(place, "{}\n")
    made.commit("more of the record")
    made.submit(made.row())
    made.commit("a row on file")
    shutil.rmtree(made.root / ".git/hooks")  # examples that git brings, to copy for each case
    return Scratch(root)


# --- how a submission is spoilt ------------------------------------------------------------------


def steps(path: str) -> tuple[Step, ...]:
    """``decode.samples.repetitions.0`` as a path into data."""
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


def row(*changes: tuple[str, Any], sealed: bool = True) -> Spoil:
    """The row with values replaced or added, sealed again as a forger would, or with its old seal."""

    def spoil(scratch: Scratch) -> None:
        data = scratch.valid()
        for path, value in changes:
            put(data, steps(path), value)
        scratch.submit(data, f"results/gpu-a/{NEW}.json", sealed=sealed)

    return spoil


def literal(path: str, text: str) -> Spoil:
    """The row with a value written as ``text``, whatever JSON makes of it."""

    def spoil(scratch: Scratch) -> None:
        data = scratch.valid()
        put(data, steps(path), _LITERAL)
        scratch.write(HERE, json.dumps(data).replace(f'"{_LITERAL}"', text))

    return spoil


def raw(change: Callable[[bytes], bytes]) -> Spoil:
    """The row's file with other bytes."""

    def spoil(scratch: Scratch) -> None:
        path = scratch.submit(scratch.valid())
        path.write_bytes(change(path.read_bytes()))

    return spoil


def named(run: str, **changes: Any) -> Spoil:
    """The row under another id."""
    return lambda scratch: scratch.submit(scratch.valid(run, **changes))


def timed(times: Callable[[int, int], int], **changes: Any) -> Spoil:
    """The row with other times: of each repetition and step."""

    def spoil(scratch: Scratch) -> None:
        data = scratch.valid(**changes)
        for turn, repetition in enumerate(data["decode"]["samples"]["repetitions"]):
            repetition["step_ns"] = [times(turn, step) for step in range(64)]
        scratch.submit(data)

    return spoil


def beside(place: str, content: bytes | str) -> Spoil:
    """The valid row, and another file anywhere in the repository."""
    return also(lambda scratch: scratch.write(place, content))


def also(spoil: Spoil) -> Spoil:
    """The valid row, and something else."""

    def both(scratch: Scratch) -> None:
        scratch.submit(scratch.valid())
        spoil(scratch)

    return both


def at(place: str, **changes: Any) -> Spoil:
    """The row at another place below ``data/``."""
    return lambda scratch: scratch.submit(scratch.valid(**changes), place)


def published(*changes: tuple[str, Any]) -> Spoil:
    """A published row with values replaced."""

    def spoil(scratch: Scratch) -> None:
        scratch.reported("page-n", "gpu-a", 6.0)
        data = json.loads((scratch.data / "reported/page/page-n.json").read_text())
        for path, value in changes:
            put(data, steps(path), value)
        scratch.put("reported/page/page-n.json", data)

    return spoil


def device(*changes: tuple[str, Any]) -> Spoil:
    """A new device with values replaced."""

    def spoil(scratch: Scratch) -> None:
        new: Data = {"id": "gpu-n", "name": "Newcomer", "aliases": [], "languages": [], "access": None}
        data = examples.device() | new
        for path, value in changes:
            put(data, steps(path), value)
        scratch.write("data/devices/gpu-n.md", written(data, ".md"))

    return spoil


def facts(change: Callable[[str], str]) -> Spoil:
    """A new device whose file has another text."""

    def spoil(scratch: Scratch) -> None:
        device()(scratch)
        path = scratch.data / "devices/gpu-n.md"
        path.write_text(change(path.read_text()))

    return spoil


def ledger(*changes: tuple[str, Any]) -> Spoil:
    """A new entry of the ledger with values replaced."""

    def spoil(scratch: Scratch) -> None:
        scratch.retract("gone", "page-a")
        data = json.loads((scratch.data / "retracted.yml").read_text())
        for path, value in changes:
            put(data["retractions"][1], steps(path), value)
        scratch.put("retracted.yml", data)

    return spoil


def link(place: str, target: str) -> Spoil:
    """The valid row, and a symbolic link."""

    def spoil(scratch: Scratch) -> None:
        path = scratch.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    return also(spoil)


def without(path: str) -> Spoil:
    """The row without a field."""

    def spoil(scratch: Scratch) -> None:
        data, (*outer, last) = scratch.valid(), steps(path)
        del value_at(data, tuple(outer))[last]
        scratch.submit(data)

    return spoil
