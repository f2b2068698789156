"""Where the times of steps lie: shares of the median in the picture, milliseconds in the table."""

from __future__ import annotations

from generator.charts.steady import MOST_ROWS, steady_figure
from generator.charts.svg import Figure, svg
from generator.views import ModelView
from tests.generator.examples import MODEL, Folder, about, repetition, samples, texts

EVEN = [1_000_000, 1_000_000]
UNEVEN = [1_000_000, 2_000_000]


def made(folder: Folder) -> Figure | None:
    board = folder.board()
    return steady_figure(board, ModelView(board, board.data.models[MODEL]).headline)


def figure(folder: Folder) -> Figure:
    found = made(folder)
    assert found is not None
    return found


def test_the_spread_is_a_share_of_the_median(basic: Folder) -> None:
    (bar,) = figure(basic.measured("m", "gpu-a", samples(UNEVEN))).data["bars"]
    assert (bar["p5"], bar["p95"], bar["median"]) == (about(100 / 1.5), about(200 / 1.5), 100)
    assert (bar["low"], bar["high"]) == (100, 100)
    assert bar["value"] == "1.5 ms, p99 +33.3 %"


def test_the_table_has_milliseconds(basic: Folder) -> None:
    found = figure(basic.measured("m", "gpu-a", samples(UNEVEN)))
    assert found.table == (("Device gpu-a, f16", "1.5", "1.5 to 1.5", "1 to 2", "1 to 2", "2", "10"),)
    assert len(found.columns) == len(found.table[0])


def test_one_row_is_told_by_itself(basic: Folder) -> None:
    said = figure(basic.measured("m", "gpu-a", samples(UNEVEN))).caption
    assert said.startswith(
        "Nine of ten steps of Device gpu-a, f16 take 67 to 133 % of its median, and one in a hundred 133.3 % or more."
    )


def test_several_rows_are_told_by_the_extremes(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples(UNEVEN)).measured("n", "gpu-b", samples(EVEN))
    assert figure(basic).caption.startswith(
        "Nine of ten steps of Device gpu-b, f16 take 100 to 100 % of its median, the steadiest; "
        "those of Device gpu-a, f16 67 to 133 %, the least steady."
    )


def test_means_of_repetitions_are_called_so(basic: Folder) -> None:
    means = [repetition(total_ns=2_000_000) for _ in range(5)]
    whole = samples(EVEN, timing="per_repetition", repetitions=means)
    (bar,) = figure(basic.measured("m", "gpu-a", whole)).data["bars"]
    assert "median 1 ms of 5 repetition's mean steps" in bar["tip"]


def test_of_a_device_and_type_the_best_row_is_drawn(basic: Folder) -> None:
    basic.measured("slow", "gpu-a", samples(UNEVEN), submitter="one")
    basic.measured("fast", "gpu-a", samples(EVEN), submitter="another")
    basic.measured("wide", "gpu-a", samples(EVEN), decode_dtype="f32")
    assert {bar["row"] for bar in figure(basic).data["bars"]} == {"fast", "wide"}


def test_what_was_withdrawn_or_superseded_is_not_drawn(basic: Folder) -> None:
    basic.measured("gone", "gpu-a", samples(EVEN)).retract("gone")
    basic.measured("old", "gpu-b", samples(EVEN), measured_at="2026-01-01T00:00:00Z")
    basic.measured("new", "gpu-b", samples(UNEVEN), measured_at="2026-02-01T00:00:00Z")
    assert [bar["row"] for bar in figure(basic).data["bars"]] == ["new"]


def test_rows_without_samples_are_no_chart(basic: Folder) -> None:
    assert made(basic.reported("r", "gpu-a", 100)) is None


def test_no_more_rows_are_drawn_than_can_be_read(basic: Folder) -> None:
    for index in range(MOST_ROWS + 2):
        basic.device(f"d-{index}").measured(f"m-{index}", f"d-{index}", samples([1_000_000 + index] * 2))
    assert len(figure(basic).data["bars"]) == MOST_ROWS


def test_each_row_has_a_name_and_one_tip(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples(UNEVEN)).measured("n", "gpu-b", samples(EVEN))
    drawn = svg(figure(basic), None)
    assert {"Device gpu-a, f16", "Device gpu-b, f16"} <= set(texts(drawn))
    assert drawn.count("data-tip=") == 2
