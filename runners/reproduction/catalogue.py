"""The list of runners, as a catalogue of the published page: ``python -m runners list``.

Every device of the board stands in it with its best row on file, under the runners that measure it, or at its end
where none does.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runners.standing import Best
from schemas.records import Device, RunnerFacts, serving

_HEAD = 11
_RATE = len("1000.0 tok/s")
_ROW = 2 + _RATE + len(", reported")
_NO_BREAK = "\N{NO-BREAK SPACE}"
LEAST_COLUMNS, MOST_COLUMNS = 60, 120
_BROKEN = "its module cannot be imported here"


@dataclass(frozen=True, slots=True)
class Entry:
    """A runner, the devices that it measures, and what this machine lacks; None where nothing is missing."""

    runner: RunnerFacts
    devices: tuple[Device, ...]
    lacking: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All runners, why others cannot be imported, the devices of none, and the best row of ``model`` by device."""

    entries: Sequence[Entry]
    broken: Mapping[str, str]
    unserved: Sequence[Device]
    model: str
    best: Mapping[str, Best]


def entries(
    runners: Sequence[RunnerFacts], devices: Iterable[Device], lacking: Mapping[str, str | None]
) -> list[Entry]:
    """All runners with their devices, in the order of the registry."""
    known = list(devices)
    return [
        Entry(one, tuple(device for device in known if one in serving(device, runners)), lacking[one.id])
        for one in runners
    ]


def text(whole: Catalogue, width: int) -> str:
    """For a terminal of ``width`` columns."""
    every = [*whole.unserved, *(device for entry in whole.entries for device in entry.devices)]
    column = min(max(len(_named(device)) for device in every) if every else 0, width - _HEAD - _ROW)
    blocks = [_block(entry, whole.best, column, width) for entry in whole.entries]
    blocks += [[f"{name}: {_BROKEN}", *_field("because", why, width)] for name, why in whole.broken.items()]
    if whole.unserved:
        rows = _devices(whole.unserved, whole.best, column, width)
        blocks.append(["Measured by none of these", *rows])
    blocks.append(_wrapped(f"tok/s: the best row on file of a whole decode step of {whole.model}", width))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _block(entry: Entry, best: Mapping[str, Best], column: int, width: int) -> list[str]:
    one = entry.runner
    lines = [f"{one.name}: {_listed(one.languages)}", *_devices(entry.devices, best, column, width)]
    for head, said in _fields(entry):
        lines += _field(head, said, width)
    return lines


def _devices(devices: Sequence[Device], best: Mapping[str, Best], column: int, width: int) -> list[str]:
    """A line for each device, its row from ``column`` on, or below it where the name is too long for that."""
    said = [f"{_named(one):<{column}}  {_whole(_row(best.get(one.id)))}" for one in devices] or [
        "none on file"
    ]
    heads = ["devices", *[""] * (len(said) - 1)]
    lines = [line for head, one in zip(heads, said, strict=True) for line in _field(head, one, width)]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _whole(text: str) -> str:
    """``text`` without a place where its line may end."""
    return text.replace(" ", _NO_BREAK)


def _fields(entry: Entry) -> Iterator[tuple[str, str]]:
    one = entry.runner
    yield "needs", one.machine
    yield "here", entry.lacking or "ready"
    yield "takes", f"{one.minutes_least} to {one.minutes_most} minutes"
    yield "run", f"python -m runners.{one.id}"


def _named(device: Device) -> str:
    """The device's name; one that states no vendor is no machine that anybody has, so it stands for one's own."""
    return device.name if device.vendor else f"{device.name} (measure your own {device.type})"


def _row(best: Best | None) -> str:
    """A best row's figure, its point where every other has it, as the decode page rounds it."""
    if best is None:
        return f"{'no row yet':>{_RATE}}"
    rate = f"{best.tok_per_s:.1f}" if best.tok_per_s >= 1 else f"{best.tok_per_s:.2g}"
    return f"{f'{rate} tok/s':>{_RATE}}, {best.provenance}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _field(head: str, said: str, width: int) -> list[str]:
    """A head and its words, which go on below themselves."""
    return _wrapped(said, width, f"  {head:<{_HEAD - 2}}", " " * _HEAD)


def _wrapped(said: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Lines of at most ``width`` columns; no id or path is broken."""
    return textwrap.wrap(
        said, width, initial_indent=first, subsequent_indent=others,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def plain(whole: Catalogue) -> dict[str, Any]:
    """For programs: the same as plain data."""

    def rows(devices: Sequence[Device]) -> list[dict[str, Any]]:
        found = [(device, whole.best.get(device.id)) for device in devices]
        return [
            {"id": device.id, "name": device.name, "best": best and asdict(best)} for device, best in found
        ]

    return {
        "model": whole.model,
        "runners": [
            {**asdict(entry.runner), "devices": rows(entry.devices), "lacking": entry.lacking}
            for entry in whole.entries
        ],
        "broken": dict(whole.broken),
        "unserved": rows(whole.unserved),
    }
