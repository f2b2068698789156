"""A row's card in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.test_layout import ROW
from tests.browser.test_pages import opened

pytestmark = pytest.mark.browser


def test_a_card_leads_to_the_samples_the_emitted_source_and_the_command(
    browser: Browser, address: str
) -> None:
    with opened(browser, address + f"rows/{ROW}/") as (page, complaints):
        assert page.title().startswith("EPYC 9004 (2-core VM): ")
        with page.expect_download() as download:
            page.get_by_role("link", name="Result file", exact=True).click()
        assert ROW in download.value.suggested_filename
        source = page.locator("details.text", has_text="q_proj_matvec").first
        source.locator("summary").click()
        assert "q_proj_matvec" in source.locator("pre").first.inner_text()
        assert len(source.locator(".hash").first.get_attribute("title") or "") == 64
        assert "python -m runners.cpu" in page.locator("#command").inner_text()
        assert complaints == []


def test_what_is_copied_is_what_is_shown(browser: Browser, address: str) -> None:
    with opened(browser, address + f"rows/{ROW}/") as (page, _):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button = page.locator("button[data-copy=bibtex]")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('button[data-copy=bibtex]').textContent == 'Copied'")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator("#bibtex").inner_text().strip()
        assert copied.startswith("@misc{")
        assert page.locator("#board-say").inner_text() == "Copied"


def test_without_a_script_there_is_no_copy_button(browser: Browser, address: str) -> None:
    with opened(browser, address + f"rows/{ROW}/", javascript=False) as (page, _):
        assert not page.locator("button[data-copy=bibtex]").is_visible()
        assert page.locator("#bibtex").is_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_term_says_what_it_means_by_keyboard(browser: Browser, address: str, javascript: bool) -> None:
    with opened(browser, address, javascript=javascript) as (page, _):
        term = page.locator("button.term", has_text="MBU").first
        meaning = page.locator("#term-mbu")
        assert not meaning.is_visible()
        term.focus()
        page.keyboard.press("Enter")
        meaning.wait_for(state="visible")
        assert "peak memory bandwidth" in meaning.inner_text()
        page.keyboard.press("Escape")
        meaning.wait_for(state="hidden")


def test_a_term_says_what_it_means_when_pointed_at(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        page.locator("button.term", has_text="MBU").first.hover()
        page.locator("#term-mbu").wait_for(state="visible")
        page.mouse.move(0, 0)
        page.locator("#term-mbu").wait_for(state="hidden")
