"""The file of a device that nobody has filed: valid as it stands, and annotated for whoever completes it.

Runners draft the machine that they measured, importers the devices that another board names, and a person
drafts one before its first row. What is not known is null: no draft holds an invented number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_COLUMN = 24
_PLAIN = re.compile(
    r"(?!(?:null|true|false|yes|no|on|off|y|n)$)[A-Za-z](?:[\w .()/-]*[\w).])?", re.ASCII | re.IGNORECASE
)
_FACTS: dict[str, tuple[Any, str]] = {
    "schema": ("decode-board/device/1", ""),
    "id": (None, "the file's name without .md"),
    "name": (None, "as people say it, without the vendor"),
    "vendor": (None, "who makes it; or null"),
    "type": (None, "CPU, GPU, NPU or TPU"),
    "memory_gb": (None, "its own memory; or null"),
    "tdp_w": (None, "power by its data sheet; or null"),
    "peak_bandwidth": (None, ""),
    "other_bandwidths": ([], "other figures in print, in the same form; shown beside, never used to rank"),
    "aliases": ([], "ids by which other boards, or machines themselves, call it"),
    "sources": ([], "who states the facts above: {title, url}, ..."),
    "languages": ([], "what it takes emitted kernels in: {target, kernels: []}"),
    "reproduction": (None, "how a published row was made: {machine, method, source}; or null"),
}
_BANDWIDTH = """\
# MBU and the roofline count against this bandwidth. While it is null, rows are shown but not ranked. Fill in:
# peak_bandwidth: {gb_per_s: "1e9 bytes a second", what: "whole device", source: {title: "...", url: "https://..."}}
"""


def device_draft(
    device_id: str, name: str, kind: str, notes: str, known: Mapping[str, Any] | None = None
) -> str:
    """The text of the file; ``known`` holds what else is stated of the device, ``notes`` is its prose."""
    stated = {"id": device_id, "name": name, "type": kind, **(known or {})}
    lines = "".join(
        (_BANDWIDTH if field == "peak_bandwidth" else "") + _line(field, stated.get(field, default), comment)
        for field, (default, comment) in _FACTS.items()
    )
    return f"---\n{lines}---\n{notes}"


def _line(field: str, fact: Any, comment: str) -> str:
    """A fact as people write it, else as JSON, which is YAML whatever a name holds."""
    plain = isinstance(fact, str) and _PLAIN.fullmatch(fact)
    said = f"{field}: {fact if plain else json.dumps(fact, ensure_ascii=False)}"
    return f"{said:<{_COLUMN}}  # {comment}\n" if comment else f"{said}\n"
