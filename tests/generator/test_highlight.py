"""A highlighted text is the text, marked; nothing in it acts, and a known one costs nothing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from generator import highlight
from generator.highlight import highlighted

ROOT = Path(__file__).resolve().parents[2]
EMITTED = sorted(path for path in (ROOT / "data/emitted").rglob("*") if path.parent.parent.name == "emitted")
HOSTILE = "</code></pre><script>alert(1)</script><img src=x onerror=\"alert(1)\"> & &lt; 'q' {{ 7 * 6 }}\n"


def plain(html: str) -> str:
    """What a browser shows: without our own marks, and with nothing else in angle brackets."""
    shown = re.sub(r'<i class="h[a-z]">|</i>', "", html)
    assert not set("<>") & set(shown)
    return unescape(shown)


@pytest.mark.parametrize("path", EMITTED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_emitted_text_is_shown_letter_by_letter(path: Path) -> None:
    text = path.read_text("utf-8")
    html = highlighted(text, path.name, None)
    assert plain(html) == text
    assert '<i class="hk">' in html
    assert len(html) < 3 * len(text)


@pytest.mark.parametrize("suffix", ["c", "cu", "py", "metal", "unknown", "html"])
@pytest.mark.parametrize(
    "text", [HOSTILE, f"// {HOSTILE}", f'"{HOSTILE}"', f"#include {HOSTILE}", "\n\n", "a"]
)
def test_whatever_stands_in_a_text_is_text(suffix: str, text: str) -> None:
    assert plain(highlighted(text, f"x.{suffix}", None)) == text


@pytest.mark.parametrize(
    ("text", "path", "mark"),
    [
        ("int x;", "a.c", '<i class="hk">int</i>'),
        ("def f(x): pass", "a.py", '<i class="hf">f</i>'),
        ("x = 1.5f; // one\n", "a.unknown", '<i class="hc">// one\n</i>'),
        ("#define N 3\n", "a.c", '<i class="hp">'),
        ("x = 12", "a.py", '<i class="hn">12</i>'),
    ],
)
def test_what_is_marked(text: str, path: str, mark: str) -> None:
    assert mark in highlighted(text, path, None)


def test_a_known_text_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = highlighted("int x;", "a.c", tmp_path)
    monkeypatch.setattr(highlight, "_lexer", None)
    assert highlighted("int x;", "b.c", tmp_path) == first
    with pytest.raises(TypeError):
        highlighted("int x;", "a.py", tmp_path)
    with pytest.raises(TypeError):
        highlighted("int y;", "a.c", tmp_path)
