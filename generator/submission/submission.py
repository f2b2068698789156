"""A submission: what changed, read together with as much of the record as it must fit to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path, PurePosixPath

from generator.dataset import Dataset, data_files, read_dataset
from generator.rows import RunRows
from generator.rules import cross_file_problems
from generator.submission.git import Change, Git
from generator.submission.on_file import RESULT_FOLDERS, Filed, company, read_filed
from schemas.load import LEDGER, load, parse
from schemas.problems import Problem
from schemas.records import Ledger, Protocol, Result

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
    filed = read_filed(data_folder, without=changed)
    results = [path for path in changed if _is_result(path, data_folder) and changed[path].kind != "deleted"]
    if len(results) > MOST_FILES:
        return Submission(git, data_folder, changes, Dataset(), filed, (), ())
    loaded = {path: load(path, data_folder) for path in sorted(results)}
    records = {path: record for path, record in loaded.items() if isinstance(record, Result)}
    near = company(filed, [*_mentioned(records.values()), *_withdrawn(data_folder)], _steps(records.values()))
    others = [path for path in data_files(data_folder) if not _is_result(path, data_folder)]
    dataset, problems = read_dataset(data_folder, files=[*others, *near, *results])
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
