"""Text that the schemas let through, in every field of every file, does nothing on any page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from generator.build import build, prepare
from tests.generator.examples import Folder, samples
from tests.schemas import examples

BREAK_OUT = '0;url=https://evil.example/" http-equiv="refresh" onload="x'
MARKDOWN = "x` [c](javascript:alert(1)) ![i](https://evil.example/i.png) {{ 7 * 6 }} `y"
# "implementation" is missing: it tells two timings of a kernel apart. It is printed as "language" is.
FREE_TEXT = {"name", "summary", "what", "title", "locator", "toolchain", "driver", "backend", "language"}
FREE_TEXT |= {"repository", "path", "statement", "device_as_stated", "submitter", "machine", "notes"}
FREE_TEXT |= {"remark", "method", "device_name", "os", "cpu_model", "runner_version", "version"}
FREE_TEXT |= {"command", "tool", "install", "setup", "quick", "run", "help", "default", "runtime", "seen_as"}


class _Dangers(HTMLParser):
    """Collects what would act: foreign addresses outside of known links, scripts of attributes, refreshes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            text = (value or "").lower()
            acts = name.startswith("on") or name == "http-equiv" or text.startswith("javascript:")
            if acts or (name in {"src", "href"} and "evil.example" in text):
                self.found.append(f"<{tag} {name}={value!r}>")


def _poisoned(data: Any, poison: str) -> Any:
    """``data`` with ``poison`` in every field of free text that has some; an emitted file's path is none."""
    if isinstance(data, list):
        return [_poisoned(entry, poison) for entry in data]
    if not isinstance(data, dict):
        return data
    held = {
        "path": "lines",
        "name": "default",
        "repository": "protocol",
    }  # an option's name, an address to clone
    free = FREE_TEXT - {name for name, beside in held.items() if beside in data}
    return {
        name: _poisoned_text(value, poison) if name in free else _poisoned(value, poison)
        for name, value in data.items()
    }


def _poisoned_text(value: Any, poison: str) -> Any:
    """``poison`` for a text, and for each of several."""
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return [poison] * len(value)
    return poison if isinstance(value, str) else _poisoned(value, poison)


def _pages(folder: Folder, poison: str) -> dict[str, str]:
    for path in folder.data.rglob("*.json"):
        path.write_text(json.dumps(_poisoned(json.loads(path.read_text()), poison)))
    folder.device("gpu-b", name=poison)
    folder.device("no-rows", name=poison, access=_poisoned(examples.device()["access"], poison))
    build(folder.layout, prepare(folder.layout))
    return {
        str(page.relative_to(folder.layout.site)): page.read_text()
        for page in folder.layout.site.rglob("*.html")
    }


def _dangers(pages: dict[str, str]) -> dict[str, list[str]]:
    found = {}
    for name, page in pages.items():
        parser = _Dangers()
        parser.feed(page)
        if parser.found:
            found[name] = parser.found
    return found


def test_text_that_breaks_out_of_an_attribute_stays_text(whole: Folder) -> None:
    pages = _pages(whole, BREAK_OUT)
    assert _dangers(pages) == {}
    for name in ("decode", "kernels/norm", "devices/gpu-b"):
        assert "evil.example" in pages[f"{name}/index.html"], name


def test_text_that_is_markdown_elsewhere_stays_text(whole: Folder) -> None:
    pages = _pages(whole, MARKDOWN)
    assert _dangers(pages) == {}
    for name in ("decode", "kernels/norm", "devices/gpu-b"):
        assert "{{ 7 * 6 }}" in pages[f"{name}/index.html"], name


def test_names_and_reasons_in_the_ledger_stay_text(whole: Folder) -> None:
    for poison in (BREAK_OUT, MARKDOWN):
        for index in range(3):
            at = f"2026-01-0{index + 1}T00:00:00Z"
            whole.measured(f"same-{index}", "gpu-b", samples([30_000]), submitter=poison, measured_at=at)
        whole.measured("near", "gpu-b", samples([30_100]), submitter=f"near {poison}")
        whole.retract("gone", "same-0", reason=poison, by=poison)
        pages = _pages(whole, poison)
        assert _dangers(pages) == {}
        said = "evil.example" if poison == BREAK_OUT else "{{ 7 * 6 }}"
        for name in ("ledger", "decode", "devices/gpu-b"):
            assert said in pages[f"{name}/index.html"], name


def test_the_danger_would_be_found() -> None:
    planted = {
        "page": '<p><a href="javascript:x">a</a><meta http-equiv="refresh"><img src="https://evil.example/"></p>'
    }
    assert len(_dangers(planted)["page"]) == 3


def test_a_formula_is_text_in_the_spreadsheet(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 7.0, notes="=1+1")
    build(basic.layout, prepare(basic.layout))
    assert ',"\'=1+1"' in (basic.layout.site / "api/v1/decode.csv").read_text()
