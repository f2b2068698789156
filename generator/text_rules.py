"""What a schema cannot say about a text: that its letters are Unicode's, written the one way, and can be read.

Two texts that look the same are the same, bytes too: names are compared, grouped and counted by them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from schemas.problems import Problem, field_name

MOST_MARKS = 4  # on one letter; no language needs more
_TEXTLESS = frozenset({int, float, bool, type(None)})
_WHITE = "\n\t\u00a0"
_SELECTORS = range(0xE0100, 0xE01F0)  # of a letter's variant; of all others, the schemas know


def text_problems(record: Any, path: str) -> Iterator[Problem]:
    """What is wrong with the texts of a record."""
    for where, text in _texts(record, ()):
        for problem, remedy in _text(text):
            yield Problem(path, field_name(where), problem, remedy)


def _texts(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each text below ``value`` and where it stands, but those of ASCII: of these, the schemas let through what prints.

    Long lists of numbers are passed by.
    """
    if isinstance(value, str):
        if not value.isascii():
            yield at, value
    elif isinstance(value, tuple | list):
        if value and not isinstance(value[0], int | float):
            for place, entry in enumerate(value):
                yield from _texts(entry, (*at, place))
    else:
        for name in _fields(value.__class__):
            part = getattr(value, name)
            if type(part) not in _TEXTLESS:
                yield from _texts(part, (*at, name))


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()


def _text(text: str) -> Iterator[tuple[str, str]]:
    unknown = next((one for one in text if not _shows(one)), None)
    if unknown is not None:
        said = f"holds a character that shows nothing (got U+{ord(unknown):04X})"
        yield said, "write it without private, unassigned and invisible characters"
    if unicodedata.normalize("NFC", text) != text:
        yield "is not in Unicode's composed form (got letters and marks apart)", "write it as NFC"
    kinds = "".join(unicodedata.category(one)[0] for one in text)
    longest = max(map(len, re.findall("M+", kinds)), default=0)
    if longest > MOST_MARKS:
        yield f"piles marks on a letter (got {longest} on one)", f"write at most {MOST_MARKS}"


def _shows(letter: str) -> bool:
    return (letter.isprintable() and ord(letter) not in _SELECTORS) or letter in _WHITE
