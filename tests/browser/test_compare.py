"""Any rows side by side: the script in the page says what the generator says."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from generator.comparability import Fact, compared
from generator.compare import Entries, Entry
from generator.compare_view import Comparison, ratio
from generator.dataset import read_dataset
from generator.tables import make_board, rows_of
from tests.browser.test_pages import ROOT, SCHEMES, WIDTHS, Scheme, opened, violations
from tests.conftest import SITE_FOLDER

pytestmark = pytest.mark.browser

SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 200);
})"""
BASE = (
    Fact("another model", "m", bars=True),
    Fact("another step", False, bars=True),
    Fact("storage type", "f16"),
    Fact("depth", 128),
    Fact("kernel source", "a" * 64),
    Fact("a host changed its speed", False),
)
OTHERS: tuple[tuple[str | int | bool | None, ...], ...] = (
    ("m2",),
    (True,),
    ("<b>", None),
    (0, 64, None),
    ("b" * 64, "repository 0123abc", None),
    (True,),
)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """Every decode row of the real data, best first."""
    board = make_board(read_dataset(ROOT / "data")[0])
    return list(map(Entries(board).of, rows_of(board.decode)))


def varied() -> list[tuple[Fact, ...]]:
    """Facts that agree, and with each kind of difference, one at a time."""
    changed = (
        [(at, Fact(fact.what, value, fact.bars)) for value in values]
        for at, (fact, values) in enumerate(zip(BASE, OTHERS, strict=True))
    )
    return [BASE, *((*BASE[:at], fact, *BASE[at + 1 :]) for some in changed for at, fact in some)]


def told(facts: tuple[Fact, ...]) -> list[Any]:
    return [[fact.what, fact.value, fact.bars, fact.shown] for fact in facts]


def side_by_side(page: Page, address: str, *runs: str) -> None:
    page.goto(f"{address}compare/?rows={','.join(runs)}", wait_until="networkidle")
    page.locator("#compare-all:not(.waiting)").wait_for()


def verdicts(page: Page) -> list[list[str]]:
    """Of each pair its verdict and what differs."""
    return [
        [pair.locator(".verdict").inner_text(), *pair.locator("li").all_inner_texts()]
        for pair in page.locator(".pair").all()
    ]


def test_the_script_applies_the_rule_of_the_generator(
    browser: Browser, address: str, entries: list[Entry]
) -> None:
    facts = [*(entry.facts for entry in entries), *varied()]
    pairs = [(one, other) for some in (facts[: len(entries)], varied()) for one, other in product(some, some)]
    expected = [compared(one, other) for one, other in pairs]
    assert {found.verdict for found in expected} == {"like for like", "with care", "not comparable"}
    with opened(browser, address + "compare/") as (page, complaints):
        given = [[told(one), told(other)] for one, other in pairs]
        found = page.evaluate(
            "(pairs) => pairs.map(([one, other]) => board.comparability(one, other))", given
        )
        assert [(verdict, tuple(words)) for verdict, words in found] == [
            (one.verdict, one.differences) for one in expected
        ]
        assert complaints == []


def test_the_script_computes_the_interval_of_the_generator(
    browser: Browser, address: str, entries: list[Entry]
) -> None:
    rates = [*(entry.tok_per_s for entry in entries), (10.0, 9.0, 12.5), (3.0, 2.9, 3.0)]
    pairs = list(product(rates, rates))
    with opened(browser, address + "compare/") as (page, _):
        found = page.evaluate("(pairs) => pairs.map(([one, other]) => board.ratio(one, other))", pairs)
    for (one, other), bounds in zip(pairs, found, strict=True):
        expected = ratio(one, other)
        assert bounds == pytest.approx([expected.value, expected.low, expected.high])


def test_rows_that_are_named_read_as_those_that_the_page_shows_by_itself(
    browser: Browser, address: str
) -> None:
    with opened(browser, address + "compare/", until="networkidle") as (page, complaints):
        place = page.locator("#compare-all")
        page.locator("summary", has_text="What is the same").click()
        shown, runs = place.inner_text(), place.get_attribute("data-rows") or ""
        side_by_side(page, address, *runs.split(","))
        page.locator("summary", has_text="What is the same").click()
        assert place.inner_text() == shown
        assert complaints == []


def test_each_row_stands_against_the_first_with_its_kernels(
    browser: Browser, address: str, entries: list[Entry]
) -> None:
    some = sorted(entries, key=lambda entry: -len(entry.kernels))[:6]
    with opened(browser, address, until="networkidle") as (page, complaints):
        side_by_side(page, address, *(entry.run for entry in some))
        expected = Comparison(tuple(some))
        assert verdicts(page) == [
            [pair.comparability.verdict, *pair.comparability.differences] for pair in expected.pairs
        ]
        lines = [line.inner_text().split("\t") for line in page.locator("#compare-kernels tbody tr").all()]
        assert [line[0] for line in lines] == [line.what for line in expected.kernels]
        assert [[cell.split() for cell in line[1:]] for line in lines] == [
            [f"{cell.text} {cell.small}".split() for cell in line.cells] for line in expected.kernels
        ]
        assert complaints == []


def test_what_is_not_on_file_is_said_and_the_rest_is_shown(
    browser: Browser, address: str, entries: list[Entry]
) -> None:
    known = [entry.run for entry in entries[:7]]
    with opened(browser, address, until="networkidle") as (page, complaints):
        side_by_side(page, address, "nobody", known[0], "<img src=x>", known[0], known[1])
        assert page.locator("#compare-remark").inner_text().endswith("nobody, <img src=x>.")
        assert page.locator("#compare-chosen li").count() == 2
        side_by_side(page, address, *known)
        assert known[6] in page.locator("#compare-remark").inner_text()
        assert page.locator("#compare-chosen li").count() == 6
        side_by_side(page, address, "nobody")
        assert page.locator(".pair").count() == 1, "what the page shows by itself"
        assert complaints == []


def test_rows_are_added_put_first_and_removed_by_keyboard(browser: Browser, address: str) -> None:
    with opened(browser, address + "compare/", until="networkidle") as (page, complaints):
        field, chosen = page.locator("#compare-find"), page.locator("#compare-chosen li")
        field.focus()
        page.locator("#compare-list option").nth(3).wait_for(state="attached")
        page.keyboard.type("no such row")
        page.keyboard.press("Tab")
        assert page.locator("#compare-remark").inner_text().startswith("No such row")
        label = page.locator("#compare-list option").nth(3).get_attribute("value") or ""
        field.fill(label)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        chosen.nth(2).wait_for()
        name = chosen.nth(2).locator("a").first.inner_text()
        chosen.nth(2).get_by_text("Make first").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "(name) => document.querySelector('#compare-chosen a').textContent === name", arg=name
        )
        assert verdicts(page)
        before = page.url
        chosen.nth(1).get_by_text("Remove").focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelectorAll('#compare-chosen li').length === 2")
        page.go_back()
        assert page.url == before
        assert complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_chosen_rows_are_accessible_fit_the_window_and_do_not_shift(
    browser: Browser, address: str, scheme: Scheme, entries: list[Entry]
) -> None:
    with opened(browser, address, scheme=scheme, until="networkidle") as (page, complaints):
        side_by_side(page, address, *(entry.run for entry in entries[-6:]))
        assert page.evaluate(SHIFTS) <= 0.02
        for pixels in WIDTHS.values():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels
            assert violations(page, scheme) == []
        assert complaints == []


def test_rows_compare_in_a_folder_without_a_server(browser: Browser, web: Path, entries: list[Entry]) -> None:
    page = browser.new_page()
    runs = ",".join(entry.run for entry in entries[2:5])
    page.goto(f"{(web / SITE_FOLDER / 'compare/index.html').as_uri()}?rows={runs}")
    page.locator("#compare-chosen li").nth(2).wait_for()
    assert page.locator(".pair").count() == 2
    page.close()
