"""A submission: what changed, read together with as much of the record as it must fit to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath

from generator.dataset import Dataset, data_files, read_dataset
from generator.rows import RunRows
from generator.rules import cross_file_problems
from generator.submission.git import Change, Git
from generator.submission.on_file import RESULT_FOLDERS, Filed, company, read_filed
from schemas.load import KINDS, LEDGER, load, parse
from schemas.problems import Problem
from schemas.records import Ledger, Protocol, Result
from schemas.standing import Timed, superseded

MOST_FILES = 40


@dataclass(frozen=True, slots=True)
class New:
    """A result that the submission adds: its file as messages name it, its record, and its rows."""

    path: str
    result: Result
    rows: RunRows


@dataclass(frozen=True)
class Submission:
    """What is judged. ``problems`` are those of single files and between files, found while reading."""

    git: Git
    data_folder: Path
    changes: tuple[Change, ...]
    dataset: Dataset
    filed: Mapping[str, Filed]
    new: tuple[New, ...]
    problems: tuple[Problem, ...]

    @property
    def measured(self) -> Iterator[New]:
        """The new results that a runner wrote."""
        return (new for new in self.new if new.result.provenance == "measured")

    @property
    def decoded(self) -> Iterator[New]:
        """The new measured results with a decode block."""
        return (new for new in self.measured if new.result.decode)

    @cached_property
    def timed(self) -> tuple[Timed, ...]:
        """The measured rows on file that count, without their times: which supersedes which asks for none."""
        gone = self.dataset.retractions
        return tuple(one.timed for one in self.filed.values() if one.timed and one.id not in gone)

    @cached_property
    def superseded(self) -> dict[str, str]:
        """The rows on file that one on file supersedes, each with that."""
        return superseded(self.timed)

    @property
    def unread(self) -> Iterator[str]:
        """The results that it adds but that are none, so that no rule on rows can judge them."""
        read = {new.path for new in self.new}
        for change in self.changes[:MOST_FILES]:
            if (
                change.kind != "deleted"
                and self.is_under(change, *RESULT_FOLDERS)
                and change.path not in read
            ):
                yield change.path

    @property
    def protocol(self) -> Protocol | None:
        """How a run without options measures."""
        index = self.dataset.instructions.index
        return index.protocol if index else None

    def is_under(self, change: Change, *folders: str) -> bool:
        """Whether a change lies below one of ``folders`` of the data folder."""
        place = PurePosixPath(change.path)
        return any(place.is_relative_to(PurePosixPath(self.data_folder.name, folder)) for folder in folders)

    @cached_property
    def ledger_before(self) -> Ledger | None:
        """The ledger as the base has it."""
        name = f"{self.data_folder.name}/retracted.yml"
        raw = self.git.file_at(self.git.base, name)
        before = parse(raw, LEDGER, name, "retracted") if raw else None
        return before if isinstance(before, Ledger) else None


def read_submission(root: Path, base: str, today: date) -> Submission:
    """The submission in the checkout ``root``, whose record is ``root/data``; raises :class:`NoHistory`."""
    git, data_folder = Git(root, base), root / "data"
    changes = tuple(git.changes())
    changed = {root / change.path: change for change in changes}
    there = (
        path for path, change in changed.items() if change.kind != "deleted" and change.path.isprintable()
    )
    results = [path for path in there if _is_result(path, data_folder)]
    if len(results) > MOST_FILES or _leads_elsewhere(data_folder):
        return Submission(git, data_folder, changes, Dataset(), {}, (), ())
    filed = read_filed(data_folder, without=chain(changed, _endless(data_folder)))
    loaded = {path: load(path, data_folder) for path in sorted(results)}
    records = {path: record for path, record in loaded.items() if isinstance(record, Result)}
    near = company(filed, [*_mentioned(records.values()), *_withdrawn(data_folder)], _steps(records.values()))
    dataset, problems = read_dataset(data_folder, files=[*_not_results(data_folder), *near, *results])
    problems += cross_file_problems(dataset, today)
    shown = {path: path.relative_to(root).as_posix() for path in records}
    new = tuple(
        New(shown[path], record, dataset.runs[record.id])
        for path, record in records.items()
        if dataset.paths.get(("run", record.id)) == shown[path]
    )
    return Submission(git, data_folder, changes, dataset, filed, new, tuple(problems))


def _is_result(path: Path, data_folder: Path) -> bool:
    return any(path.is_relative_to(data_folder / folder) for folder in RESULT_FOLDERS)


def _not_results(data_folder: Path) -> Iterator[Path]:
    """All other records; what is called as no text can be is refused for its name, and read by nobody."""
    for path in data_files(data_folder, without=RESULT_FOLDERS):
        if str(path.relative_to(data_folder)).isprintable():
            yield path


def _leads_elsewhere(data_folder: Path) -> bool:
    """Whether a folder of the record is a link: to read on would be to read whatever it leads to."""
    return any(path.is_symlink() for path in (data_folder, *(data_folder / name for name in KINDS)))


def _endless(data_folder: Path) -> Iterator[Path]:
    """Pipes and devices among the results, which git does not see, and nobody reads to their end."""
    folders = [data_folder / folder for folder in RESULT_FOLDERS]
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(folder / entry.name)
                elif not (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                    yield folder / entry.name


def _mentioned(results: Iterable[Result]) -> Iterator[str]:
    """The ids that new results have or name."""
    for result in results:
        decode, kernels = result.decode, result.kernels
        claims = decode.figure.claims if decode and decode.figure else ()
        named = [result.id, decode and decode.baseline_of, kernels and kernels.step_of]
        yield from (name for name in [*named, *(claim.against for claim in claims)] if name)


def _withdrawn(data_folder: Path) -> list[str]:
    ledger = load(data_folder / "retracted.yml", data_folder)
    return [entry.result for entry in ledger.retractions] if isinstance(ledger, Ledger) else []


def _steps(results: Iterable[Result]) -> Iterator[str]:
    """The decode rows whose step the new kernels make up."""
    return (result.kernels.step_of for result in results if result.kernels and result.kernels.step_of)
