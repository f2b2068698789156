"""New records before they are written: judged as ``validate`` would judge them once they lie in the data folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator.dataset import Dataset
from generator.file_rules import file_problems
from generator.rows import distill
from generator.rules import cross_file_problems, today
from schemas.load import DEVICE, RESULT, parse
from schemas.problems import Problem
from schemas.records import Device, Result

_WIDTH = 110
_flat = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that is not on file yet: its ``place`` below the data folder, and its text."""

    place: str
    text: str

    @property
    def id(self) -> str:
        """The record's id: its file's name."""
        return self.place.rpartition("/")[2].rpartition(".")[0]


def problems_of(drafts: Sequence[Draft], data: Dataset) -> list[Problem]:
    """All that is wrong with ``drafts`` beside each other and what is on file; paths start with the data folder."""
    devices, runs, paths = dict(data.devices), dict(data.runs), dict(data.paths)
    problems: list[Problem] = []
    for draft in drafts:
        shown = f"{data.folder}/{draft.place}"
        kind = DEVICE if draft.place.startswith("devices/") else RESULT
        raw = draft.text.encode("utf-8", "backslashreplace")
        record = parse(raw, kind, shown, draft.id)
        if isinstance(record, list) or (found := file_problems(record, shown)):
            problems += record if isinstance(record, list) else found
        elif isinstance(record, Device):
            devices[record.id], paths["device", record.id] = record, shown
        else:
            assert isinstance(record, Result)
            runs[record.id], paths["run", record.id] = distill(record, shown), shown
    together = replace(data, devices=devices, runs=runs, paths=paths, sizes={})
    places = {f"{data.folder}/{draft.place}" for draft in drafts}
    across = cross_file_problems(together, today())
    return sorted([*problems, *(problem for problem in across if problem.path in places)])


def written(value: Any, indent: int = 0) -> str:
    """JSON as the records are written: what fits on a line stands on one, all else an entry a line."""
    flat = _flat(value)
    if not isinstance(value, dict | list) or not value or (indent and indent + len(flat) + 20 <= _WIDTH):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(name)}: {written(entry, indent + 2)}" for name, entry in value.items()]
    else:
        inner = [pad + written(entry, indent + 2) for entry in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(inner) + f"\n{' ' * indent}{last}"
