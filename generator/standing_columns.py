"""What each decode row is worth beside the others, as columns of the decode frame: computed, never declared.

``standing`` is the provenance, or ``reproduced``. ``superseded_by`` is the run that took the row's place.
``reproduced_within`` of ``reproduced_others`` other submitters' rows came within the tolerance, with drifts from
``reproduced_low_percent`` to ``reproduced_high_percent``; ``reproduced_by`` names the nearest. These are empty
where a row is not compared at all. What each means is said once, in :mod:`schemas.standing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from schemas.standing import Timed, ranks, reproductions, superseded

COLUMNS = (
    "standing",
    "superseded_by",
    "reproduced_within",
    "reproduced_others",
    "reproduced_low_percent",
    "reproduced_high_percent",
    "reproduced_by",
)
_ALONE = (0, 0, np.nan, np.nan, ())
_NOT_COMPARED = (np.nan, np.nan, np.nan, np.nan, ())


def standing_columns(frame: pd.DataFrame, sound: pd.Series[bool]) -> pd.DataFrame:
    """:data:`COLUMNS` of each decode row; only measured rows that are ``sound`` compare with each other."""
    runs = frame["run"].tolist()
    timed = list(timed_rows(frame[sound & (frame["provenance"] == "measured")]))
    replaced = superseded(timed)
    current = [row for row in timed if row.run not in replaced]
    known: dict[str, Sequence[Any]] = dict.fromkeys((row.run for row in current), _ALONE)
    known |= reproductions(current)
    compared = [known.get(run, _NOT_COMPARED) for run in runs]
    numbers = np.array([one[:4] for one in compared], np.float64).reshape(-1, 4)
    names = [one[4] or None for one in compared]
    reproduced = numbers[:, 0] > 0  # false where it is empty
    columns = {
        "standing": frame["provenance"].mask(reproduced, "reproduced"),
        "superseded_by": pd.Series([replaced.get(run) for run in runs], frame.index, object),
        **dict(zip(COLUMNS[2:6], numbers.T, strict=True)),
        "reproduced_by": pd.Series(names, frame.index, object),
    }
    return pd.DataFrame(columns, frame.index)


def why_unranked(row: Any) -> list[str]:
    """What keeps a decode row from a rank, in the words of its tables; one without a known bandwidth has none, too."""
    said = (
        ("withdrawn", row.retracted),
        ("superseded", not pd.isna(row.superseded_by)),
        ("fails its check", row.numerics_ok is False),
        ("another step", row.contract == "another step"),
        ("quick run", row.quick),
        (row.role, row.role != "contender"),
    )
    return [words for words, holds in said if holds]


def timed_rows(rows: pd.DataFrame) -> Iterator[Timed]:
    """The rows of a decode frame as what :mod:`schemas.standing` compares."""
    names = (
        "run",
        "device",
        "model",
        "dtype",
        "depth_tokens",
        "stack",
        "submitter",
        "measured_at",
        "tpot_ns",
    )
    return map(Timed, *(rows[name].tolist() for name in names))


def rank_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Rank and rank interval of each ranked row within its model; ``frame`` is in the order of ranks."""
    found = pd.DataFrame(np.nan, index=frame.index, columns=["rank", "rank_best", "rank_worst"])
    for _, rows in frame[frame["ranked"]].groupby("model"):
        best, worst = ranks(rows["tok_per_s_low"].to_numpy(), rows["tok_per_s_high"].to_numpy())
        found.loc[rows.index, "rank"] = np.arange(1, len(rows) + 1)
        found.loc[rows.index, "rank_best"] = best
        found.loc[rows.index, "rank_worst"] = worst
    return found
