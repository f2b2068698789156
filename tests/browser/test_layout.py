"""How pages lie on a window, and pictures of them: nothing runs over, nothing is cut, nothing lies on another.

The pictures are kept in ``build/screenshots`` for whoever looks at a change; what is compared is structure, as
pixels differ from machine to machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_pages import ROOT, SCHEMES, Scheme, opened

PICTURES = ROOT / "build" / "screenshots"
WIDTHS = (360, 1280)
ROW = "amd-epyc-9004-2-cores-bf16-20261123t205150z"
MAIN_PAGES = {
    "home": "",
    "decode": "decode/",
    "leaderboard": "kernels/",
    "kernel": "kernels/q_proj_matvec/",
    "device": "devices/amd-epyc-9004-2-cores/",
    "row": f"rows/{ROW}/",
    "compare": "compare/",
    "what-if": "what-if/",
    "changes": "changes/",
    "glossary": "glossary/",
    "methodology": "methodology/",
    "404": "404.html",
}

# What a reader would call broken: text or controls beyond the window's edge, text that its own box cuts off, and
# two controls in one place. What scrolls, and what is hidden on purpose, is neither.
FAULTS = """() => {
  const shown = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const apart = '.board-scroll, .board-code, pre, select, [popover], .board-hidden, .md-search, .md-sidebar, ' +
    '.md-nav, .md-skip, .md-top';
  const scrolls = (e) => e.closest(apart);
  const name = (e) => e.outerHTML.slice(0, 120);
  const faults = [];
  const parts = [...document.querySelectorAll('article *, main h1, footer *')]
    .filter((e) => shown(e) && !scrolls(e) && !e.closest('svg'));
  for (const e of parts) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (box.right > innerWidth + 1 || box.left < -1) faults.push(['beyond the edge', name(e)]);
    const style = getComputedStyle(e);
    const clips = ['hidden', 'clip'].includes(style.overflowX) && style.textOverflow !== 'ellipsis';
    if (clips && e.scrollWidth > e.clientWidth + 1 && e.textContent.trim()) faults.push(['cut', name(e)]);
  }
  const controls = [...document.querySelectorAll('article :is(a, button, input, select, summary, label)')]
    .filter((e) => shown(e) && !e.closest('svg') && !e.closest('.board-hidden'));
  const boxes = controls.map((e) => [e, [...e.getClientRects()]]);
  boxes.forEach(([a, ours], i) => boxes.slice(i + 1).forEach(([b, theirs]) => {
    if (a.contains(b) || b.contains(a)) return;
    const over = ours.some((x) => theirs.some((y) =>
      Math.min(x.right, y.right) - Math.max(x.left, y.left) > 3 &&
      Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 6));
    if (over) faults.push(['two in one place', name(a), name(b)]);
  }));
  return faults;
}"""

pytestmark = pytest.mark.browser


def faults(page: Page) -> list[Any]:
    # What the browser has not laid out yet, as it is far below, has no place that could be judged.
    page.add_style_tag(content="* { content-visibility: visible !important }")
    found: list[Any] = page.evaluate(FAULTS)
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", MAIN_PAGES)
def test_nothing_runs_over_is_cut_or_lies_on_another(
    browser: Browser, address: str, name: str, scheme: Scheme
) -> None:
    with opened(browser, address + MAIN_PAGES[name], scheme=scheme, until="networkidle") as (page, _):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            _keep(page, f"{name}-{width}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert faults(page) == [], width


def _keep(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("style", "kind"),
    [
        ("width: 2000px", "beyond the edge"),
        ("width: 40px; overflow: hidden; white-space: nowrap", "cut"),
    ],
)
def test_a_fault_is_found(browser: Browser, address: str, style: str, kind: str) -> None:
    with opened(browser, address + "glossary/") as (page, _):
        page.evaluate(f"document.querySelector('article p, article dd').style.cssText = '{style}'")
        assert kind in {fault[0] for fault in faults(page)}


def test_two_controls_in_one_place_are_found(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        lay = "(e) => { e.style.cssText = 'position: fixed; top: 0; left: 0' }"
        page.evaluate(f"document.querySelectorAll('.questions a').forEach({lay})")
        assert "two in one place" in {fault[0] for fault in faults(page)}


def test_paper_shows_the_content_alone(browser: Browser, address: str) -> None:
    with opened(browser, address + "decode/") as (page, _):
        page.emulate_media(media="print")
        assert not page.locator("header.md-header").is_visible()
        assert not page.locator("footer.md-footer").is_visible()
        assert page.locator("table.board").first.is_visible()


def test_pictures_have_their_folder() -> None:
    assert Path("build") in PICTURES.relative_to(ROOT).parents
