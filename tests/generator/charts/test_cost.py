"""Tokens for a dollar: what a list price makes of a row, with where and when it was read."""

from __future__ import annotations

import pytest

from generator.charts.cost import cost_figure
from generator.charts.svg import Figure, svg
from tests.generator.examples import Folder, about, price, texts


def made(folder: Folder) -> Figure | None:
    board = folder.board()
    return cost_figure(board, board.decode, "Tiny 1K")


def figure(folder: Folder) -> Figure:
    found = made(folder)
    assert found is not None
    return found


@pytest.fixture
def priced(basic: Folder) -> Folder:
    """100 tok/s at 36 dollars an hour, and half of that at a twelfth of the price."""
    basic.device("gpu-a", price=price(36)).device("gpu-b", price=price(3, date="2026-02-28"))
    return basic.reported("a", "gpu-a", 100).reported("b", "gpu-b", 50)


def test_the_most_tokens_for_a_dollar_stand_first(priced: Folder) -> None:
    found = figure(priced)
    bars = [(bar["row"], bar["amount"]) for bar in found.data["bars"]]
    assert bars == [("b", about(60_000)), ("a", about(10_000))]
    assert found.caption.startswith(
        "A dollar buys 60,000 tokens of one stream on Device gpu-b, 6.00× as many as on Device gpu-a (10,000). "
        "List prices of whole machines, read between 2026-01-31 and 2026-02-28."
    )


def test_the_table_tells_price_date_and_source(priced: Folder) -> None:
    found = figure(priced)
    assert found.columns == (
        "Device", "Tokens for a dollar", "tok/s", "USD an hour", "Price of", "Read on", "Source",
    )  # fmt: skip
    assert found.table[0] == ("Device gpu-b", "60,000", "50", "3", "on demand", "2026-02-28", "a list")


def test_only_devices_with_a_price_are_compared(basic: Folder) -> None:
    basic.device("gpu-a", price=price(36)).reported("a", "gpu-a", 100).reported("b", "gpu-b", 50)
    found = figure(basic)
    assert [bar["row"] for bar in found.data["bars"]] == ["a"]
    assert found.caption.startswith("A dollar buys 10,000 tokens of one stream on Device gpu-a. List prices")
    assert "read on 2026-01-31" in found.caption


def test_the_best_row_stands_for_its_device(priced: Folder) -> None:
    found = figure(priced.reported("c", "gpu-b", 40))
    assert [bar["row"] for bar in found.data["bars"]] == ["b", "a"]


@pytest.mark.parametrize("rate", [None, 100])
def test_without_a_price_or_a_row_there_is_no_chart(basic: Folder, rate: float | None) -> None:
    basic.device("gpu-b", price=price(1))
    if rate:
        basic.reported("a", "gpu-a", rate)
    assert made(basic) is None


def test_it_draws_a_bar_with_a_tip_for_each_device(priced: Folder) -> None:
    drawn = svg(figure(priced), None)
    assert {"Device gpu-a, f16", "60,000 for a dollar"} <= set(texts(drawn))
    assert drawn.count("data-tip=") == 2
