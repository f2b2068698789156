"""Charts as readers use them: details by pointer and by keyboard, and all rows to explore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.test_pages import SCHEMES, Scheme, opened, violations
from tests.conftest import SITE_FOLDER

pytestmark = pytest.mark.browser

FIGURE = ".board-figure:has(svg [data-tip])"
PHONE = 360


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The decode page, whose console and network stay quiet."""
    with opened(browser, address + "decode/") as (page, complaints):
        yield page
        assert complaints == []


def figure(page: Page) -> Locator:
    return page.locator(FIGURE).first


def tip(page: Page) -> Locator:
    return page.locator(".board-figure .chart-tip")


def marks(page: Page) -> list[str]:
    """What the marks of the first figure say, in their order."""
    told = figure(page).locator("svg [data-tip]")
    return [str(mark.get_attribute("data-tip")) for mark in told.all()]


def point_at(page: Page, mark: Locator, x: float = 2, y: float = 2) -> None:
    """The pointer ``x`` and ``y`` pixels from the upper left corner of a mark."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box
    page.mouse.move(box["x"] + x, box["y"] + y)


def test_a_mark_tells_its_details_to_the_pointer(page: Page) -> None:
    point_at(page, figure(page).locator("svg [data-tip]").first)
    assert tip(page).inner_text() == marks(page)[0]
    page.mouse.move(2, 2)
    assert not tip(page).is_visible()


def test_a_small_mark_need_not_be_hit(page: Page) -> None:
    point_at(page, figure(page).locator("svg [data-tip]").first, y=-12)
    assert tip(page).inner_text() == marks(page)[0]


def test_the_words_can_be_pointed_at(page: Page) -> None:
    point_at(page, figure(page).locator("svg [data-tip]").nth(1))
    said = tip(page).inner_text()
    box = tip(page).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    assert tip(page).is_visible()
    assert tip(page).inner_text() == said


def test_a_finger_asks_for_details_too(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": PHONE, "height": 740}, has_touch=True)
    page = context.new_page()
    page.goto(address + "decode/")
    figure(page).locator("svg [data-tip]").first.tap(force=True, position={"x": 4, "y": 2})
    assert tip(page).inner_text() == marks(page)[0]
    context.close()


def test_arrow_keys_step_through_the_marks_and_say_them(page: Page) -> None:
    said, all_marks = page.locator("#board-say"), marks(page)
    figure(page).locator(".board-scroll").first.focus()
    assert not tip(page).is_visible()
    for key, at in (
        ("ArrowRight", 0),
        ("ArrowRight", 1),
        ("End", -1),
        ("ArrowRight", -1),
        ("ArrowLeft", -2),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        assert tip(page).inner_text() == all_marks[at], key
        assert said.inner_text() == all_marks[at], key
    assert page.locator("svg .told").count() == 1
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()
    assert page.locator("svg .told").count() == 0


def test_the_keys_are_told_to_who_does_not_see_the_chart(page: Page) -> None:
    label = str(figure(page).locator(".board-scroll").first.get_attribute("aria-label"))
    assert label.startswith("Chart: ")
    assert label.endswith("Arrow keys tell its marks.")


def test_details_go_when_the_focus_does(page: Page) -> None:
    figure(page).locator(".board-scroll").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert not tip(page).is_visible()


def test_on_a_narrow_window_details_stay_inside_and_the_mark_is_scrolled_to(
    browser: Browser, address: str
) -> None:
    with opened(browser, address + "decode/") as (page, _):
        page.set_viewport_size({"width": PHONE, "height": 740})
        for place in page.locator(FIGURE).all():
            place.locator(".board-scroll").first.focus()
            for _ in range(place.locator("svg [data-tip]").count()):
                page.keyboard.press("ArrowRight")
                told, mark = tip(page).bounding_box(), page.locator("svg .told").bounding_box()
                assert told
                assert mark
                assert told["x"] >= 0
                assert told["x"] + told["width"] <= PHONE
                assert mark["x"] < PHONE
                assert mark["x"] + mark["width"] > 0
                assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_details_are_accessible(browser: Browser, address: str, scheme: Scheme) -> None:
    with opened(browser, address + "decode/", scheme=scheme) as (page, _):
        figure(page).locator(".board-scroll").first.focus()
        page.keyboard.press("ArrowRight")
        assert violations(page, scheme) == []


def test_every_chart_has_a_table_of_the_same(page: Page) -> None:
    found = page.locator(".board-figure").all()
    assert len(found) >= 4
    for one in found:
        assert one.locator("details.twin tbody tr").count() >= 1
        assert (
            one.locator("details.twin tbody tr").first.locator("th, td").count()
            == one.locator("details.twin thead th").count()
        )


LATE = ("assets/javascripts/workers/", "search/search_index.json", "assets/favicon.svg")
"""What a slow machine may still fetch for any page when its network has once been idle: the search, and the icon."""


def explored(page: Page) -> None:
    page.locator(".explore-open").click()
    page.locator(".explore-chart .mark-symbol path").first.wait_for(state="attached")


def test_exploring_loads_its_program_only_when_asked(browser: Browser, address: str) -> None:
    loaded: list[str] = []
    with opened(browser, address + "decode/", until="networkidle") as (page, complaints):
        page.on("request", lambda request: loaded.append(request.url.removeprefix(address)))
        page.wait_for_timeout(200)
        assert not page.locator(".explore-chart").is_visible()
        assert [url for url in loaded if not url.startswith(LATE)] == []
        explored(page)
        exploring = sorted(url for url in loaded if not url.startswith(LATE))
        assert exploring == ["assets/data/explore.js", "assets/vega/vega.js"]
        points = page.locator(".explore-chart .mark-symbol.role-mark path").count()
        shown = page.evaluate(
            "board.load('explore').then((told) => told.columns.peak_gb_per_s.filter(Boolean).length)"
        )
        assert points == shown > 0
        assert page.evaluate("document.activeElement.name") == "across"
        page.locator(".explore select").select_option("mbu_percent")
        page.locator(".explore-chart text", has_text="% of the peak memory bandwidth").wait_for()
        assert complaints == []


def test_exploring_needs_no_evaluation_of_text(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/") as (page, complaints):
        page.evaluate("""() => {
          window.evaluated = 0;
          const whole = window.Function;
          window.Function = new Proxy(whole, { construct: (...a) => (window.evaluated++, Reflect.construct(...a)),
                                               apply: (...a) => (window.evaluated++, Reflect.apply(...a)) });
        }""")
        explored(page)
        page.locator(".explore [name=log]").uncheck()
        page.wait_for_timeout(300)
        assert page.evaluate("window.evaluated") == 0
        assert complaints == []


def test_a_point_tells_its_row_and_opens_its_card(page: Page, address: str) -> None:
    explored(page)
    page.locator("#explore-all-rows").scroll_into_view_if_needed()
    page.locator(".explore-chart .mark-symbol.role-mark path").first.hover(force=True)
    page.locator(".explore .chart-tip").wait_for()
    assert re.search(r" tok/s, MBU [\d.]+ %\n", page.locator(".explore .chart-tip").inner_text())
    page.locator(".explore-chart .mark-symbol.role-mark path").first.click(force=True)
    page.wait_for_url(f"{address}rows/*/")


def test_exploring_fits_a_narrow_window_and_follows_the_theme(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/") as (page, _):
        page.set_viewport_size({"width": PHONE, "height": 740})
        explored(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        assert violations(page, "light") == []
        colour = "getComputedStyle(document.querySelector('.explore-chart .mark-symbol path')).fill"
        light = page.evaluate(colour)
        page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
        assert page.evaluate(colour) != light


def test_rows_are_explored_in_a_folder_too(browser: Browser, web: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto((web / SITE_FOLDER / "decode/index.html").as_uri())
    explored(page)
    context.close()


def test_without_a_script_nothing_offers_what_needs_one(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/", javascript=False) as (page, complaints):
        assert not page.locator(".explore-open").is_visible()
        assert not page.locator(".explore form").is_visible()
        assert page.locator(".board-figure svg").first.is_visible()
        assert complaints == []
