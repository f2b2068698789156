"""Kernel places against decode places: the finding, and that nothing is drawn from one device."""

from __future__ import annotations

import pytest

from generator.charts.slope import MOST_DEVICES, slope_figure
from generator.charts.svg import Figure, svg
from generator.findings import kernel_against_decode
from tests.generator.examples import MODEL, Folder, texts, timing, timings


def made(folder: Folder) -> Figure | None:
    board = folder.board()
    return slope_figure(kernel_against_decode(board, board.decode), MODEL)


def figure(folder: Folder) -> Figure:
    found = made(folder)
    assert found is not None
    return found


def with_kernel(folder: Folder, device: str, tok_per_s: float, us: float) -> Folder:
    return folder.reported(device, device, tok_per_s, timings(timing("norm", us=us)))


@pytest.fixture
def crossed(basic: Folder) -> Folder:
    """One is faster per kernel, the other on decode."""
    with_kernel(basic, "gpu-a", 100, 9)
    return with_kernel(basic, "gpu-b", 50, 1)


def test_the_loser_is_marked_and_named(crossed: Folder) -> None:
    found = figure(crossed)
    assert found.caption.startswith(
        "Device gpu-b stands first per kernel and last on decode, of 2 devices with both figures."
    )
    assert [(line["row"], line["left"], line["right"], line["marked"]) for line in found.data["lines"]] == [
        ("gpu-a", 1, 0, False), ("gpu-b", 0, 1, True),
    ]  # fmt: skip


def test_the_table_is_in_the_order_of_decode(crossed: Folder) -> None:
    found = figure(crossed)
    assert found.columns == ("Device", "Place per kernel", "Place on decode", "Decode tok/s")
    assert found.table == (("Device gpu-a", "2", "1", "100"), ("Device gpu-b", "1", "2", "50"))


def test_the_same_order_twice_has_no_loser(basic: Folder) -> None:
    with_kernel(basic, "gpu-a", 100, 1)
    found = figure(with_kernel(basic, "gpu-b", 50, 9))
    assert found.caption == (
        "Of 2 devices with both figures, none stands clearly better per kernel than on decode."
    )
    assert not any(line["marked"] for line in found.data["lines"])


def test_equal_standings_share_the_better_place(basic: Folder) -> None:
    """Each is first in one contest, and last in the other."""
    basic.reported("a", "gpu-a", 100, timings(timing("norm", us=1), timing("proj", us=9)))
    basic.reported("b", "gpu-b", 50, timings(timing("norm", us=9), timing("proj", us=1)))
    assert [row[1] for row in figure(basic).table] == ["1", "1"]


@pytest.mark.parametrize("device", ["gpu-a", None])
def test_one_device_or_none_is_no_chart(basic: Folder, device: str | None) -> None:
    if device:
        with_kernel(basic, device, 100, 1)
    assert made(basic) is None


def test_only_the_first_devices_are_drawn(basic: Folder) -> None:
    for index in range(MOST_DEVICES + 2):
        with_kernel(basic.device(f"d-{index:02}"), f"d-{index:02}", 100 - index, 1 + index)
    found = figure(basic)
    assert len(found.data["lines"]) == len(found.table) == MOST_DEVICES
    assert sorted(line["left"] for line in found.data["lines"]) == list(range(MOST_DEVICES))


def test_it_draws_both_sides(crossed: Folder) -> None:
    drawn = svg(figure(crossed), None)
    assert {"2. Device gpu-a", "1. Device gpu-a", "Per kernel", "On decode"} <= set(texts(drawn))
    assert drawn.count("data-tip=") == 4
