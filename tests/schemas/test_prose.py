"""Prose from strangers: refused where it is foul, and harmless in any case."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from schemas.prose import prose_problems, render
from tests.schemas.examples import lines, only_line

HTML = [
    "<script>alert(1)</script>",
    "a <b>bold</b> word",
    "<img src=x onerror=alert(1)>",
    "<!-- a comment -->",
    "</div>",
    "<?php",
    "<svg/onload=alert(1)>",
    "<a\nhref=x>",
    "`code` <i> `code`",
    "\\`<script>\\`",
    "`a\n\n<script>\n\n`",
]
LINKS = [
    "[a](javascript:alert(1))",
    "[a](JavaScript:alert(1))",
    "[a]( javascript : alert(1))",
    "[a](<javascript:alert(1)>)",
    "[a](vbscript:x)",
    "[a](data:text/html;base64,x)",
    "[a](http://example.org)",
    "[a](file:///etc/passwd)",
    "![a](ftp://example.org)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "[b]: data:text/html,x",
]
FINE = [
    "",
    "Plain words, `code with <tags>`, and 3 < 4 but 5 > 4.",
    "Raw data: see below. In JavaScript: nothing.",
    "``a ` <b> inside``",
    "[a page](https://example.org/a_(b)?c=d#e) and [below](#part)",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "- one\n    - two\n        1. three",
    "> quoted\n> > twice",
    "----------------------------------------\n\n****************\n\nTitle\n=====================",
    "[1]: https://example.org",
    "[a](HTTPS://example.org)",
]
MAZES = [
    "[" * 500,
    "![" * 500,
    "[a](" * 500,
    "`<a` " * 500,
    "|a" * 40 + "|",
    "1. " * 20 + "a",
    "> - " * 8 + "a",
    "a\n=\n" * 251,
    "# a\n" * 501,
    "- - -\n \n" + "- - -\n" * 500,
]


@pytest.mark.parametrize("text", HTML)
def test_html_in_prose_is_refused(text: str) -> None:
    assert "p: notes: holds HTML (got '<" in only_line(prose_problems(text, "p"))


@pytest.mark.parametrize("text", LINKS)
def test_a_link_other_than_to_the_web_is_refused(text: str) -> None:
    assert "link to https:// addresses only" in lines(prose_problems(text, "p"))[-1]


@pytest.mark.parametrize("text", FINE)
def test_plain_markdown_is_let_through(text: str) -> None:
    assert prose_problems(text, "p") == []


def test_prose_of_many_lines_is_let_through_where_blank_ones_part_them() -> None:
    assert prose_problems("\n\n".join(["- an entry\n" * 498] * 3), "p") == []


@pytest.mark.parametrize("text", MAZES)
def test_prose_that_is_a_maze_is_refused(text: str) -> None:
    assert only_line(prose_problems(text, "p"))


def test_each_fault_of_prose_has_its_line() -> None:
    assert len(lines(prose_problems("<b> [a](javascript:x) " + "[" * 500, "p"))) == 3


@pytest.mark.parametrize(
    "piece",
    [
        "`",
        "`a",
        "[",
        "[a](",
        "](",
        "](\t",
        "<",
        "<a ",
        "|",
        "| ",
        "> ",
        "1. ",
        "- ",
        "\n",
        " ",
        "\n ",
        "* ",
        "\\`",
        "]: ",
    ],
)
def test_any_prose_is_judged_at_once(piece: str) -> None:
    runs = piece * (250_000 // len(piece))
    began = time.process_time()
    for text in (
        runs,
        runs[:10_000] + "a" * 10_000,
        "".join(piece * size + "a" for size in range(150, 0, -1)),
    ):
        prose_problems(text, "p")
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "piece",
    [
        "`",
        "`` ` ",
        "*",
        "_a ",
        "**a ",
        "&",
        "\\",
        "> ",
        "a\n\n",
        "    a\n",
        "|\n",
        "#",
        "a|b\n-|-\n",
        "# a\n",
        "a\n=\n",
        "- - -\n",
        "[",
        "![",
    ],
)
def test_prose_that_was_let_through_is_rendered_in_seconds(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    while prose_problems(text, "p"):
        text = text[: len(text) // 2]
    began = time.process_time()
    assert isinstance(render(text), str)
    assert time.process_time() - began < 8


PLAIN = "p ul ol li pre blockquote h2 h3 hr em strong code a br table thead tbody tr th td"


class Tags(HTMLParser):
    """The tags of some HTML with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", [*HTML, *LINKS, *FINE, *MAZES[4:7]])
def test_what_is_rendered_holds_plain_tags_and_links_to_the_web_only(text: str) -> None:
    plain = set(re.findall(r"\w+", PLAIN))
    for tag, attributes in Tags(render(text)).seen:
        assert tag in plain, tag
        assert set(attributes) <= ({"href", "rel"} if tag == "a" else set())
        scheme = re.match(r"[a-z][a-z0-9+.-]*:", attributes.get("href") or "", re.IGNORECASE)
        assert scheme is None or scheme[0].lower() == "https:"


def test_a_script_is_removed_with_what_it_holds() -> None:
    assert render("before <script>alert(1)</script> after") == "<p>before  after</p>"


def test_a_tag_loses_its_attributes() -> None:
    assert render('<p onclick="x()" style="y" class="z">text</p>') == "<p>text</p>"


@pytest.mark.parametrize("text", [text for text in LINKS if text.startswith("[a](") and " :" not in text])
def test_a_link_that_is_not_https_leads_nowhere(text: str) -> None:
    assert "href=" not in render(text)


def test_an_image_is_left_out() -> None:
    assert render("![a](https://example.org/a.png)") == "<p></p>"


def test_a_link_to_the_web_says_nothing_about_us() -> None:
    link = '<p><a href="https://example.org/" rel="noopener nofollow">a</a></p>'
    assert render("[a](https://example.org/ 'title')") == link


def test_lists_code_and_emphasis_are_kept() -> None:
    html = render("- one\n- **two** and *three* and `a < b`\n\nwords\n\n1. first\n\n> quoted\n\n    a block")
    for piece in ("<ul>", "<li>one</li>", "<strong>two</strong>", "<em>three</em>", "<code>a &lt; b</code>"):
        assert piece in html
    for piece in ("<ol>", "<blockquote>", "<pre><code>a block"):
        assert piece in html


def test_tables_are_kept() -> None:
    html = render("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert "<table>" in html
    assert "<th>a</th>" in html
    assert "<td>2</td>" in html
