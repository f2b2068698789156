"""The whole way of an import, from files to drafts that are valid beside what is on file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from generator.dataset import Dataset
from generator.formats import plural
from generator.importers import Import, Unimportable
from generator.importers.accounts import Accounts
from generator.importers.purs.accepting import Acceptance
from generator.importers.purs.cells import Dropped, Refused
from generator.importers.purs.devices import known_devices
from generator.importers.purs.merging import Figure, figures_of, settle_seconds, sort_out
from generator.importers.purs.names import Names, read_names
from generator.importers.purs.reading import Row, Table, read_table
from generator.importers.purs.records import group_of
from generator.importers.purs.rows import Value, value_of
from schemas.parse import Unreadable
from schemas.problems import Problem

_MOST_STACKS = 100


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
        read = [value for row in table.rows if (value := _value(row, names, data, devices, accounts, cells))]
        _note_rates(str(path), read, accounts)
        values += read
    figures = figures_of(values)
    _refuse_many(figures)
    found = sort_out(figures, data, accounts)
    drafts = Acceptance(names, data, accounts, cells, retrieved).drafts_of(found.new, figures)
    settle_seconds(found.seconds, accounts)
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
        why = Problem(str(row.place), error.field, error.problem, error.remedy)
        accounts.settle(row.place, "dropped" if isinstance(error, Dropped) else "refused", why)
        return None
    kept = cells.setdefault(value.device, row)
    if row.form == "aggregate" and kept.form != "aggregate":
        cells[value.device] = row
    return value


def _refuse_many(figures: Sequence[Figure]) -> None:
    """No file has hundreds of implementations, each of which would become a record."""
    stacks: dict[str, set[object]] = defaultdict(set)
    for figure in figures:
        stacks[figure.first.place.path].add(group_of(figure.first))
    problems = [
        Problem(
            path,
            "toolchain",
            f"names too many implementations (got {len(found):,})",
            f"at most {_MOST_STACKS}",
        )
        for path, found in stacks.items()
        if len(found) > _MOST_STACKS
    ]
    if problems:
        raise Unimportable(problems)


def _note_rates(path: str, values: Sequence[Value], accounts: Accounts) -> None:
    """Which units a file's own throughput turned out to be in."""
    units = Counter(value.rate_unit for value in values if value.rate_unit)
    wrong = [value.place.line for value in values if value.rate_unit == "contradicts"]
    if read_as := [f"{unit} in {plural(units[unit], 'row')}" for unit in ("GB/s", "GFLOP/s") if units[unit]]:
        accounts.note(path, f"throughput is {' and '.join(read_as)}; it is not stored")
    if wrong:
        lines = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > 10 else "")
        said = (
            f"throughput contradicts the latency in {len(wrong):,} rows (lines {lines}); the latency is kept"
        )
        accounts.note(path, said)
