"""The roofline chart: its bars, its table and its one sentence say the same."""

from __future__ import annotations

import pytest

from generator.charts.roofline import MOST_ROWS, roofline_figure
from generator.charts.svg import Figure, svg
from tests.generator.examples import Folder, about, texts


def figure(folder: Folder) -> Figure:
    made = roofline_figure(folder.board().decode, "Tiny 1K")
    assert made is not None
    return made


@pytest.fixture
def two(basic: Folder) -> Folder:
    """Half of the roofline, and a tenth of it beside a baseline."""
    basic.device(
        "gpu-b",
        peak_bandwidth={"gb_per_s": 29.76, "what": "w", "source": {"title": "t", "url": "https://a.org"}},
    )
    basic.reported("a", "gpu-a", 0.1 * 300e9 / 2976).reported("b", "gpu-b", 5e6)
    return basic.reported("base", "gpu-b", 2e6, role="baseline", decode_baseline_of="b")


def test_bars_are_rows_and_roofs(two: Folder) -> None:
    first, second = figure(two).data["bars"]
    assert (first["name"], first["roof"], first["baseline"]) == (
        "Device gpu-a, f16",
        about(300e9 / 2976),
        None,
    )
    assert (second["tok_per_s"], second["roof"], second["baseline"]) == (about(5e6), about(1e7), about(2e6))
    assert second["value"] == "5,000,000 tok/s of 10,000,000 (50.0 %)"


def test_the_table_says_the_same_as_the_bars(two: Folder) -> None:
    made = figure(two)
    assert made.columns == ("Device", "tok/s", "Roofline tok/s", "MBU", "Own baseline tok/s")
    assert made.table == (
        ("Device gpu-a", "10,080,000", "100,800,000", "10.0 %", "–"),
        ("Device gpu-b", "5,000,000", "10,000,000", "50.0 %", "2,000,000"),
    )


def test_the_caption_names_the_extremes(two: Folder) -> None:
    said = figure(two).caption
    assert said.startswith("Device gpu-b comes closest to its roofline (50.0 %), Device gpu-a stays furthest")
    assert "(10.0 %)" in said


def test_one_row_has_no_extremes(basic: Folder) -> None:
    made = figure(basic.reported("a", "gpu-a", 1e7))
    assert made.caption == "Device gpu-a reaches 9.9 % of its roofline."
    assert (made.id, made.title) == ("roofline-tiny", "Decode throughput against the roofline, Tiny 1K")


def test_a_row_without_a_bandwidth_is_no_bar(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=None).reported("a", "gpu-a", 1e7)
    assert roofline_figure(basic.board().decode, "Tiny 1K") is None


def test_nothing_ranked_is_no_chart(basic: Folder) -> None:
    basic.reported("ref", "gpu-a", role="reference")
    assert roofline_figure(basic.board().decode, "Tiny 1K") is None


def test_no_rows_are_no_chart(folder: Folder) -> None:
    assert roofline_figure(folder.board().decode, "Tiny 1K") is None


def test_only_the_fastest_rows_are_drawn(basic: Folder) -> None:
    for index in range(MOST_ROWS + 3):
        basic.reported(f"r{index:02}", "gpu-a", 100.0 - index)
    bars = figure(basic).data["bars"]
    assert [bar["row"] for bar in bars] == [f"r{index:02}" for index in range(MOST_ROWS)]


def test_a_row_without_a_baseline_is_drawn_too(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 7)
    assert "Device gpu-a, f16" in texts(svg(figure(basic), None))
