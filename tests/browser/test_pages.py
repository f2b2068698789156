"""Every page, as readers meet it: wide and narrow, light and dark, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from generator.cards import SHELL

ROOT = Path(__file__).resolve().parents[2]
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SCHEME_NAMES = {"light": "default", "dark": "slate"}  # as Material calls them
WIDTHS = {"desktop": 1440, "phone": 390}

pytestmark = pytest.mark.browser


def _pages() -> list[str]:
    pages = []
    for template in sorted((ROOT / "site_src" / "pages").rglob("*.md")):
        name = template.relative_to(ROOT / "site_src" / "pages").as_posix()
        folder, _, kind = name.removesuffix("].md").partition("/[")
        if kind:
            pages += [f"{folder}/{path.stem}/" for path in sorted((ROOT / "data" / folder).glob("*.md"))]
        elif name != SHELL:
            pages.append(name.removesuffix("index.md") if name.endswith("index.md") else name[:-3] + "/")
    return [*pages, *CARDS, "404.html"]


CARDS = (
    "rows/amd-epyc-9004-2-cores-bf16-20261123t205150z/",  # measured, with its kernels and their texts
    "rows/amd-epyc-9004-2-cores-bf16-20261123t205150z-llama-cpp/",  # a baseline
    "rows/pu-rs-decode-nvidia-t4/",  # reported
    "rows/ascend-rs-ch10-apple-m2-max-kernels/",  # kernels alone
)
PAGES = _pages()
CONTROLS = ".script-only, .board-controls, .board-more, .copy"  # what only a script can serve
LAID_OUT = ".md-typeset * { content-visibility: visible !important }"  # what is far below has a text, too


def lost(request: Request) -> bool:
    """Whether it failed by itself: a reader who follows a link stops what the page still reads."""
    return request.failure != "net::ERR_ABORTED"


@contextmanager
def opened(
    browser: Browser,
    address: str,
    width: str = "desktop",
    scheme: Scheme = "light",
    javascript: bool = True,
    until: Literal["load", "networkidle"] = "load",
) -> Iterator[tuple[Page, list[str]]]:
    """The page at ``address`` and everything a reader's console or network would have complained about."""
    complaints: list[str] = []
    viewport = {"width": WIDTHS[width], "height": 900}
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        color_scheme=scheme,
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "requestfailed",
        lambda request: complaints.append(f"failed: {request.url}") if lost(request) else None,
    )
    host = "/".join(address.split("/")[:3]) + "/"
    page.on(
        "request", lambda r: None if r.url.startswith((host, "data:", "blob:")) else complaints.append(r.url)
    )
    page.goto(address, wait_until=until)
    yield page, complaints
    context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_accessible_and_fits_its_window(
    browser: Browser, address: str, name: str, scheme: Scheme
) -> None:
    with opened(browser, address + name, scheme=scheme, until="networkidle") as (page, complaints):
        assert page.locator("h1").count() == 1
        assert page.locator("body").get_attribute("data-md-color-scheme") == SCHEME_NAMES[scheme]
        for width, pixels in WIDTHS.items():
            page.set_viewport_size({"width": pixels, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= pixels, width
            assert violations(page, scheme) == [], width
        assert complaints == []


def violations(page: Page, scheme: Scheme) -> list[tuple[str, list[str]]]:
    """What axe finds; all rules in the light, and in the dark those that depend on colour."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    found = Axe().run(page, options=options).response["violations"]
    return [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found]


def styled(page: Page, rules: str) -> None:
    """Rules more for the page; Playwright's own way waits for an event, which never comes without JavaScript."""
    add = (
        "rules => document.head.append(Object.assign(document.createElement('style'), {textContent: rules}))"
    )
    page.evaluate(add, rules)


@pytest.mark.parametrize("name", [page for page in PAGES if page != "404.html"])
def test_a_page_says_the_same_without_javascript(browser: Browser, address: str, name: str) -> None:
    with opened(browser, address + name) as (page, _):
        styled(page, f"{CONTROLS} {{ display: none !important }} {LAID_OUT}")
        with_javascript = page.locator("article").inner_text().split()
    with opened(browser, address + name, javascript=False) as (page, complaints):
        styled(page, LAID_OUT)
        assert page.locator("article").inner_text().split() == with_javascript
        assert len(with_javascript) > 40
        for figure in page.locator("figure.board-figure").all():
            assert len(figure.locator("figcaption").inner_text()) > 20
            assert figure.locator("svg[role=img]").get_attribute("aria-label")
            figure.locator("summary").click()
            assert figure.locator("details table tbody tr").first.is_visible(), "a chart needs its table twin"
        assert complaints == []


@pytest.mark.parametrize("name", [page for page in PAGES if page != "404.html"])
def test_a_page_says_how_to_read_it(browser: Browser, address: str, name: str) -> None:
    with opened(browser, address + name, javascript=False) as (page, _):
        assert page.locator("h2#how-to-read-this-page").count() == 1


def test_the_decode_page_has_a_roofline_and_a_step_chart(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/") as (page, _):
        drawn = [figure.get_attribute("id") or "" for figure in page.locator("figure.board-figure").all()]
        assert any(name.startswith("figure-roofline-") for name in drawn)
        assert any(name.startswith("figure-step-") for name in drawn)


def test_charts_change_colour_with_the_theme(browser: Browser, address: str) -> None:
    fill = "getComputedStyle(document.querySelector('figure svg path[fill*=accent]')).fill"
    with opened(browser, address + "decode/") as (page, _):
        light = page.evaluate(fill)
        page.get_by_role("button", name="Switch to dark").click()
        assert page.evaluate(fill) != light


def test_a_scheme_follows_the_system_until_one_is_chosen_and_then_stays(
    browser: Browser, address: str
) -> None:
    scheme = "document.body.dataset.mdColorScheme"
    with opened(browser, address) as (page, complaints):
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(scheme) == "slate"
        page.get_by_role("button", name="Switch to light").focus()
        page.keyboard.press("Enter")
        assert page.evaluate(scheme) == "default"
        assert page.evaluate("document.activeElement.title") == "Switch to dark"
        page.goto(address + "what-if/")
        assert page.evaluate(scheme) == "default"
        page.get_by_role("button", name="Switch to dark").click()
        page.reload()
        assert page.evaluate(scheme) == "slate"
        assert complaints == []


def test_a_page_asks_for_nothing_that_it_does_not_need(browser: Browser, address: str) -> None:
    asked: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    page.goto(address, wait_until="networkidle")
    page.close()
    known = ("assets/stylesheets/", "assets/javascripts/", "assets/board.", "assets/favicon.svg", "search/")
    assert len(asked) > 5
    assert [one for one in asked if one and not one.startswith(known)] == []


def test_search_finds_a_device(browser: Browser, address: str) -> None:
    with opened(browser, address, until="networkidle") as (page, complaints):
        page.locator(".md-search__input").click()
        page.keyboard.type("Trainium1")
        page.locator(".md-search-result__item a[href*='devices/aws-trainium1']").first.wait_for()
        assert complaints == []


def test_a_wide_table_is_scrolled_by_keyboard(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/", "phone") as (page, _):
        region = page.locator(".board-scroll").first
        region.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.board-scroll').scrollLeft > 0")
