"""The list of runners, as a catalogue of the published page: ``python -m runners list``.

Every device of the board stands in it, under the runners that measure it, or at its end where none does.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.records import Device, RunnerFacts, serving

_HEAD = 11
_BROKEN = "its module cannot be imported here"


@dataclass(frozen=True, slots=True)
class Entry:
    """A runner, the devices that it measures, and what this machine lacks; None where nothing is missing."""

    runner: RunnerFacts
    devices: tuple[Device, ...]
    lacking: str | None


def entries(
    runners: Sequence[RunnerFacts], devices: Iterable[Device], lacking: Mapping[str, str | None]
) -> list[Entry]:
    """All runners with their devices, in the order of the registry."""
    known = list(devices)
    return [
        Entry(one, tuple(device for device in known if one in serving(device, runners)), lacking[one.id])
        for one in runners
    ]


def text(listed: Sequence[Entry], broken: Mapping[str, str], unserved: Sequence[Device], width: int) -> str:
    """For a terminal of ``width`` columns."""
    blocks = [_block(entry, width) for entry in listed]
    blocks += [[f"{name}: {_BROKEN}", *_field("because", why, width)] for name, why in broken.items()]
    if unserved:
        blocks.append(["Measured by none of these", *_field("devices", _named(unserved), width)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _block(entry: Entry, width: int) -> list[str]:
    one = entry.runner
    lines = [f"{one.name}: {_listed(one.languages)}"]
    for head, said in _fields(entry):
        lines += _field(head, said, width)
    return lines


def _fields(entry: Entry) -> Iterator[tuple[str, str]]:
    one = entry.runner
    yield "devices", _named(entry.devices) or "none on file"
    yield "needs", one.machine
    yield "here", entry.lacking or "ready"
    yield "takes", f"{one.minutes_least} to {one.minutes_most} minutes"
    yield "run", f"python -m runners.{one.id}"


def _named(devices: Sequence[Device]) -> str:
    """The devices by name; one that states no vendor is no machine that anybody has, so it stands for one's own."""
    return "; ".join(
        device.name if device.vendor else f"{device.name} (measure your own {device.type})"
        for device in devices
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _field(head: str, said: str, width: int) -> list[str]:
    """A head and its words, which go on below themselves; no id or path is broken."""
    return textwrap.wrap(
        said, width, initial_indent=f"  {head:<{_HEAD - 2}}", subsequent_indent=" " * _HEAD,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def plain(listed: Sequence[Entry], broken: Mapping[str, str], unserved: Sequence[Device]) -> dict[str, Any]:
    """For programs: the same as plain data."""
    return {
        "runners": [
            {
                **asdict(entry.runner),
                "devices": [device.id for device in entry.devices],
                "lacking": entry.lacking,
            }
            for entry in listed
        ],
        "broken": dict(broken),
        "unserved": [device.id for device in unserved],
    }
