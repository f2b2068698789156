"""Emitted texts and measured runs in a browser: readable in both themes, on a phone, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from generator.build import build, prepare
from schemas.load import load
from schemas.records import EmittedIndex
from tests.browser.served import served
from tests.browser.test_pages import SCHEMES, WIDTHS, Scheme, opened, violations
from tests.conftest import ROOT
from tests.generator.conftest import NORM, fill
from tests.generator.examples import Folder

pytestmark = pytest.mark.browser
KERNEL = "attention_decode_gqa"  # the longest texts


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site of examples: a measured run with its baseline, and a text that ran."""
    folder = fill(Folder(tmp_path_factory.mktemp("example")))
    build(folder.layout, prepare(folder.layout))
    with served(folder.layout.site) as root:
        yield f"{root}/"


def languages() -> list[str]:
    index = load(ROOT / "data/emitted/index.json", ROOT / "data")
    assert isinstance(index, EmittedIndex)
    return [text.target for text in index.kernels if text.kernel == KERNEL]


def open_all(page: Page) -> None:
    page.evaluate(
        "document.querySelectorAll('article details')"
        ".forEach(part => { part.removeAttribute('name'); part.open = true })"
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_of_a_kernel_is_boxed_and_accessible(
    browser: Browser, address: str, scheme: Scheme, width: str
) -> None:
    with opened(browser, f"{address}kernels/{KERNEL}/", width, scheme) as (page, complaints):
        open_all(page)
        boxes = page.locator("article .board-code").all()
        assert len(boxes) == 1 + len(languages())
        for box in boxes:
            size = box.bounding_box()
            assert size is not None
            assert 40 < size["height"] < 700
            assert size["x"] + size["width"] <= WIDTHS[width]
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
        assert violations(page, "light") == []
        assert complaints == []


def test_every_text_is_there_without_javascript(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}kernels/{KERNEL}/", javascript=False) as (page, _):
        for language in languages():
            (path,) = (ROOT / "data/emitted" / language).glob(f"{KERNEL}.*")
            assert page.locator(f"#emitted-{language} pre").text_content() == path.read_text("utf-8")
        first, *others = page.locator("article details.text").all()
        assert first.locator("pre").first.is_visible()
        for other in others:
            assert not other.locator("pre").first.is_visible()
            other.locator("summary").click()
            assert other.locator("pre").first.is_visible()
            assert not first.locator("pre").first.is_visible()


def test_languages_are_tabs_in_one_row_where_there_is_room(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}kernels/{KERNEL}/") as (page, _):
        tabs = [tab.bounding_box() for tab in page.locator("article details.text > summary").all()]
        text = page.locator("article details[open] .board-code").first.bounding_box()
        assert text is not None
        assert len({tab["y"] for tab in tabs if tab}) == 1
        assert all(tab and tab["y"] + tab["height"] <= text["y"] for tab in tabs)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_rows_link_opens_the_text_that_ran(browser: Browser, address: str, javascript: bool) -> None:
    last = languages()[-1]
    place = f"{address}kernels/{KERNEL}/#emitted-{last}"
    with opened(browser, place, javascript=javascript) as (page, _):
        page.locator(f"#emitted-{last} pre").wait_for(state="visible")
        assert page.locator(f"#emitted-{last}").evaluate(
            "part => part.getBoundingClientRect().top < innerHeight"
        )


def test_a_text_is_downloaded_as_it_is(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}kernels/{KERNEL}/") as (page, _):
        link = page.locator(f"#emitted-{languages()[0]} .file a")
        (path,) = (ROOT / "data/emitted" / languages()[0]).glob(f"{KERNEL}.*")
        with page.expect_download() as started:
            link.click()
        assert started.value.path().read_bytes() == path.read_bytes()


def test_the_whole_hash_is_copied_where_its_beginning_is_shown(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}kernels/norm/") as (page, _):
        shown = page.locator("#emitted-lang-a .hash")
        assert len(shown.inner_text()) == 64
        size = shown.bounding_box()
        assert size is not None
        assert size["width"] < 100


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["kernels/norm/", "devices/gpu-b/", "decode/"])
def test_a_measured_run_reads_well_everywhere(
    browser: Browser, example: str, name: str, scheme: Scheme
) -> None:
    with opened(browser, example + name, scheme=scheme) as (page, complaints):
        open_all(page)
        for width, pixels in WIDTHS.items():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels, width
            assert violations(page, "light") == [], width
        assert complaints == []


def test_a_card_tells_what_its_run_was(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}rows/second/") as (page, _):
        warnings = page.locator("ul.warnings").inner_text()
        assert "The host changed speed by a factor of 3" in warnings
        assert "during 2 of 5 repetitions" in warnings
        page.locator("figure details.twin summary").click()
        assert page.locator("figure details.twin tbody tr").count() == 5
        assert page.locator("figure details.twin .state", has_text="busy host").count() == 2
        page.locator("a[href$='#emitted-lang-a']").first.click()
        assert page.locator("#emitted-lang-a pre").inner_text().strip() == NORM.strip()
