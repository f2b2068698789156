"""Devices that rows name and nobody has filed: drafts of their files, with what is known and no more."""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.dataset import Dataset
from generator.importers.drafts import Draft
from generator.importers.purs.cells import Refused, quantity, word
from generator.importers.purs.names import Names
from schemas.device_draft import device_draft
from schemas.problems import got

_TYPES = ("CPU", "GPU", "NPU", "TPU")
_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_NOTES = (
    "Drafted by the importer from a leaderboard's files: the facts wait for somebody who looks them up.\n"
)


def known_devices(data: Dataset) -> dict[str, str]:
    """Our id by every name of a device."""
    aliases = {alias: name for name, device in data.devices.items() for alias in device.aliases}
    return aliases | {name: name for name in data.devices}


def draft_device(name: str, stated: str, cells: Mapping[str, str], names: Names) -> Draft:
    """The file of a device that none is on file for; raises :class:`Refused` where not even its type is known."""
    begun = max((start for start in names.vendors if f"{name}-".startswith(start)), key=len, default=None)
    vendor = names.vendors[begun] if begun else None
    kind = (cells.get("type") or "").strip().upper() or (vendor.type if vendor else "")
    if kind not in _TYPES or not _ID.fullmatch(name) or len(name) > 96:
        file = f"data/devices/{name if _ID.fullmatch(name) else '<id>'}.md"
        remedy = f"write {file}, or add the name to a device's aliases"
        raise Refused("device", f"is unknown, and its type is not stated {got(stated)}", remedy)
    board = {"title": f"{names.kernel_source.title}, device table", "url": names.kernel_source.url}
    bandwidth = _number(cells.get("bandwidth"), "gb/s")
    known = {
        "vendor": word(cells.get("vendor"), "vendor") or (vendor.vendor if vendor else None),
        "memory_gb": _number(cells.get("memory_gb"), "gb"),
        "tdp_w": _number(cells.get("tdp_w"), "w"),
        "other_bandwidths": [
            {"gb_per_s": bandwidth, "what": "as a leaderboard states it", "source": dict(board)}
        ]
        if bandwidth
        else [],
        "sources": [dict(board)] if cells.get("model") else [],
    }
    said = word(cells.get("model"), "model") or stated
    return Draft(f"devices/{name}.md", device_draft(name, said, kind, _NOTES, known))


def _number(text: str | None, unit: str) -> float | None:
    """A fact above 0, None where it is not stated in a way that we read."""
    try:
        value, said = quantity(text or "", "device")
    except Refused:
        return None
    return value if value > 0 and said in {None, unit} else None
