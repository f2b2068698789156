"""Every timed step of a run, in order, as points.

Not drawn by Altair: each row has such a picture, and at 60 to 100 ms each a thousand of them would take longer
than everything else in a build. The look is that of :mod:`generator.charts.style`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.formats import number
from generator.measured import Trace
from schemas.metrics import quantiles

WIDTH, HEIGHT = 620, 150
LEFT, RIGHT, TOP, BOTTOM = 54, 8, 12, 18
CUT_PERCENT = 98.0


@dataclass(frozen=True, slots=True)
class SamplesPlot:
    """Coordinates for the fragment that draws it; times above the cut lie on the upper edge as crosses."""

    points: str
    crosses: str
    above: int
    highest_ms: float
    median_y: float
    low_y: float
    high_y: float
    ticks: tuple[tuple[float, str], ...]
    turns: tuple[float, ...]
    every: int


def samples_plot(
    trace: Trace, repetitions: int, median_ns: float, low_ns: float, high_ns: float
) -> SamplesPlot | None:
    """The steps of ``trace`` with the median and its interval; None where there is nothing to plot."""
    times = trace.times_ns.astype(np.float64)
    if len(times) < 2:
        return None
    (usual,) = quantiles(times, (CUT_PERCENT,))
    top = max(usual * 1.04, high_ns * 1.01)
    bottom = min(float(times.min()), low_ns) * 0.985
    scale = (HEIGHT - TOP - BOTTOM) / (top - bottom)
    x = LEFT + (np.arange(len(times)) + 0.5) * (WIDTH - LEFT - RIGHT) / len(times)
    y = TOP + (top - np.minimum(times, top)) * scale
    cut = times > top
    return SamplesPlot(
        points=_path(x[~cut], y[~cut], "h0"),
        crosses=_path(x[cut], y[cut] - 3, "l3-6 3 6z"),
        above=int(cut.sum()),
        highest_ms=float(times.max()) / 1e6,
        median_y=_y(median_ns, top, scale),
        low_y=_y(low_ns, top, scale),
        high_y=_y(high_ns, top, scale),
        ticks=tuple((_y(at, top, scale), number(at / 1e6, 3)) for at in _ticks(bottom, top)),
        turns=tuple(round(LEFT + k * (WIDTH - LEFT - RIGHT) / repetitions, 1) for k in range(1, repetitions)),
        every=trace.every,
    )


def _path(x: NDArray[np.float64], y: NDArray[np.float64], mark: str) -> str:
    return f"M%.1f %.1f{mark}" * len(x) % tuple(np.column_stack([x, y]).ravel().tolist())


def _y(time_ns: float, top: float, scale: float) -> float:
    return round(TOP + (top - min(time_ns, top)) * scale, 1)


def _ticks(bottom: float, top: float) -> list[float]:
    """Two to five round times between the edges."""
    step = 10.0 ** np.floor(np.log10(top - bottom))
    step *= next(part for part in (1, 0.5, 0.2) if (top - bottom) / (step * part) >= 2)
    return [float(at) for at in np.arange(np.ceil(bottom / step) * step, top, step)]
