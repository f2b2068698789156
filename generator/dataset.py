"""All of ``data/`` in memory, or all that is wrong with it.

A build reads every file but parses, validates and distills only those whose content it has not seen:
:class:`Cache` keeps the rows of each valid result by the SHA-256 of its bytes, and forgets everything when
the code or a schema changes. Samples are dropped once they are distilled, so memory grows with rows.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from generator.all_cores import on_all_cores
from generator.file_rules import file_problems
from generator.instructions import Instructions, read_instructions
from generator.rows import RunRows, distill
from generator.texts import Emitted, read_texts
from schemas.load import KINDS, RESULT, kind_of, parse, read, shown_path
from schemas.parse import Unreadable
from schemas.problems import Problem
from schemas.records import (
    Device,
    EmittedIndex,
    Kernel,
    Ledger,
    Model,
    Proofs,
    Record,
    Reproduce,
    Result,
    Retraction,
)

T = TypeVar("T")
Progress = Callable[[Iterable[Path], int], Iterable[Path]]


@dataclass(slots=True)
class Dataset:
    """Every record of a data folder by id, results as rows.

    ``paths`` names the file of each kind and id; ``broken`` holds the ids whose files could not be read, so
    that one broken device is one problem and not one more for each of its rows. ``sizes`` is the memory of
    :func:`generator.kernel_sizes.call_size`.
    """

    folder: str = "data"
    devices: dict[str, Device] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    kernels: dict[str, Kernel] = field(default_factory=dict)
    runs: dict[str, RunRows] = field(default_factory=dict)
    retractions: dict[str, Retraction] = field(default_factory=dict)
    emitted: Emitted = field(default_factory=Emitted)
    instructions: Instructions = field(default_factory=Instructions)
    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    sizes: dict[Any, Any] = field(default_factory=dict, repr=False)
    digest: str = ""


Packed = bytes
"""The rows of a result file as they travel from one process to another, and from one build to the next."""


class Cache:
    """Rows of valid result files by content, kept in one file of ``folder`` between builds."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "rows.pickle" if folder else None
        self._old: dict[str, Packed] = self._load()
        self._new: dict[str, Packed] = {}

    def _load(self) -> dict[str, Packed]:
        try:
            stored = pickle.loads(self._file.read_bytes()) if self._file else {}  # noqa: S301 - we wrote it
            return dict(stored["rows"]) if stored["code"] == code_digest() else {}
        except Exception:  # damaged bytes can raise anything, and all of it means that nothing is known
            return {}

    def get(self, digest: str) -> Packed | None:
        """The rows of the file with this content, if they are known."""
        return self._old.get(digest)

    @property
    def empty(self) -> bool:
        """Whether no earlier build left any rows."""
        return not self._old

    def put(self, digest: str, rows: Packed) -> None:
        """Remember the rows of a file for the next build."""
        self._new[digest] = rows

    def save(self) -> None:
        """Keep what this build used, and nothing older."""
        if self._file is None or self._new.keys() == self._old.keys():
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._file.parent, delete=False) as part:
            pickle.dump({"code": code_digest(), "rows": self._new}, part, pickle.HIGHEST_PROTOCOL)
        Path(part.name).replace(self._file)


@cache
def code_digest() -> str:
    """SHA-256 over the code and schemas that rows depend on."""
    here = Path(__file__).parent
    sources = [*here.glob("*.py"), *(here.parent / "schemas").glob("*.[pj]*")]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()


def read_dataset(
    data_folder: Path,
    cache_folder: Path | None = None,
    progress: Progress | None = None,
    extra: Iterable[Path] = (),
    files: Iterable[Path] | None = None,
) -> tuple[Dataset, list[Problem]]:
    """Every record below ``data_folder`` (or in ``files`` alone) and in ``extra``, and every single file's problems."""
    rows_cache, dataset, problems = Cache(cache_folder), Dataset(data_folder.name), list[Problem]()
    total = hashlib.sha256()
    files = [*sorted(data_files(data_folder) if files is None else files), *extra]
    loads = (on_all_cores if rows_cache.empty else map)(
        lambda path: _load(path, data_folder, rows_cache), files
    )
    for path, (loaded, digest) in zip(progress(files, len(files)) if progress else files, loads, strict=True):
        if isinstance(loaded, Packed):
            rows_cache.put(digest, loaded)
            loaded = pickle.loads(loaded)  # noqa: S301, PLW2901 - we packed it
        total.update(digest.encode())
        if isinstance(loaded, list):
            dataset.broken.add(path.stem)
            problems += loaded
        else:
            problems += _add(dataset, loaded, shown_path(path, data_folder))
    problems += _add_texts(dataset, data_folder)
    problems += _add_instructions(dataset, data_folder)
    for name, text in dataset.instructions.texts.items():
        total.update(f"{name}\0{text}".encode())
    dataset.digest = total.hexdigest()  # the index of emitted texts holds their hashes
    rows_cache.save()
    return dataset, problems


def data_files(data_folder: Path, without: Container[str] = ()) -> Iterator[Path]:
    """The files that hold records; notes for people are none, and emitted texts belong to their index."""
    for name in (name for name in KINDS if name not in without):
        entry = data_folder / name
        if entry.is_dir():
            yield from (path for path in entry.rglob("*") if path.is_symlink() or not path.is_dir())
        elif entry.exists():
            yield entry


def _load(path: Path, data_folder: Path, rows: Cache) -> tuple[Record | Packed | list[Problem], str]:
    shown = shown_path(path, data_folder)
    try:
        kind = kind_of(path, data_folder)
        raw = read(path, kind)
    except Unreadable as error:
        return [Problem(shown, error.field, error.problem, error.remedy)], ""
    digest = hashlib.sha256(os.fsencode(shown) + b"\0" + raw).hexdigest()
    if kind is RESULT and (known := rows.get(digest)):
        return known, digest
    record = parse(raw, kind, shown, path.stem)
    if isinstance(record, list) or (problems := file_problems(record, shown)):
        return record if isinstance(record, list) else problems, digest
    if not isinstance(record, Result):
        return record, digest
    return pickle.dumps(distill(record, shown), pickle.HIGHEST_PROTOCOL), digest


def _add(dataset: Dataset, loaded: Record | RunRows, shown: str) -> list[Problem]:
    if isinstance(loaded, Ledger):
        dataset.retractions = {retraction.result: retraction for retraction in loaded.retractions}
        dataset.paths["ledger", ""] = shown
        return []
    if isinstance(loaded, EmittedIndex):
        dataset.emitted = replace(dataset.emitted, index=loaded)
        dataset.paths["emitted", "index"] = shown
        return []
    if isinstance(loaded, Proofs):
        dataset.emitted = replace(dataset.emitted, proofs=loaded)
        return []
    if isinstance(loaded, Reproduce):
        dataset.instructions = Instructions(loaded)
        dataset.paths["reproduce", "index"] = shown
        return []
    if isinstance(loaded, RunRows):
        return _put(dataset, "run", dataset.runs, loaded.run.run, loaded, shown)
    if isinstance(loaded, Device):
        return _put(dataset, "device", dataset.devices, loaded.id, loaded, shown)
    if isinstance(loaded, Model):
        return _put(dataset, "model", dataset.models, loaded.id, loaded, shown)
    assert isinstance(loaded, Kernel)
    return _put(dataset, "kernel", dataset.kernels, loaded.id, loaded, shown)


def _add_texts(dataset: Dataset, data_folder: Path) -> list[Problem]:
    """The files that the index of emitted texts names."""
    if dataset.emitted.index is None:
        return []
    shown = dataset.paths["emitted", "index"]
    texts, problems = read_texts(data_folder, dataset.emitted.index, shown)
    dataset.emitted = replace(dataset.emitted, texts=texts)
    return problems


def _add_instructions(dataset: Dataset, data_folder: Path) -> list[Problem]:
    """The notebooks and tasks that the index of reproduction names."""
    if dataset.instructions.index is None:
        return []
    shown = dataset.paths["reproduce", "index"]
    dataset.instructions, problems = read_instructions(data_folder, dataset.instructions.index, shown)
    return problems


def _put(
    dataset: Dataset, kind: str, table: dict[str, T], identity: str, entry: T, shown: str
) -> list[Problem]:
    if identity in table:
        first, remedy = dataset.paths[kind, identity], "choose another id for one of them"
        files = ((shown, first), (first, shown))
        return [
            Problem(path, "id", f"is taken (got '{identity}', which {other} has)", remedy)
            for path, other in files
        ]
    table[identity] = entry
    dataset.paths[kind, identity] = shown
    return []
