"""Joules a token: of each device the thriftiest row, and only where its counter told."""

from __future__ import annotations

import pytest

from generator.charts.energy import energy_figure
from generator.charts.svg import Figure, svg
from tests.generator.examples import Folder, about, repetition, samples, texts


def made(folder: Folder) -> Figure | None:
    board = folder.board()
    return energy_figure(board, board.decode, "Tiny 1K")


def figure(folder: Folder) -> Figure:
    found = made(folder)
    assert found is not None
    return found


def counted(folder: Folder, name: str, device: str, joules: float | None, submitter: str = "me") -> Folder:
    """A row of two steps of a millisecond a repetition, which take ``joules`` each."""
    energy = {} if joules is None else {"energy_j": 2 * joules}
    repetitions = [repetition(step_ns=[1_000_000, 1_000_000], **energy) for _ in range(5)]
    steps = samples([1_000_000, 1_000_000], repetitions=repetitions)
    return folder.measured(name, device, steps, submitter=submitter)


@pytest.fixture
def two(basic: Folder) -> Folder:
    return counted(counted(basic, "a", "gpu-a", 3.0), "b", "gpu-b", 1.5)


def test_the_thriftiest_stands_first(two: Folder) -> None:
    found = figure(two)
    assert [(bar["row"], bar["amount"]) for bar in found.data["bars"]] == [
        ("b", about(1.5)),
        ("a", about(3.0)),
    ]
    assert found.table == (("Device gpu-b", "f16", "1.5", "1,000"), ("Device gpu-a", "f16", "3", "1,000"))
    assert found.caption.startswith(
        "Device gpu-b needs least energy a token (1.5 J), Device gpu-a 2.00× as much."
    )


def test_of_one_device_the_thriftiest_row_stands_for_it(basic: Folder) -> None:
    counted(counted(basic, "a", "gpu-a", 3.0), "b", "gpu-a", 2.0, submitter="another")
    found = figure(basic)
    assert [bar["row"] for bar in found.data["bars"]] == ["b"]
    assert found.caption == "Device gpu-a needs 2 J a token, as its own counter tells."


def test_rows_that_do_not_count_are_no_chart(basic: Folder) -> None:
    assert made(counted(basic.reported("r", "gpu-b", 100), "a", "gpu-a", None)) is None


def test_what_has_no_rank_is_left_out(two: Folder) -> None:
    assert [bar["row"] for bar in figure(two.retract("b")).data["bars"]] == ["a"]


def test_it_draws_a_bar_with_a_tip_for_each_device(two: Folder) -> None:
    drawn = svg(figure(two), None)
    assert {"Device gpu-a, f16", "1.5 J a token"} <= set(texts(drawn))
    assert drawn.count("data-tip=") == 2
