"""A file of the board to rows of cells by our names of its columns. Three forms are told apart by what stands in them.

A *submission* is a CSV, one value a row, in any order of columns, with a header. The *aggregate* is the
``leaderboard.json`` that the board makes of submissions: a list of objects, one figure each. A *log* holds lines
``BENCH,<size>,<kernel>,<run>,<time_ms>`` among others, one run each; the form is that of the board's own scripts
(``scripts/ingest_bench_csv.py`` and ``scripts/bench_ascend.sh`` of github.com/purs-org/pu-rs.org): the device is
the file's name less ``_results``, the storage type is f32, and other lines are passed over.

A file is bounded before it is read, so that no file takes long or much memory. What is wrong with a whole file raises
:class:`Unreadable`; nothing else here judges a cell.
"""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from generator.importers.accounts import Place
from generator.importers.purs.names import Names, plain
from schemas.parse import Unreadable, decode_utf8, parse_json
from schemas.problems import closest, escaped

MOST_BYTES = 8_000_000
MOST_ROWS = 5_000
MOST_COLUMNS = 100
MOST_CHARACTERS = 20_000
_BENCH = re.compile(r"^BENCH,", re.MULTILINE)
_LONG = re.compile(rf"^[^\r\n]{{{MOST_CHARACTERS + 1},}}", re.MULTILINE)  # linear: tried once a line
_DELIMITERS = (",", ";", "\t")

Form = Literal["submission", "aggregate", "log"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells as text by our names of the columns, and the unit of its latency where its column has one.

    ``misfit`` says that the row has more or fewer cells than its header, and then has none.
    """

    place: Place
    form: Form
    file: str
    cells: Mapping[str, str]
    unit: str | None
    misfit: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, and the columns that are not read."""

    rows: list[Row]
    unread: list[str] = field(default_factory=list)


def read_table(path: Path, names: Names) -> Table:
    """The rows of a file; raises :class:`Unreadable`."""
    text = decode_utf8(_bytes(path))
    if not text.strip():
        raise Unreadable("file", "is empty (got no row)", "name a file of the leaderboard")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise Unreadable("file", f"holds a NUL byte (got one on line {line})", "save it as plain text")
    if text.lstrip()[0] in "[{":
        return _aggregate(path, text, names)
    if long := _LONG.search(text):
        said = (
            f"has a line of {len(long[0]):,} characters (got line {text.count(chr(10), 0, long.start()) + 1})"
        )
        raise Unreadable("file", said, f"a line may have {MOST_CHARACTERS:,}")
    if _BENCH.search(text):
        return _log(path, text, names)
    return _submission(path, text, names)


def _bytes(path: Path) -> bytes:
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("file", "is not a regular file (got a folder or device)", "name the file itself")
        if info.st_size > MOST_BYTES:
            remedy = f"an import reads up to {MOST_BYTES:,}; split it by rows"
            raise Unreadable("file", f"is too large (got {info.st_size:,} bytes)", remedy)
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        why = getattr(error, "strerror", None) or error
        raise Unreadable("file", f"cannot be read (got '{why}')", "check its name and permissions") from None


def _bounded(count: int) -> None:
    if count > MOST_ROWS:
        remedy = f"an import reads up to {MOST_ROWS:,} of a file; split it"
        raise Unreadable("file", f"has too many rows (got more than {MOST_ROWS:,})", remedy)


# --- submissions ----------------------------------------------------------------------------------


def _submission(path: Path, text: str, names: Names) -> Table:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    records = _records(text, delimiter)
    _, header = next(records)
    columns, unit = _columns(header, names)
    rows: list[Row] = []
    for line, cells in records:
        place = Place(str(path), line, len(rows) + 1)
        if len(cells) != len(header):
            misfit = (
                f"has another number of cells than the header (got {len(cells):,}, expected {len(header)})"
            )
            rows.append(Row(place, "submission", path.name, {}, unit, misfit))
        else:
            found = {name: cells[index] for name, index in columns.items()}
            rows.append(Row(place, "submission", path.name, found, unit))
        _bounded(len(rows))
    return Table(rows, _unread(header, columns, names))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it starts on; blank lines are none. A quote that never ends is refused."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = "mend the quotes there"
        raise Unreadable("file", f"is not CSV (got '{error}' on line {line})", remedy) from None


def _columns(header: Sequence[str], names: Names) -> tuple[dict[str, int], str | None]:
    """Where each of our fields stands, and the unit of the latency; the first name that a file has counts."""
    if len(header) > MOST_COLUMNS:
        said = f"has too many columns (got {len(header):,})"
        raise Unreadable("header", said, f"a file of the leaderboard has up to {MOST_COLUMNS}")
    places: dict[str, int] = {}
    for index, cell in enumerate(header):
        if plain(cell) in places:
            raise Unreadable("header", f"names a column twice (got '{escaped(cell)}')", "keep one")
        if plain(cell):
            places[plain(cell)] = index
    found = {
        ours: places[name]
        for ours, known in names.columns.items()
        for name in [next((name for name in known if name in places), "")]
        if name
    }
    missing = [ours for ours in names.required if ours not in found]
    latency = next((name for name in names.latency if name in places), None)
    if missing or latency is None:
        wanted = [names.columns[ours][0] for ours in missing] + (
            [] if latency else [next(iter(names.latency))]
        )
        said = f"lacks {', '.join(wanted)} (got '{escaped(','.join(header), 100)}')"
        raise Unreadable("header", said, f"{closest(wanted[0], places)}; or BENCH lines, or leaderboard.json")
    return found | {"latency": places[latency]}, names.latency[latency]


def _unread(header: Sequence[str], columns: Mapping[str, int], names: Names) -> list[str]:
    """Columns that nobody reads, for a note; those that are known to say nothing are left out."""
    read = {*columns.values()}
    left = [name for index, name in enumerate(header) if index not in read]
    return [escaped(name, 40) for name in left if plain(name) not in names.passed_over]


# --- the aggregate --------------------------------------------------------------------------------


def _aggregate(path: Path, text: str, names: Names) -> Table:
    _bounded(
        text.count("{")
    )  # before millions of empty entries are parsed; no text of a real one has a brace
    entries = parse_json(text.encode())
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Unreadable(
            "file", "is not a list of entries (got other JSON)", "name the board's leaderboard.json"
        )
    header = list(dict.fromkeys(name for entry in entries for name in entry))
    if not header:
        raise Unreadable("file", "holds no entry (got an empty list)", "name the board's leaderboard.json")
    columns, unit = _columns(header, names)
    rows = []
    for number, (line, entry) in enumerate(zip(_lines(text), entries, strict=True), 1):
        cells = {name: _text(entry.get(header[index])) for name, index in columns.items()}
        rows.append(Row(Place(str(path), line, number), "aggregate", path.name, cells, unit))
    return Table(rows, _unread(header, columns, names))


def _lines(text: str) -> Iterator[int]:
    """The line on which each entry of the list starts; ``text`` is known to be valid."""
    decoder, at, line = json.JSONDecoder(), text.index("[") + 1, text[: text.index("[")].count("\n") + 1
    while True:
        start = at
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return
        line += text.count("\n", start, at)
        yield line
        _, end = decoder.raw_decode(text, at)
        line += text.count("\n", at, end)
        at = end


def _text(value: Any) -> str:
    """A JSON value as a cell; what is no plain value stays what it is, and no cell will take it."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


# --- logs -----------------------------------------------------------------------------------------


def _log(path: Path, text: str, names: Names) -> Table:
    device = path.stem.removesuffix("_results")
    rows: list[Row] = []
    for line, said in enumerate(io.StringIO(text, newline=None), 1):
        if not _BENCH.match(said):
            continue
        place = Place(str(path), line, len(rows) + 1)
        cells = next(csv.reader([said], skipinitialspace=True))
        if len(cells) < 5:
            misfit = f"is not BENCH,size,kernel,run,time_ms (got {len(cells)} cells)"
            rows.append(Row(place, "log", path.name, {}, "ms", misfit))
        else:
            found = {"device": device, "shape": cells[1], "kernel": cells[2], "latency": cells[4]}
            stated = {"dtype": names.bench.dtype, "language": names.bench.language}
            rows.append(Row(place, "log", path.name, found | stated, "ms"))
        _bounded(len(rows))
    return Table(rows)
