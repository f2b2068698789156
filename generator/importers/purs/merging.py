"""Values to figures, and figures to those that are new.

The rules, in their order:

1. Values of one file with one key (device, kernel, shape, storage type, language, implementation) are one figure.
   Three values of a submission, the first between the other two, are read as median, minimum and maximum; any other
   number of values is summed up by its median. An entry of the aggregate is a figure of its own.
2. A figure that the data folder has, at the same latency, is on file.
3. Of several figures with one key one is kept: a submission before a log before the aggregate, which pools what has
   one language and so may mix implementations under one name; then the one of more values; then the first by file.
   A figure that failed its check is never merged into one that did not.
4. A figure whose key is on file with another latency is refused: what was published is withdrawn, never replaced.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from generator.dataset import Dataset
from generator.importers.accounts import Accounts, Fate
from generator.importers.purs.rows import Value
from generator.rows import FUSED
from schemas.problems import Problem

_SAME = 1e-3  # figures on file are rounded to a nanosecond, and tok/s to four digits
_ORDER = {"submission": 0, "log": 1, "aggregate": 2}


@dataclass(frozen=True, slots=True)
class Figure:
    """One published latency in microseconds, and the values that it sums up."""

    values: tuple[Value, ...]
    latency_us: float
    min_us: float | None
    max_us: float | None
    count: int
    is_triple: bool
    numerics_ok: bool | None

    @property
    def first(self) -> Value:
        """What all values share, and where the figure starts in its file."""
        return self.values[0]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The figures that are new, and the further sources of figures, each with the one that is kept."""

    new: list[Figure]
    seconds: list[tuple[Figure, Figure]]


@dataclass(frozen=True, slots=True)
class OnFile:
    """A latency that the data folder has, in microseconds, and the file that has it."""

    path: str
    latency_us: float
    numerics_ok: bool | None


def figures_of(values: Iterable[Value]) -> list[Figure]:
    """Values summed up by file and key (rule 1), in the order of their first values."""
    groups: dict[object, list[Value]] = defaultdict(list)
    for value in values:
        alone = value.place if value.form == "aggregate" else None
        groups[value.place.path, value.key, alone].append(value)
    return [_figure(group) for group in groups.values()]


def _figure(values: Sequence[Value]) -> Figure:
    first, times = values[0], [value.us for value in values]
    checks = {value.numerics_ok for value in values}
    ok = False if False in checks else None if None in checks else True
    if first.form == "aggregate":
        return Figure(tuple(values), first.us, first.lowest_us, first.highest_us, first.count, False, ok)
    if len(times) == 1:
        return Figure(tuple(values), first.us, None, None, 1, False, ok)
    triple = first.form == "submission" and len(times) == 3 and min(times[1:]) <= times[0] <= max(times[1:])
    middle = times[0] if triple else statistics.median(times)
    return Figure(tuple(values), middle, min(times), max(times), len(times), triple, ok)


def sort_out(figures: Sequence[Figure], data: Dataset, accounts: Accounts) -> Sorted:
    """Which figures are new (rules 2 to 4); every value that is on file, or cannot be a record, is settled."""
    known = _on_file(data)
    chosen: dict[object, Figure] = {}
    new: list[Figure] = []
    seconds: list[tuple[Figure, Figure]] = []
    for figure in sorted(figures, key=_preference):
        key, failed = figure.first.key, figure.numerics_ok is False
        kept = chosen.get((key, failed)) or (chosen.get((key, True)) if figure.numerics_ok is None else None)
        if _held(figure, known):
            settle(figure, accounts, "on_file")
            chosen.setdefault((key, failed), figure)
        elif kept:
            seconds.append((figure, kept))
        elif conflict := _conflict(figure, known):
            settle(figure, accounts, "refused", conflict)
        else:
            chosen[key, failed] = figure
            new.append(figure)
    return Sorted(sorted(new, key=lambda figure: figure.first.place), seconds)


def settle_seconds(seconds: Iterable[tuple[Figure, Figure]], accounts: Accounts) -> None:
    """The further sources of figures: merged, or refused where the figure itself was, once that is known."""
    for figure, kept in seconds:
        verdict = accounts.verdicts[kept.first.place]
        if verdict.fate == "refused" and verdict.why:
            said = f"has the key of a row that is refused (got {kept.first.place})"
            remedy = f"leave that file out, or mend it: {verdict.why.problem}"
            settle(figure, accounts, "refused", Problem("", "row", said, remedy))
        else:
            settle(figure, accounts, "merged")
            _note_difference(figure, kept, accounts)


def _preference(figure: Figure) -> tuple[int, int, object]:
    return _ORDER[figure.first.form], -figure.count, figure.first.place


def settle(figure: Figure, accounts: Accounts, fate: Fate, why: Problem | None = None) -> None:
    """One fate for every value of a figure."""
    for value in figure.values:
        accounts.settle(value.place, fate, why and replace(why, path=str(value.place)))


def _note_difference(figure: Figure, kept: Figure, accounts: Accounts) -> None:
    apart = abs(figure.latency_us / kept.latency_us - 1)
    if apart <= _SAME:
        return
    pooled = ", which pools implementations" if figure.first.form == "aggregate" else ""
    said = (
        f"line {figure.first.place.line}: {figure.latency_us:.6g} µs over {figure.count} values{pooled}; "
        f"kept is {kept.latency_us:.6g} µs of {kept.first.file}"
    )
    accounts.note(figure.first.place.path, said)


# --- what is on file ------------------------------------------------------------------------------


def _on_file(data: Dataset) -> dict[object, list[OnFile]]:
    """Latencies of the data folder by key; those of decode steps and their parts by device and kernel alone."""
    known: dict[object, list[OnFile]] = defaultdict(list)
    for name, entry in data.runs.items():
        path, device = data.paths["run", name], entry.run.device
        if entry.decode:
            found = OnFile(path, entry.decode.tpot_ns / 1e3, entry.decode.numerics_ok)
            known["decode", entry.decode.model, device].append(found)
            known["decode", entry.decode.model, entry.run.role].append(found)
        for row in entry.kernels:
            if row.latency_ns is None:
                continue
            found = OnFile(path, row.latency_ns / 1e3, row.numerics_ok)
            if row.shape is None:
                for part in row.kernel.split(FUSED):
                    known["part", part, device].append(found)
            else:
                shape = tuple(sorted(row.shape))
                key = (row.kernel, shape, device, row.dtype, row.language or "", row.implementation or "")
                known[key].append(found)
    return known


def _keys(value: Value) -> list[object]:
    """Where a value may be on file. A step on the host is the reference's, whatever device its row names."""
    what = value.what
    if what.kind == "decode":
        return [("decode", what.name, "reference" if value.on_host else value.device)]
    if what.kind == "part":
        return [("part", part, value.device) for part in what.name.split("|")]
    shape = tuple(sorted(what.shape))
    return [
        (
            what.name,
            shape,
            value.device,
            value.dtype,
            value.software.language or "",
            value.software.implementation or "",
        )
    ]


def _held(figure: Figure, known: dict[object, list[OnFile]]) -> bool:
    return any(
        abs(found.latency_us / figure.latency_us - 1) <= _SAME
        and (figure.numerics_ok is not False or found.numerics_ok is False)
        for key in _keys(figure.first)
        for found in known.get(key, ())
    )


def _conflict(figure: Figure, known: dict[object, list[OnFile]]) -> Problem | None:
    """Why a figure that is not on file cannot become a record."""
    first = figure.first
    if first.what.kind == "part":
        said = f"is a part of a decode step (got '{first.what.name.replace('|', ' or ')}')"
        remedy = "file it by hand: the row says neither its shape nor whether this is a call or all calls of a token"
        return Problem("", "kernel", said, remedy)
    if first.on_host:
        said = f"means the host, whose model the row does not name (got '{first.device_as_stated}')"
        return Problem("", "impl_lang", said, "name the processor as the device")
    found = known.get(_keys(first)[0], [])
    if first.what.kind == "kernel" and found:
        other = f"{found[0].latency_us:.6g} in {found[0].path}"
        other += ", and its check failed here" if figure.numerics_ok is False else ""
        said = f"differs from what is on file (got {figure.latency_us:.6g} µs, {other})"
        return Problem(
            "", "latency", said, "if the source was corrected, withdraw the old row in retracted.yml first"
        )
    return None
