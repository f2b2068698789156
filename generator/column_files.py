"""Columns to files that hand them to `assets/table.js`: small, and in the order in which a browser sorts them.

A text column is a dictionary and a code for each row, unless all of its texts are one; a number column stands as it is.
A file holds :data:`SHARD_ROWS` rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHARD_ROWS = 10_000
Texts: TypeAlias = "Sequence[str | None] | pd.Series[Any] | NDArray[np.object_]"
_BASES = ("device", "run", "superseded_by")
_BY_ROW = ("run", "agreement")
_FEW_ROWS = 100
_DIGITS = re.compile(r"([0-9]+)")
_POINT_ZERO = re.compile(rb"\.0(?=[,\]])")


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of equal length: texts, where None is an empty cell, and numbers, where NaN is one."""

    texts: Mapping[str, Texts]
    numbers: Mapping[str, NDArray[np.float64]]


def encoded(name: str, columns: Columns) -> Iterator[tuple[str, bytes]]:
    """The files of one table, :data:`SHARD_ROWS` rows each; the first one has what all of them share."""
    shared, by_row = _coded(columns.texts)
    by_row |= {field: numbers.tolist() for field, numbers in columns.numbers.items()}
    total = len(next(iter(columns.numbers.values())))
    for shard, start in enumerate(range(0, total, SHARD_ROWS)):
        part = {
            field: msgspec.Raw(_list(list_[start : start + SHARD_ROWS])) for field, list_ in by_row.items()
        }
        body = msgspec.json.encode({"total": total, **(shared if shard == 0 else {}), "columns": part})
        yield f"assets/data/{name}/{shard}.js", b'board.take("%s/%d",%s)\n' % (name.encode(), shard, body)


def _coded(texts: Mapping[str, Texts]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Dictionaries in the order of their texts, and codes by row where they are needed.

    The codes of a column that follows from the device or the run stand by the code of that one, as ``of`` says.
    What mostly differs has no dictionary and stands there by row.
    """
    dictionaries: dict[str, list[str | None]] = {}
    of: dict[str, tuple[str, list[int]]] = {}
    by_row: dict[str, list[Any]] = {}
    bases: dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}
    for field, column in texts.items():
        codes, distinct = pd.factorize(np.asarray(column, dtype=object), use_na_sentinel=False)
        if field in _BY_ROW and len(distinct) > len(codes) / 2 and len(codes) > _FEW_ROWS:
            known = [_text(text) for text in distinct]
            by_row[field] = [known[code] for code in codes.tolist()]
            continue
        codes, known = _sorted(codes, distinct)
        dictionaries[field] = known
        base = next((base for base, ways in bases.items() if _follows(codes, *ways)), None)
        if base and len(known) > 1:
            of[field] = base, codes[bases[base][1]].tolist()
        elif len(known) > 1:
            by_row[field] = codes.tolist()
        if field in _BASES and field in by_row:
            bases[field] = codes, np.unique(codes, return_index=True)[1]
    return {"dictionaries": dictionaries, "of": of}, by_row


def _sorted(
    codes: NDArray[np.intp], distinct: NDArray[np.object_]
) -> tuple[NDArray[np.intp], list[str | None]]:
    """Codes and texts as people order them, with numbers by value and None at the end."""
    known = [_text(text) for text in distinct]
    order = sorted(range(len(known)), key=lambda place: _natural(known[place]))
    return np.argsort(order)[codes], [known[place] for place in order]


def _text(text: object) -> str | None:
    return text if isinstance(text, str) else None


def _natural(text: str | None) -> tuple[bool, list[str | int]]:
    parts = _DIGITS.split((text or "").casefold())
    return text is None, [int(part) if at % 2 else part for at, part in enumerate(parts)]


def _follows(codes: NDArray[np.intp], base: NDArray[np.intp], firsts: NDArray[np.intp]) -> bool:
    return bool((codes == codes[firsts][base]).all())


def _list(values: list[Any]) -> bytes:
    written = msgspec.json.encode(values)
    return _POINT_ZERO.sub(b"", written) if isinstance(values[0], float) else written
