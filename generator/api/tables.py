"""A frame as the table that its schema states, in the three formats that machines read.

A whole column is handled at once, and no more than one, or :data:`_ROWS` of all of them: fifty thousand rows of sixty
columns are three million cells.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator.api.columns import Column, Kind, columns

if TYPE_CHECKING:
    import pyarrow as pa

Cells = list[Any]
_ROWS = 5000
_FORMULA = tuple("=+-@\t\r＝＋－＠")  # the wide ones in some countries' spreadsheets


@dataclass(frozen=True)
class Table:
    """Columns, and the frame that holds them; what is missing is null."""

    columns: tuple[Column, ...]
    frame: pd.DataFrame

    def as_json(self) -> bytes:
        """A list of objects."""
        row = msgspec.defstruct("Row", [column.name for column in self.columns], gc=False)
        parts = (self.frame.iloc[start : start + _ROWS] for start in range(0, len(self.frame), _ROWS))
        cells = ([_cells(part[column.name], column.kind) for column in self.columns] for part in parts)
        return b"[%s]" % b",".join(msgspec.json.encode(list(map(row, *part)))[1:-1] for part in cells)

    def as_csv(self) -> bytes:
        """Texts in quotes, so that an empty one is not a missing one; no text that a spreadsheet would run."""
        import pyarrow as pa  # noqa: PLC0415 - only new data need it
        from pyarrow.csv import write_csv  # noqa: PLC0415

        guarded, file = self._arrow, io.BytesIO()
        for place, column in enumerate(self.columns):
            texts = self.frame[column.name]
            if column.kind == "string" and (quoted := _quoted_formulas(texts.dropna().unique().tolist())):
                safe = [quoted.get(text, text) for text in _cells(texts, column.kind)]
                guarded = guarded.set_column(place, column.name, pa.array(safe, pa.string()))
        write_csv(guarded, file)
        return file.getvalue()

    def as_parquet(self) -> bytes:
        """Each column with its unit and meaning in the metadata of its field."""
        from pyarrow.parquet import write_table  # noqa: PLC0415 - only new data need it

        file = io.BytesIO()
        write_table(self._arrow, file, compression="zstd")
        return file.getvalue()

    @cached_property
    def _arrow(self) -> pa.Table:
        import pyarrow as pa  # noqa: PLC0415 - only new data need it

        fields = [
            pa.field(column.name, _arrow_type(column.kind), not column.required, _metadata(column))
            for column in self.columns
        ]
        arrays = [
            pa.array(_cells(self.frame[column.name], column.kind), field.type)
            for column, field in zip(self.columns, fields, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _arrow_type(kind: Kind) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415

    return {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}[kind]


def _metadata(column: Column) -> dict[str, str]:
    return {"description": column.description} | ({"unit": column.unit} if column.unit else {})


def table(frame: pd.DataFrame, name: str) -> Table:
    """The table ``name`` of ``schemas/api/`` from the frame that holds its columns."""
    whole = frame.assign(card=frame["run"].map("rows/{}/".format))
    for joined, as_text in _AS_TEXT.items():
        if joined in whole:
            whole[joined] = whole[joined].map(as_text, na_action="ignore")
    return Table(columns(name), whole)


@cache
def _shape_text(shape: tuple[tuple[str, int], ...]) -> str:
    return json.dumps(dict(shape))


_AS_TEXT: dict[str, Callable[[Any], str]] = {"shape": _shape_text, "reproduced_by": ", ".join}


def _cells(values: pd.Series[Any], kind: Kind) -> Cells:
    if kind in {"string", "boolean"}:
        cells, known = values.to_numpy(object).copy(), values.notna().to_numpy()
    else:
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        known = np.isfinite(numbers)
        exact = np.where(known, numbers, 0).astype(np.int64) if kind == "integer" else _rounded(numbers)
        cells = exact.astype(object)
    cells[~known] = None
    found: Cells = cells.tolist()
    return found


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twelve significant digits: exact for counts, more than any clock gives, the same in every format."""
    known = np.isfinite(values) & (values != 0)
    digits = 11 - np.floor(np.log10(np.abs(np.where(known, values, 1.0))))
    scale = 10.0**digits
    return np.where(known, np.round(values * scale) / scale, values)


def _quoted_formulas(cells: Cells) -> dict[str, str]:
    """Texts that a spreadsheet would run as a formula, quoted as spreadsheets quote text."""
    return {text: f"'{text}" for text in set(cells) if text and text.startswith(_FORMULA)}
