"""The page of changes in a browser, and the files that no reader sees."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.test_pages import opened, violations

pytestmark = pytest.mark.browser


def test_the_runs_of_a_change_open_by_keyboard_without_a_script(browser: Browser, address: str) -> None:
    with opened(browser, address + "changes/", javascript=False) as (page, complaints):
        closed = page.locator(".changes details:not([open])").first
        row = closed.locator("li a[href*='rows/']").first
        assert not row.is_visible()
        closed.locator("summary").focus()
        page.keyboard.press("Enter")
        assert page.locator(".changes details[open] li a[href*='rows/']").first.is_visible()
        assert complaints == []


def test_an_opened_list_fits_a_narrow_window_and_is_accessible(browser: Browser, address: str) -> None:
    with opened(browser, address + "changes/", "phone") as (page, _):
        page.set_viewport_size({"width": 360, "height": 900})
        page.evaluate("document.querySelectorAll('.changes details').forEach(one => { one.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(page, "light") == []


def test_a_change_leads_to_its_row(browser: Browser, address: str) -> None:
    with opened(browser, address + "changes/") as (page, complaints):
        link = page.locator(".changes > li a[href*='rows/']").first
        target = link.get_attribute("href") or ""
        link.click()
        page.wait_for_url(f"**/{target.removeprefix('../')}")
        assert page.locator("h1").count() == 1
        assert complaints == []


def test_an_entry_of_the_feed_leads_to_its_place_on_the_page(browser: Browser, address: str) -> None:
    with opened(browser, address + "feed.xml") as (page, _):
        links = page.evaluate(
            "[...document.querySelectorAll('link[href*=\"#change-\"]')].map(a => a.getAttribute('href'))"
        )
    assert links
    with opened(browser, f"{address}changes/#{links[0].partition('#')[2]}") as (page, _):
        assert page.locator(".changes > li:target").count() == 1


def test_a_picture_is_what_a_browser_can_show(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/") as (page, _):
        named = page.locator("meta[property='og:image']").get_attribute("content") or ""
        name = named.rpartition("/")[2]
        size = page.evaluate(
            "async url => { const it = new Image(); it.src = url; await it.decode(); return [it.width, it.height] }",
            f"{address}assets/og/{name}",
        )
        assert size == [1200, 630]
