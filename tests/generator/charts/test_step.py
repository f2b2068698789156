"""The chart of a step taken apart."""

from __future__ import annotations

from generator.charts.step import REMAINDER, step_figure
from generator.charts.svg import Figure, svg
from generator.findings import reconciliations
from tests.generator.examples import Data, Folder, about, texts, timing, timings


def figure(folder: Folder, *parts: Data) -> Figure:
    """A step of 20 µs in ``parts``."""
    folder.reported("r", "gpu-a", 50_000, timings(*parts))
    board = folder.board()
    (step,) = reconciliations(board, board.decode, 100)
    return step_figure(step)


def test_bars_are_kernels_and_the_remainder(basic: Folder) -> None:
    made = figure(basic, timing("norm", us=1), timing("proj", us=4))
    assert [(bar["row"], bar["us"], bar["known"]) for bar in made.data["bars"]] == [
        ("proj", about(8), True), ("norm", about(5), True), (REMAINDER, about(7), False),
    ]  # fmt: skip
    assert made.data["bars"][0]["value"] == "8 µs, 40.0 %"
    assert made.id == "step-r"
    assert "Device gpu-a" in made.title


def test_the_table_says_the_same_as_the_bars(basic: Folder) -> None:
    made = figure(basic, timing("norm", us=1), timing("attend", us=6, per="token", implementation="whole"))
    assert made.table == (
        ("attend", "whole", "2", "3", "6", "30.0 %", "–"),
        ("norm", "tiled", "5", "1", "5", "25.0 %", "0.048"),
        (REMAINDER, "–", "–", "–", "9", "45.0 %", "–"),
    )
    assert {len(line) for line in made.table} == {len(made.columns)}
    assert [line[0] for line in made.table] == [bar["row"] for bar in made.data["bars"]]


def test_the_caption_of_a_remainder(basic: Folder) -> None:
    said = figure(basic, timing("norm", us=1), timing("proj", us=4)).caption
    assert said == (
        "The step takes 20 µs; its kernels with a figure add up to 13 µs. 35.0 % is left unexplained: launches, "
        "the host, and kernels without a figure. Without a figure: attend."
    )


def test_the_caption_of_a_sum_above_the_step(basic: Folder) -> None:
    parts = timing("norm", us=3), timing("proj", us=4), timing("attend", us=1)
    said = figure(basic, *parts).caption
    assert said == (
        "The step takes 20 µs; its kernels with a figure add up to 25 µs. The sum exceeds the step by 5 µs "
        "(25.0 %): rounding by the source, or figures that do not fit together."
    )


def test_a_rate_that_no_memory_gives_is_marked(basic: Folder) -> None:
    made = figure(basic, timing("proj", us=0.0005))
    assert made.table[0][-1] == "320 (above the device's bandwidth)"


def test_a_negative_remainder_is_drawn(basic: Folder) -> None:
    made = figure(basic, timing("norm", us=5))
    assert {"norm", REMAINDER, "−5 µs, −25.0 %"} <= set(texts(svg(made, None)))
