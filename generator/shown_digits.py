"""Whole columns rounded to the digits that :mod:`generator.formats` shows, exactly as it rounds one number.

What was rounded so is shown the same again, so a page needs no more digits than these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def significant(values: pd.Series[Any], digits: int) -> Numbers:
    """As :func:`generator.formats.number` and :func:`generator.formats.times` show it."""
    known = _known(values)
    return _rounded(known, _decimals(known, digits))


def one_decimal(values: pd.Series[Any]) -> Numbers:
    """As :func:`generator.formats.one_decimal` and :func:`generator.formats.percent` show it."""
    known = _known(values)
    small = np.abs(_rounded(known, np.full(known.shape, 2))) < 1
    return _rounded(known, np.where(small, _decimals(known, 2), 1))


def latency(values: pd.Series[Any]) -> Numbers:
    """As :func:`generator.formats.latency` shows it."""
    known = _known(values)
    return _rounded(known, np.where(known < 10, 3, np.where(known < 100, 2, 1)))


def _known(values: pd.Series[Any]) -> Numbers:
    return values.to_numpy(np.float64, na_value=np.nan)


def _decimals(values: Numbers, digits: int) -> NDArray[np.intp]:
    usual = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    return digits - 1 - np.floor(np.log10(usual)).astype(np.intp)


def _rounded(values: Numbers, decimals: NDArray[np.intp]) -> Numbers:
    up, down = 10.0 ** np.maximum(decimals, 0), 10.0 ** np.maximum(-decimals, 0)
    scaled = values * up / down
    found = np.rint(scaled) * down / up
    # Scaling may move a value over the middle between two digits, where rounding one number looks at all its bits.
    for place in np.flatnonzero(np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < 1e-6):
        found[place] = round(float(values[place]), int(decimals[place]))
    return found
