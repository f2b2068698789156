"""The whole way of an import, from files to drafts that are valid beside what is on file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from generator.dataset import Dataset
from generator.importers import Import, Unimportable
from generator.importers.accounts import Accounts
from generator.importers.drafts import Draft, problems_of
from generator.importers.purs.cells import Dropped, Refused
from generator.importers.purs.devices import draft_device, known_devices
from generator.importers.purs.merging import Figure, figures_of, new_figures
from generator.importers.purs.names import Names, read_names
from generator.importers.purs.reading import Row, Table, read_table
from generator.importers.purs.records import Sheet, draft_of, sheets_of
from generator.importers.purs.rows import Value, value_of
from schemas.parse import Unreadable
from schemas.problems import Problem

_TIMING = re.compile(r"kernels\.timings\[([0-9]+)\]")


def read(files: Sequence[Path], data: Dataset, data_folder: Path, retrieved: str) -> Import:
    """What ``files`` hold beyond ``data``; raises :class:`Unimportable` where one of them cannot be read."""
    names = read_names(data_folder)
    tables = _tables(files, names)
    accounts = Accounts()
    values: list[Value] = []
    cells: dict[str, Row] = {}
    devices = known_devices(data)
    for path, table in tables:
        accounts.read(path, (row.place for row in table.rows))
        if table.unread:
            accounts.note(str(path), f"columns that are not read: {', '.join(table.unread)}")
        found = [value for row in table.rows if (value := _value(row, names, data, devices, accounts, cells))]
        _note_rates(str(path), found, accounts)
        values += found
    figures = figures_of(values)
    new = new_figures(figures, data, accounts)
    drafts = _valid_drafts(new, figures, names, data, accounts, cells, retrieved)
    accounts.counts()  # raises where a row has no fate
    return Import(accounts, tuple(drafts))


def _tables(files: Sequence[Path], names: Names) -> list[tuple[Path, Table]]:
    """Every file's rows, files by name: no order of arguments changes what is imported."""
    tables: list[tuple[Path, Table]] = []
    problems: list[Problem] = []
    for path in sorted(dict.fromkeys(files), key=lambda path: (path.name, str(path))):
        try:
            tables.append((path, read_table(path, names)))
        except Unreadable as error:
            problems.append(Problem(str(path), error.field, error.problem, error.remedy))
    if problems:
        raise Unimportable(problems)
    return tables


def _value(
    row: Row, names: Names, data: Dataset, devices: dict[str, str], accounts: Accounts, cells: dict[str, Row]
) -> Value | None:
    """The value of a row, or None once its fate is settled; ``cells`` keeps the fullest row of each device."""
    try:
        value = value_of(row, names, data, devices)
    except Refused as error:
        fate = "dropped" if isinstance(error, Dropped) else "refused"
        why = Problem(str(row.place), error.field, error.problem, error.remedy)
        accounts.settle(row.place, fate, why)  # type: ignore[arg-type]
        return None
    kept = cells.setdefault(value.device, row)
    if row.form == "aggregate" and kept.form != "aggregate":
        cells[value.device] = row
    return value


def _note_rates(path: str, values: Sequence[Value], accounts: Accounts) -> None:
    """Which units a file's own throughput turned out to be in."""
    units = Counter(value.rate_unit for value in values if value.rate_unit)
    wrong = [value.place.line for value in values if value.rate_unit == "contradicts"]
    if read_as := [f"{units[unit]:,} in {unit}" for unit in ("GB/s", "GFLOP/s") if units[unit]]:
        accounts.note(path, f"throughput is {' and '.join(read_as)}; not stored")
    if wrong:
        lines = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > 10 else "")
        said = (
            f"throughput contradicts the latency in {len(wrong):,} rows (lines {lines}); the latency is kept"
        )
        accounts.note(path, said)


# --- drafts ---------------------------------------------------------------------------------------


def _valid_drafts(
    new: Sequence[Figure],
    figures: Sequence[Figure],
    names: Names,
    data: Dataset,
    accounts: Accounts,
    cells: dict[str, Row],
    retrieved: str,
) -> list[Draft]:
    """Drafts without a problem: what the rules of the record refuse is refused here, with their words."""
    left = list(new)
    while True:
        devices, left = _devices(left, names, data, accounts, cells)
        sheets, left = _with_baselines(sheets_of(left, figures, names, data), names, data, accounts)
        drafts = [draft_of(sheet, names, retrieved) for sheet in sheets]
        problems = problems_of([*devices, *drafts], data)
        refused = _refused(problems, sheets, devices, data.folder, names)
        if not refused:
            break
        for figure, why in refused:
            _refuse(figure, why, accounts)
        gone = {id(figure) for figure, _ in refused}
        left = [figure for figure in left if id(figure) not in gone]
    for figure in left:
        accounts.settle(figure.first.place, "imported")
        for value in figure.values[1:]:
            accounts.settle(value.place, "merged")
    return [*devices, *drafts]


def _refuse(figure: Figure, why: Problem, accounts: Accounts) -> None:
    for value in figure.values:
        accounts.settle(value.place, "refused", replace(why, path=str(value.place)))


def _devices(
    figures: Sequence[Figure], names: Names, data: Dataset, accounts: Accounts, cells: dict[str, Row]
) -> tuple[list[Draft], list[Figure]]:
    """Drafts of the devices that are not on file, and the figures whose device is one or the other."""
    drafts: dict[str, Draft] = {}
    left: list[Figure] = []
    for figure in figures:
        first = figure.first
        if first.device not in data.devices and first.device not in drafts:
            try:
                row = cells[first.device]
                drafts[first.device] = draft_device(first.device, first.device_as_stated, row.cells, names)
            except Refused as error:
                _refuse(figure, Problem("", error.field, error.problem, error.remedy), accounts)
                continue
        left.append(figure)
    return list(drafts.values()), left


def _with_baselines(
    sheets: Sequence[Sheet], names: Names, data: Dataset, accounts: Accounts
) -> tuple[list[Sheet], list[Figure]]:
    """Decode steps that call themselves a baseline, with the row that they are one of; the figures that are left."""
    contenders = {
        (entry.run.device, entry.decode.model): name
        for name, entry in sorted(data.runs.items(), reverse=True)
        if entry.decode and entry.run.role == "contender"
    }
    decodes = [
        sheet for sheet in sheets if sheet.first.what.kind == "decode" and not _is_baseline(sheet, names)
    ]
    for sheet in reversed(decodes):
        contenders.setdefault((sheet.first.device, sheet.first.what.name), sheet.id)
    kept: list[Sheet] = []
    for sheet in sheets:
        if not _is_baseline(sheet, names):
            kept.append(sheet)
        elif owner := contenders.get((sheet.first.device, sheet.first.what.name)):
            kept.append(replace(sheet, baseline_of=owner))
        else:
            name = sheet.first.implementation
            said = (
                f"calls itself a baseline, and no other row of the device decodes this model (got '{name}')"
            )
            _refuse(
                sheet.figures[0],
                Problem("", "toolchain", said, "import the row that it is a baseline of"),
                accounts,
            )
    return kept, [figure for sheet in kept for figure in sheet.figures]


def _is_baseline(sheet: Sheet, names: Names) -> bool:
    said = (sheet.first.implementation or "").lower()
    return sheet.first.what.kind == "decode" and any(hint in said for hint in names.baseline)


def _refused(
    problems: Sequence[Problem], sheets: Sequence[Sheet], devices: Sequence[Draft], folder: str, names: Names
) -> list[tuple[Figure, Problem]]:
    """The figures that the record's rules refuse, each with the first reason."""
    by_path = {f"{folder}/reported/{names.folder}/{sheet.id}.json": sheet for sheet in sheets}
    by_device = {f"{folder}/{draft.place}": draft.id for draft in devices}
    found: dict[int, tuple[Figure, Problem]] = {}
    for problem in problems:
        if sheet := by_path.get(problem.path):
            at = _TIMING.match(problem.field)
            wrong = sheet.figures[int(at[1]) : int(at[1]) + 1] if at else sheet.figures
        else:
            device = by_device[problem.path]
            wrong = tuple(f for s in sheets for f in s.figures if f.first.device == device)
        for figure in wrong:
            found.setdefault(id(figure), (figure, problem))
    return list(found.values())
