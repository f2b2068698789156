"""tok/s over depth: a line needs two depths of one device, type, stack and source."""

from __future__ import annotations

from typing import Any

import pytest

from generator.charts.depth import MOST_SERIES, ROOFLINE_POINTS, depth_figure
from generator.charts.svg import Figure, svg
from generator.tables import rows_of
from schemas.metrics import roofline_tok_per_s
from tests.generator.examples import MODEL, Folder, about, samples, texts


def made(folder: Folder) -> Figure | None:
    board = folder.board()
    return depth_figure(board, board.decode, board.data.models[MODEL])


def figure(folder: Folder) -> Figure:
    found = made(folder)
    assert found is not None
    return found


def at(folder: Folder, depth: int, step_ns: int, device: str = "gpu-a", **changes: Any) -> Folder:
    name = f"{device}-{depth}-{step_ns}"
    return folder.measured(name, device, samples([step_ns, step_ns]), decode_depth_tokens=depth, **changes)


@pytest.fixture
def two(basic: Folder) -> Folder:
    return at(at(basic, 64, 2_000_000), 0, 1_000_000)


def test_the_points_go_from_shallow_to_deep(two: Folder) -> None:
    found = figure(two)
    (line,) = found.data["lines"]
    assert [(point["x"], point["y"]) for point in line["points"]] == [(0, about(1000)), (64, about(500))]
    assert [row[1:4] for row in found.table] == [
        ("0", "1,000", "1,000 to 1,000"), ("64", "500", "500 to 500"),
    ]  # fmt: skip
    assert found.caption == (
        "Device gpu-a, f16, an emitter keeps 50.0 % of its tok/s from 0 to 64 tokens. "
        "Thin lines: the rooflines of the devices."
    )


def test_the_roofline_ends_where_the_rows_do(two: Folder) -> None:
    (roof,) = figure(two).data["roofs"]
    assert (len(roof), roof[0]["x"], roof[-1]["x"]) == (ROOFLINE_POINTS, 0, 64)
    rows = {row.depth_tokens: row.roofline_tok_per_s for row in rows_of(two.board().decode)}
    assert (roof[0]["y"], roof[-1]["y"]) == (about(rows[0]), about(rows[64]))
    assert roof[0]["y"] < roofline_tok_per_s(2976, 300)  # the second step finds a token in the cache


def test_a_device_without_a_bandwidth_has_no_roofline(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=None)
    found = figure(at(at(basic, 0, 1_000_000), 64, 2_000_000))
    assert found.data["roofs"] == []
    assert "Thin lines" not in found.caption


@pytest.mark.parametrize(
    "change",
    [
        {"decode_dtype": "f32"},
        {"device": "gpu-b"},
        {"role": "baseline", "decode_baseline_of": "one"},
        {"quick": True},
        {"decode_numerics_ok": False, "decode_logits_rel_l2": 9.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_second_depth_of_the_same(basic: Folder, change: dict[str, Any]) -> None:
    basic.measured("one", "gpu-a", samples([1000, 1000]), decode_depth_tokens=0)
    other = {"decode_depth_tokens": 64} | change
    basic.measured("two", other.pop("device", "gpu-a"), samples([2000, 2000]), **other)
    assert made(basic) is None


def test_a_withdrawn_depth_does_not_count(two: Folder) -> None:
    assert made(two.retract("gpu-a-64-2000000")) is None


def test_a_row_for_each_depth_and_no_more_lines_than_can_be_told_apart(basic: Folder) -> None:
    for index in range(MOST_SERIES + 1):
        basic.device(f"d-{index}")
        at(at(basic, 0, 1_000_000 + index, f"d-{index}"), 64, 2_000_000, f"d-{index}")
    found = figure(basic)
    assert len(found.data["lines"]) == MOST_SERIES
    assert len({tuple(line["dash"]) for line in found.data["lines"]}) == MOST_SERIES
    assert len(found.table) == 2 * MOST_SERIES


def test_each_line_has_its_name_and_each_point_a_tip(two: Folder) -> None:
    drawn = svg(figure(two), None)
    assert "Device gpu-a, f16, an emitter" in texts(drawn)
    assert drawn.count("data-tip=") == 2
