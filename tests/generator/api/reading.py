"""Downloads read back as strictly as a program may."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any


def strict(path: Path) -> Any:
    """JSON as RFC 8259 has it: NaN and Infinity are none."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} in {path}")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def spreadsheet(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
