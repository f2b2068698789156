"""Markdown from strangers: what it may not hold, and how it becomes safe HTML.

Two gates. :func:`prose_problems` refuses raw HTML and foreign link schemes with a line for the author;
:func:`render` cleans what Markdown makes of the rest, so that a trick the first gate misses stays harmless.
"""

from __future__ import annotations

import re

from schemas.problems import Problem, got

_MOST_CHARACTERS = 20_000
_CODE = re.compile(r"(?<![`\\])(`+)(?!`)(?:[^\n]|\n(?![ \t]*\n))+?(?<!`)\1(?!`)")
_TAG = re.compile(r"<[A-Za-z/!?][^>\n]{0,40}>?")
_SCHEME = re.compile(
    r"(?:\]\(|^[ \t]*\[[^\]\n]*\]:)[\s<]*(?!https:)[a-z][a-z0-9+.-]{0,40}\s*:|(?:java|vb)script:\S",
    re.IGNORECASE | re.MULTILINE,
)
# What the Markdown parser takes minutes over, or gives up on.
_MOST_LINES = 500
_PARTS = re.compile(r"\n[ \t]*\n")
_BRACKETS = re.compile(r"(?:[\[<][^\[<]*){200}")
_COLUMNS = re.compile(r"(?:\|[^|\n]*){33}")
_LEVELS = re.compile(r"^[ \t]*(?:(?:>|(?:[-+*]|[0-9]+\.)[ \t])[ \t]*){13}", re.MULTILINE)
_BLOCKS = {"p", "ul", "ol", "li", "pre", "blockquote", "h2", "h3", "h4", "hr"}
_TAGS = _BLOCKS | {"em", "strong", "code", "a", "br", "table", "thead", "tbody", "tr", "th", "td"}


def prose_problems(text: str, path: str) -> list[Problem]:
    """What must not stand in prose: HTML outside of code, links elsewhere than to the web, mazes."""
    read = text[:_MOST_CHARACTERS]
    plain = _CODE.sub("", read)
    found = (
        (plain, _TAG, "holds HTML", "write Markdown; put a literal < in `code`"),
        (plain, _SCHEME, "holds a link that is not a web address", "link to https:// addresses only"),
        (read, _BRACKETS, "holds 200 [ and < or more", "write fewer links"),
        (read, _COLUMNS, "holds a line of 33 | or more", "make the table narrower"),
        (read, _LEVELS, "holds a list or a quote of 13 levels or more", "make it flatter"),
    )
    problems = [
        Problem(path, "notes", f"{problem} {got(match[0])}", remedy)
        for where, pattern, problem, remedy in found
        if (match := pattern.search(where))
    ]
    if (lines := max(part.count("\n") + 1 for part in _PARTS.split(read))) > _MOST_LINES:
        said = f"holds too many lines without a blank one (got {lines:,})"
        problems.append(Problem(path, "notes", said, f"part them after {_MOST_LINES} at most"))
    return problems


def render(text: str) -> str:
    """HTML of a stranger's Markdown with only harmless tags, and https links that tell nothing about us."""
    import markdown  # noqa: PLC0415 - who judges prose does not render it
    import nh3  # noqa: PLC0415 - likewise

    html = markdown.markdown(text, extensions=["tables"])
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "*": set()},
        url_schemes={"https"},
        link_rel="noopener nofollow",
        url_relative="deny",
    )
