"""The rows of the two large tables as columns, whose names are the slots of the row that a table's fragment describes.

Numbers are rounded to the digits that are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator.column_files import Columns, Texts, encoded
from generator.formats import percent, plural, short, whole
from generator.leaderboard import Leaderboard
from generator.ledger import LedgerView
from generator.shown_digits import latency, one_decimal, significant
from generator.tables import Board, rows_of
from generator.views import ModelView
from schemas.metrics import mbu_percent
from schemas.records import Retraction

_STATES = ("withdrawn", "superseded", "failed", "another", "noise", "speed", "quick", "role")
_ORIGIN = ("source_url", "source_title", "source_locator", "source_retrieved", "submitter")
_OF_REPRODUCTION = (
    "reproduced_within",
    "reproduced_others",
    "reproduced_low_percent",
    "reproduced_high_percent",
    "reproduced_by",
)


def table_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """The data files of the decode table of each model and of the leaderboard: address and content."""
    for model in board.data.models.values():
        view = ModelView(board, model)
        if len(view.table):
            yield from encoded(f"table/decode/{model.id}", decode_columns(view))
    if len(board.kernels):
        yield from encoded("table/kernels", kernel_columns(Leaderboard(board).rows))


def decode_columns(view: ModelView) -> Columns:
    """The rows of a model's decode table."""
    rows, ledger = view.table, LedgerView(view.board)
    past = rows["superseded_by"].notna()
    near = {row.run for row in view.headline}
    confirmed = rows["reproduced_within"].where(rows["standing"] == "reproduced")
    sampled = rows["samples"].notna()
    texts = {
        "superseded_by": rows["superseded_by"],
        **_common(rows),
        "language": rows["languages"],
        **{name: rows[name] for name in ("backend", "kernel_source", "baseline_stack")},
        "another": _said(rows["contract"] == "another step", "another step"),
        "noise": rows["noise"],
        "speed": _said(rows["changed_speed"], "host changed speed"),
        "provenance": rows["standing"].where(rows["source_url"].isna(), rows["provenance"]),
        "confirmed": confirmed.map(_confirmed, na_action="ignore"),
        "retraction": rows["run"].map({run: _retraction(one) for run, one in ledger.retractions.items()}),
        "successor": [_address(run, near) if isinstance(run, str) else None for run in rows["superseded_by"]],
        "later_by": rows["submitter"].where(past).map(short, na_action="ignore"),
        "agreement": _agreements(rows, ledger),
        "mbu_others": _other_mbu(view.board, rows),
    }
    numbers = {
        "rank": _numbers(rows["rank_best"]),
        "rank_worst": _numbers(rows["rank_worst"].where(rows["rank_worst"] != rows["rank_best"])),
        "tok_per_s": one_decimal(rows["tok_per_s"]),
        "tok_per_s_low": one_decimal(rows["tok_per_s_low"].where(sampled)),
        "tok_per_s_high": one_decimal(rows["tok_per_s_high"].where(sampled)),
        "tpot_ms": significant(rows["tpot_ms"], 4),
        "mbu_percent": one_decimal(rows["mbu_percent"]),
        "times_reference": significant(rows["times_reference"], 3),
        "times_baseline": significant(rows["times_baseline"], 3),
    }
    return Columns({**texts, "state": _states(texts)}, numbers)


def kernel_columns(rows: pd.DataFrame) -> Columns:
    """The rows of the kernel leaderboard."""
    over = rows["gb_per_s"] > rows["peak_gb_per_s"]
    failed = _said(_failed(rows), "failed")
    failed[rows["retracted"].to_numpy(bool)] = "withdrawn"
    texts = {
        **_common(rows),
        "kernel": rows["kernel"],
        "page": rows["kernel"].where(~rows["kernel"].str.contains(" + ", regex=False)),
        "shape": rows["shape_label"],
        "per": _said(rows["per"] == "token", "sum over a token’s calls"),
        "over": _said(over, "above the device’s memory bandwidth"),
        "quick": _said(rows["quick"], "quick run"),
        "kind": failed,
        "language": rows["language"],
        "implementation": rows["implementation"],
        "execution": rows["execution"].str.replace("_", " "),
        "provenance": rows["provenance"],
    }
    numbers = {
        "index": _numbers(rows["index"]),
        "rank": _numbers(rows["rank"]),
        "latency_us": latency(rows["latency_us"]),
        "low_us": latency(rows["low_us"]),
        "high_us": latency(rows["high_us"]),
        "gb_per_s": significant(rows["gb_per_s"], 3),
        "gflop_per_s": significant(rows["gflop_per_s"], 3),
        "lead": significant(rows["lead"], 3),
        "devices": _numbers(rows["devices"]),
    }
    return Columns({**texts, "state": _states(texts)}, numbers)


def _common(rows: pd.DataFrame) -> dict[str, Texts]:
    return {
        **{name: rows[name] for name in ("device", "run", "device_name", "vendor", "dtype", *_ORIGIN)},
        "withdrawn": _said(rows["retracted"], "withdrawn"),
        "gone": _said(rows["retracted"], " badge-gone"),
        "superseded": _said(rows["superseded_by"].notna(), "superseded"),
        "failed": _said(_failed(rows), "fails its check"),
        "role": rows["role"].where(rows["role"] != "contender"),
    }


def _states(texts: Mapping[str, Texts]) -> list[str | None]:
    """All that is said of a row beside its name, in one text."""
    marks = zip(*(texts[field] for field in _STATES if field in texts), strict=True)
    return list(map(_joined, marks))


@cache
def _joined(marks: tuple[object, ...]) -> str | None:
    return ", ".join(mark for mark in marks if isinstance(mark, str)) or None


def _said(marked: pd.Series[bool], text: str) -> NDArray[np.object_]:
    said = np.full(len(marked), None, object)
    said[marked.to_numpy(bool)] = text
    return said


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    return values.to_numpy(np.float64, na_value=np.nan)


def _failed(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["numerics_ok"].map(lambda ok: ok is False).astype(bool)


def _confirmed(within: float) -> str:
    return f", and reproduced by {plural(int(within), 'other submitter')}"


def _retraction(entry: Retraction) -> str:
    reason = entry.reason
    told = reason if len(reason) <= 165 else reason[:159].rsplit(" ", 1)[0] + "…"
    return f"{entry.date}, {entry.by}: {told}"


def _address(run: str, near: set[str]) -> str:
    """Where a row that took another's place is, as seen from the decode page."""
    return f"#row-{run}" if run in near else f"../rows/{run}/"


def _agreements(rows: pd.DataFrame, ledger: LedgerView) -> pd.Series[Any]:
    compared = rows.loc[rows["reproduced_others"] > 0, list(_OF_REPRODUCTION)]
    said = [ledger.agreement(row) for row in rows_of(compared)]
    return pd.Series(said, compared.index, object).reindex(rows.index)


def _other_mbu(board: Board, rows: pd.DataFrame) -> NDArray[np.object_]:
    """MBU against the other bandwidths of a row's device, a line each."""
    said = np.full(len(rows), None, object)
    for device in board.data.devices.values():
        places = np.flatnonzero(rows["device"] == device.id) if device.other_bandwidths else ()
        for place in places:
            needed, took = rows["bytes_per_token"].iloc[place], rows["tpot_ns"].iloc[place]
            stated = [one.gb_per_s for one in device.other_bandwidths]
            lines = [f"{percent(mbu_percent(needed, took, one))} of {whole(one)} GB/s" for one in stated]
            said[place] = "\n".join(lines)
    return said
