"""A file to a record, or to all of its errors: the border that everything from outside crosses.

A folder of ``data/``, or a file's place there, says what kind of record it holds (:data:`KINDS`); a file
elsewhere says it in its ``schema`` field. The verdict comes from the compiled validator (jsonschema-rs, some
100 times faster), the explanation of a refusal from jsonschema.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from schemas.integrity import seal_problems
from schemas.judge import compiled, explaining
from schemas.parse import PARSERS, Unreadable
from schemas.problems import Problem, closest, explain, got
from schemas.prose import prose_problems
from schemas.records import Device, EmittedIndex, Kernel, Ledger, Model, Proofs, Record, Reproduce, Result

SCHEMA_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its schema, its dataclass, where its files lie and how large one may be."""

    name: str
    record: type[Any]
    suffix: str
    most_bytes: int


DEVICE = Kind("device", Device, ".md", 256_000)
MODEL = Kind("model", Model, ".yml", 64_000)
KERNEL = Kind("kernel", Kernel, ".md", 256_000)
RESULT = Kind("result", Result, ".json", 8_000_000)
LEDGER = Kind("retracted", Ledger, ".yml", 256_000)
EMITTED = Kind("emitted", EmittedIndex, ".json", 1_000_000)
PROOF = Kind("proof", Proofs, ".json", 1_000_000)
REPRODUCE = Kind("reproduce", Reproduce, ".json", 256_000)
KINDS: dict[str, Kind] = {
    "devices": DEVICE,
    "models": MODEL,
    "kernels": KERNEL,
    "results": RESULT,
    "reported": RESULT,
    "retracted.yml": LEDGER,
    "emitted/index.json": EMITTED,
    "emitted/proof.json": PROOF,
    "reproduce/index.json": REPRODUCE,
}
_BY_NAME = {kind.name: kind for kind in KINDS.values()}


def load(path: Path, data_folder: Path) -> Record | list[Problem]:
    """The record in ``path``, or every reason why there is none. ``data_folder`` tells kinds by folder."""
    shown = shown_path(path, data_folder)
    try:
        kind = kind_of(path, data_folder)
        return parse(read(path, kind), kind, shown, path.stem)
    except Unreadable as error:
        return [Problem(shown, error.field, error.problem, error.remedy)]


def shown_path(path: Path, data_folder: Path) -> str:
    """How a message names ``path``: from the folder that holds ``data/`` where it lies there."""
    base = data_folder.parent
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def kind_of(path: Path, data_folder: Path) -> Kind:
    """The kind of a file by its folder, or outside of ``data/`` by its ``schema`` field."""
    if path.is_relative_to(data_folder):
        place = path.relative_to(data_folder).as_posix()
        folder = place if place in KINDS else place.partition("/")[0]
        if folder not in KINDS:
            raise Unreadable("file", f"lies in an unknown folder (got '{folder}')", closest(folder, KINDS))
        kind = KINDS[folder]
    else:
        kind = _kind_by_content(path)
    if path.suffix != kind.suffix:
        raise Unreadable("file", f"has the wrong ending (got '{path.suffix}')", f"name it <id>{kind.suffix}")
    return kind


def read(path: Path, kind: Kind) -> bytes:
    """The bytes of a regular file of at most ``kind.most_bytes``."""
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable(
                "file", "is not a regular file (got a link, folder or device)", "put the file itself there"
            )
        if info.st_size > kind.most_bytes:
            limit = f"a {kind.name} file may have {kind.most_bytes:,}"
            raise Unreadable("file", f"is too large (got {info.st_size:,} bytes)", limit)
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = getattr(error, "strerror", None) or error
        raise Unreadable("file", f"cannot be read (got '{why}')", "check its name and permissions") from None


def parse(raw: bytes, kind: Kind, shown: str, stem: str) -> Record | list[Problem]:
    """The record in ``raw``, or every reason why there is none; ``stem``, the file's name, is its id."""
    try:
        data = PARSERS[kind.suffix](raw)
    except Unreadable as error:
        return [Problem(shown, error.field, error.problem, error.remedy)]
    problems = [] if _verdict(kind.name).is_valid(data) else _explain(kind.name, data, shown)
    problems += _name_problems(data, shown, stem)
    if kind is RESULT and not problems:
        problems += seal_problems(data, shown)
    if isinstance(data, dict) and isinstance(data.get("notes"), str) and kind.suffix == ".md":
        problems += prose_problems(data["notes"], shown)
    return sorted(problems) or msgspec.convert(data, kind.record)


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a kind of record (or ``common``), as it stands in this folder."""
    loaded: dict[str, Any] = json.loads((SCHEMA_FOLDER / f"{name}.schema.json").read_text("utf-8"))
    return loaded


@cache
def _verdict(name: str) -> Any:
    return compiled(schema(name), schema("common"))


@cache
def _explaining(name: str) -> Any:
    return explaining(schema(name), schema("common"))


def _explain(name: str, data: Any, shown: str) -> list[Problem]:
    problems = explain(shown, _explaining(name).iter_errors(data))
    # Should the two validators ever differ, the verdict stands.
    return problems or [Problem(shown, "file", "does not fit its schema", "compare it with a valid one")]


def _name_problems(data: Any, shown: str, stem: str) -> list[Problem]:
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or data["id"] == stem:
        return []
    remedy = "name the file <id> and its ending, so that an id is found by name"
    return [Problem(shown, "id", f"differs from the file's name {got(data['id'])}", remedy)]


def _kind_by_content(path: Path) -> Kind:
    if path.suffix not in PARSERS:
        raise Unreadable(
            "file", f"has an unknown ending (got '{path.suffix}')", closest(path.suffix, PARSERS)
        )
    largest = max(
        (kind for kind in _BY_NAME.values() if kind.suffix == path.suffix), key=lambda kind: kind.most_bytes
    )
    data = PARSERS[path.suffix](read(path, largest))
    said = data.get("schema") if isinstance(data, dict) else None
    name = str(said).removeprefix("decode-board/").partition("/")[0]
    if name not in _BY_NAME:
        known = closest(str(said), (f"decode-board/{kind}/1" for kind in _BY_NAME))
        raise Unreadable("schema", f"does not say what the file holds {got(said)}", known)
    return _BY_NAME[name]
