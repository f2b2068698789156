"""Rows that were reproduced, superseded and withdrawn in a browser: told in words, in both themes and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from generator.build import build, prepare
from tests.browser.served import served
from tests.browser.test_pages import SCHEMES, WIDTHS, Scheme, opened, violations
from tests.generator.conftest import fill
from tests.generator.examples import Folder, samples

pytestmark = pytest.mark.browser
LONG = "a wrong clock, as three runs against another one show; " * 8
STRUCK = "cell => getComputedStyle(cell).textDecorationLine"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site whose rows were measured again by the same and by others, and withdrawn."""
    folder = fill(Folder(tmp_path_factory.mktemp("example")))
    for run, who, ns, day in (
        ("ada-old", "Ada Example", 26_000, 1), ("ada", "Ada Example", 27_000, 5),
        ("bo", "Bo Example of a Laboratory with a Long Name", 27_400, 2), ("cy", "Cy " + "Example" * 20, 27_200, 3),
        ("dee", "Dee Example", 26_900, 3), ("eve", "Eve Example", 40_000, 4), ("mal", "Mal Example", 9_000, 4),
    ):  # fmt: skip
        at = f"2026-01-0{day}T10:00:00Z"
        folder.measured(run, "gpu-a", samples([ns, ns + 10]), submitter=who, measured_at=at)
    folder.retract("gone", "mal", reason=LONG, by="the maintainers")
    build(folder.layout, prepare(folder.layout))
    with served(folder.layout.site) as root:
        yield f"{root}/"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["", "ledger/", "decode/", "devices/gpu-a/", "methodology/"])
def test_standing_reads_well_everywhere(browser: Browser, example: str, name: str, scheme: Scheme) -> None:
    with opened(browser, example + name, scheme=scheme) as (page, complaints):
        for width, pixels in WIDTHS.items():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels, width
            assert violations(page, "light") == [], width
        assert complaints == []


def test_a_withdrawn_row_is_struck_through_and_its_reason_is_not(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}decode/") as (page, _):
        row = page.locator("#row-mal")
        assert row.locator("td.big").evaluate(STRUCK) == "line-through"
        assert row.locator("td.provenance").evaluate(STRUCK) == "none"
        assert "2026-01-31, the maintainers: a wrong clock" in row.locator(".standing").inner_text()
        row.locator("a.state").click()
        entry = page.locator("#withdrawn-mal")
        assert LONG.strip() in entry.inner_text()
        assert entry.evaluate("row => row.getBoundingClientRect().top < innerHeight")


def test_the_ledger_says_who_had_submitted_a_withdrawn_row(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}ledger/") as (page, _):
        cells = page.locator("#withdrawn-mal td").all_inner_texts()
        assert cells[1:4] == ["Mal Example", "the maintainers", "2026-01-31"]
        published = page.locator("#withdrawn-gone td").nth(1)
        assert published.inner_text() == "a published figure"
        assert (published.locator("a").get_attribute("href") or "").startswith("https://")


@pytest.mark.parametrize("name", ["decode/", "devices/gpu-a/"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_badge_of_a_withdrawn_row_is_grey_and_not_filled(
    browser: Browser, example: str, name: str, scheme: Scheme
) -> None:
    style = "badge => [getComputedStyle(badge).backgroundColor, getComputedStyle(badge).color]"
    with opened(browser, example + name, scheme=scheme) as (page, _):
        link = "td.provenance a.badge[href*='rows/{}/']"
        gone, stands = (page.locator(link.format(run)).first.evaluate(style) for run in ("mal", "eve"))
        muted = page.locator("caption").first.evaluate("caption => getComputedStyle(caption).color")
        assert gone == ["rgba(0, 0, 0, 0)", muted]
        assert stands[0] != gone[0]


def test_a_superseded_row_leads_to_its_successor(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}decode/") as (page, _):
        row = page.locator("#row-ada-old")
        assert "superseded" in row.locator("th").inner_text()
        row.locator(".standing a").click()
        assert page.url.endswith("#row-ada")
        assert page.locator("#row-ada").evaluate("row => row.matches(':target')")


def test_a_reproduced_row_says_so_in_words(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}decode/", "phone", javascript=False) as (page, _):
        row = page.locator("#row-ada")
        assert row.locator(".badge").inner_text() == "reproduced"
        said = row.locator(".standing").inner_text().replace("\u00a0", " ")
        assert said.startswith("3 of 4 within 5 %, drift −1.5 to +0.4 %: by Dee Example, Cy ExampleExample")
        assert "Bo Example of a Laboratory" in said
        assert len(said) < 160
        assert page.locator("#row-eve .badge").inner_text() == "measured"


def test_a_rule_is_where_a_report_says(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}methodology/#rule-integrity") as (page, _):
        rule = page.locator("#rule-integrity")
        assert rule.evaluate("row => row.matches(':target')")
        assert rule.evaluate("row => row.getBoundingClientRect().top < innerHeight")
        assert "refused" in rule.inner_text()


def test_all_pages_are_in_the_tabs_on_a_small_laptop(browser: Browser, example: str) -> None:
    with opened(browser, f"{example}ledger/") as (page, _):
        page.set_viewport_size({"width": 1280, "height": 800})
        last = page.locator(".md-tabs__link").last.bounding_box()
        assert last is not None
        assert last["x"] + last["width"] <= 1280
