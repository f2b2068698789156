"""The terms of the board, said in place: a button that opens its meaning, without a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

FILE = "glossary.yml"


@dataclass(frozen=True, slots=True)
class Term:
    """A term: how it is written, what its letters stand for, and what it means."""

    name: str
    says: str
    long: str | None = None


def read_glossary(site_src: Path) -> Mapping[str, Term]:
    """Every term by its key, in the order of the glossary; none where a site has no glossary."""
    path = site_src / FILE
    if not path.exists():
        return {}
    return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Term], strict=True)
