"""The site opened from a folder, without any server."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.test_layout import ROW
from tests.browser.test_pages import opened
from tests.conftest import SITE_FOLDER

pytestmark = pytest.mark.browser


@pytest.fixture
def folder(web: Path) -> str:
    return (web / SITE_FOLDER).as_uri() + "/"


def test_links_lead_from_page_to_page(browser: Browser, folder: str) -> None:
    with opened(browser, folder + "index.html") as (page, _):
        page.get_by_role("link", name="details").first.click()
        page.wait_for_url("**/rows/*/index.html")
        page.get_by_role("link", name="glossary").first.click()
        page.wait_for_url("**/glossary/index.html")
        assert page.locator("dl.glossary dt").count() > 10


def test_a_row_has_its_picture_and_its_file_there(browser: Browser, folder: str) -> None:
    with opened(browser, folder + f"rows/{ROW}/index.html") as (page, complaints):
        assert page.locator("#samples + figure svg").is_visible()
        link = page.get_by_role("link", name="Result file", exact=True).get_attribute("href")
        assert link
        assert page.evaluate("(link) => new URL(link, location.href).protocol", link) == "file:"
        # The theme asks for its search index and the sitemap, which a page from a folder may not read.
        theirs = ("sitemap.xml", "search_index.js", "Failed to load resource")
        assert [one for one in complaints if not any(part in one for part in theirs)] == []
