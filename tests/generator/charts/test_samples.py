"""The picture of a run's steps."""

from __future__ import annotations

import re

import numpy as np

from generator.charts.samples import HEIGHT, LEFT, RIGHT, WIDTH, SamplesPlot, samples_plot
from generator.measured import Trace


def plot(times_ns: list[float], repetitions: int = 1) -> SamplesPlot | None:
    median = float(np.median(times_ns))
    packed = np.array(times_ns, np.float32).tobytes()
    return samples_plot(Trace(packed, 1), repetitions, median, median * 0.99, median * 1.01)


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", path)]


def test_each_step_is_a_point_in_its_order_and_the_slower_is_the_higher() -> None:
    drawn = plot([10e6, 11e6, 10.5e6, 10.2e6])
    assert drawn is not None
    points = places(drawn.points) + places(drawn.crosses)
    assert len(points) == 4
    xs = [x for x, _ in places(drawn.points)]
    assert xs == sorted(xs)
    assert all(LEFT < x < WIDTH - RIGHT for x in xs)
    assert all(0 <= y <= HEIGHT for _, y in points)
    assert places(drawn.points)[0][1] > places(drawn.points)[1][1]


def test_an_outlier_does_not_flatten_the_others_and_is_counted() -> None:
    drawn = plot([10e6, 10.1e6] * 60 + [500e6])
    assert drawn is not None
    assert drawn.above == len(places(drawn.crosses)) == 1
    assert drawn.highest_ms == 500
    ys = [y for _, y in places(drawn.points)]
    assert max(ys) - min(ys) > HEIGHT / 10


def test_repetitions_are_parted_by_lines_between_them() -> None:
    drawn = plot([10e6, 11e6] * 10, repetitions=5)
    assert drawn is not None
    assert len(drawn.turns) == 4


def test_equal_times_and_few_times_have_a_picture_or_none() -> None:
    assert plot([5e6]) is None
    drawn = plot([5e6] * 3)
    assert drawn is not None
    assert 1 <= len(drawn.ticks) <= 6
