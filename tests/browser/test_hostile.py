"""Text that the schemas let through does nothing in a browser: on every page, opened, hovered, clicked and searched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

from generator.build import build, prepare
from tests.browser.served import served
from tests.generator.conftest import fill
from tests.generator.examples import Folder
from tests.hostile.texts import PLAIN, poisoned

pytestmark = pytest.mark.browser

# What a reader could do to each element, without following its links.
_TOUCH = """() => {
  addEventListener('click', event => event.preventDefault(), true);
  document.querySelectorAll('article details').forEach(part => { part.removeAttribute('name'); part.open = true; });
  for (const element of document.querySelectorAll('body *'))
    for (const kind of ['mouseover', 'mouseenter', 'focus', 'click', 'pointerdown', 'keydown'])
      element.dispatchEvent(new Event(kind, {cancelable: true}));
}"""
_ACTING = """() => [...document.querySelectorAll('*')].flatMap(element => [...element.attributes]
  .filter(one => one.name.startsWith('on') || /^\\s*(javascript|data:text)/i.test(one.value)
    || (['src', 'href', 'action', 'srcset', 'style'].includes(one.name) && one.value.includes('evil.example')))
  .map(one => `<${element.localName} ${one.name}=${one.value.slice(0, 80)}>`))"""
_TYPED = "<img src=x onerror=window.__pwned=1>"


@pytest.fixture(scope="module", params=range(len(PLAIN)), ids=["html", "markup", "formula"])
def hostile(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """A site with one of everything, a text in every field: its folder, its address, and the text."""
    folder, text = fill(Folder(tmp_path_factory.mktemp("hostile"))), PLAIN[request.param]
    assert len(set(poisoned(folder, text))) > 40
    build(folder.layout, prepare(folder.layout))
    with served(folder.layout.site) as root:
        yield folder.layout.site, f"{root}/", text


def pages(site: Path) -> list[str]:
    """Every page of the site, as an address below its root."""
    return sorted(str(page.relative_to(site)).removesuffix("index.html") for page in site.rglob("*.html"))


@contextmanager
def watched(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """A page, watched from before its first byte: dialogs, foreign requests, and what the console complains of."""
    found: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        found.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page = browser.new_page(reduced_motion="reduce")
    page.set_default_timeout(15_000)
    page.on("dialog", dismissed)
    page.on("console", lambda said: found.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("popup", lambda other: found.append(f"popup: {other.url}"))
    host = "/".join(address.split("/")[:3]) + "/"
    page.on(
        "request", lambda one: None if one.url.startswith((host, "data:", "blob:")) else found.append(one.url)
    )
    page.goto(address, wait_until="load")
    yield page, found
    page.close()


def acted(browser: Browser, address: str, wait_ms: int = 50) -> list[str]:
    """What acted on a page: code that ran, dialogs, foreign requests, complaints of the console, attributes."""
    with watched(browser, address) as (page, found):
        acting = page.evaluate(_ACTING)
        page.evaluate(_TOUCH)
        page.mouse.move(500, 300, steps=3)
        page.wait_for_timeout(wait_ms)
        ran = ["window.__pwned is set"] if page.evaluate("window.__pwned !== undefined") else []
        return [*found, *acting, *ran]


def test_no_text_acts_on_any_page(browser: Browser, hostile: tuple[Path, str, str]) -> None:
    site, address, _ = hostile
    assert len(pages(site)) > 12
    found = {name: what for name in pages(site) if (what := acted(browser, address + name))}
    assert found == {}


def test_the_text_is_there(browser: Browser, hostile: tuple[Path, str, str]) -> None:
    _, address, text = hostile
    for name in ("decode/", "devices/gpu-b/", "kernels/norm/"):
        with watched(browser, address + name) as (page, _):
            assert text[:40] in page.locator("article").evaluate("part => part.textContent"), name


@pytest.mark.parametrize("place", ["#", "?q=", "?h=", "?q=x&h="])
def test_an_address_does_not_act(browser: Browser, hostile: tuple[Path, str, str], place: str) -> None:
    _, address, _ = hostile
    assert acted(browser, f"{address}decode/{place}{_TYPED}", wait_ms=500) == []


def test_what_is_searched_and_found_does_not_act(browser: Browser, hostile: tuple[Path, str, str]) -> None:
    _, address, _ = hostile
    with watched(browser, address) as (page, found):
        for words in (_TYPED, "norm"):
            page.locator(".md-search__input").click()
            page.keyboard.press("Control+a")
            page.keyboard.type(words)
            page.wait_for_timeout(500)
        results = page.locator(".md-search-result__item a")
        results.first.wait_for()
        for result in results.all()[:5]:
            result.hover()
        assert page.evaluate("window.__pwned === undefined")
        assert page.evaluate(_ACTING) == []
        assert found == []


@pytest.mark.parametrize("hostile", [0], indirect=True)
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("<script>window.__pwned = 1</script>", "window.__pwned is set"),
        ('<p onmouseover="window.__pwned = 1">x</p>', "window.__pwned is set"),
        ('<img src="x" onerror="window.__pwned = 1">', "window.__pwned is set"),
        ("<script>alert(1)</script>", "dialog: 1"),
        ('<a href="javascript:x">x</a>', "<a href=javascript:x>"),
        ('<img src="https://evil.example/i.png" alt="">', "https://evil.example/i.png"),
    ],
)
def test_what_acts_would_be_found(browser: Browser, hostile: tuple[Path, str, str], tmp_path: Path,
                                  planted: str, said: str) -> None:  # fmt: skip
    site, _, _ = hostile
    shutil.copytree(site, tmp_path / "site")
    page = tmp_path / "site/decode/index.html"
    page.write_text(page.read_text().replace("</article>", f"{planted}</article>"))
    with served(tmp_path / "site") as root:
        assert said in acted(browser, f"{root}/decode/")
