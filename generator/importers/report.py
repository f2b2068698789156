"""The report of an import, for a terminal and for a program: where every row went, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generator.formats import plural
from generator.importers import Import
from generator.importers.accounts import FATES
from schemas.problems import Problem, escaped

_HEADS = ("read", *FATES)


def as_text(found: Import, folder: str, written: bool) -> str:
    """A table of files, then why rows are not in the data folder now, then what is new in ``folder``."""
    lines = [_table(found), ""]
    if found.accounts.notes:
        lines += [
            "notes",
            *(f"  {escaped(path, 200)}: {escaped(said, 400)}" for path, said in found.accounts.notes),
            "",
        ]
    for fate in ("dropped", "refused"):
        if told := found.accounts.told(fate):
            lines += [fate, *(f"  {line}" for line in _folded(told)), ""]
    if not found.drafts:
        return "\n".join([*lines, "nothing is new: nothing to write"])
    files = plural(len(found.drafts), "file")
    head = f"written: {files}" if written else f"would write {files}"
    return "\n".join([*lines, head, *(f"  {folder}/{draft.place}" for draft in found.drafts)])


def _folded(told: list[Problem]) -> Iterator[str]:
    """A line for each reason in a file: for rows that share it, the first one's with how many more there are."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for problem in told:
        path = problem.path.rpartition(":")[0]
        alike.setdefault((path, problem.field, problem.problem, problem.remedy), []).append(problem)
    for first, *more in alike.values():
        rest = f" (and {plural(len(more), 'more row')})" if more else ""
        yield f"{first}{rest}"


def as_data(found: Import, folder: str, written: bool) -> dict[str, Any]:
    """The same as plain data."""
    accounts = found.accounts
    return {
        "files": [{"path": path, **accounts.counts(path)} for path in accounts.files],
        "total": dict(accounts.counts()),
        "notes": [{"path": path, "note": said} for path, said in accounts.notes],
        **{
            fate: [
                {"place": why.path, "field": why.field, "problem": why.problem, "remedy": why.remedy}
                for why in accounts.told(fate)
            ]
            for fate in ("dropped", "refused")
        },
        "records": [f"{folder}/{draft.place}" for draft in found.drafts],
        "written": written and bool(found.drafts),
    }


def _table(found: Import) -> str:
    accounts = found.accounts
    rows = [(Path(path).name, accounts.counts(path)) for path in accounts.files]
    wide = max(len(name) for name, _ in [*rows, ("all files", None)])
    return "\n".join(
        [
            "  ".join(["file".ljust(wide), *(head.replace("_", " ").rjust(8) for head in _HEADS)]),
            *(_line(escaped(name, 200), counts, wide) for name, counts in rows),
            _line("all files", accounts.counts(), wide),
        ]
    )


def _line(name: str, counts: Counter[str], wide: int) -> str:
    return "  ".join([name.ljust(wide), *(f"{counts[head]:,}".rjust(8) for head in _HEADS)])
