"""Markdown from strangers: what it may not hold, and how it becomes safe HTML.

Two gates. :func:`prose_problems` refuses raw HTML and foreign link schemes with a line for the author;
:func:`render` cleans what Markdown makes of the rest, so that a trick the first gate misses stays harmless.
"""

from __future__ import annotations

import re

import markdown
import nh3

from schemas.problems import Problem, got

_CODE = re.compile(r"(`+).+?\1", re.DOTALL)
_TAG = re.compile(r"<[A-Za-z/!?][^>\n]{0,40}>?")
_SCHEME = re.compile(r"(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_BLOCKS = {"p", "ul", "ol", "li", "pre", "blockquote", "h2", "h3", "h4", "hr"}
_TAGS = _BLOCKS | {"em", "strong", "code", "a", "br", "table", "thead", "tbody", "tr", "th", "td"}


def prose_problems(text: str, path: str) -> list[Problem]:
    """What must not stand in prose: an HTML tag outside of code, a link that runs a script."""
    plain = _CODE.sub("", text)
    found = (
        (_TAG, "holds HTML", "write Markdown; put a literal < in `code`"),
        (_SCHEME, "holds a link that is not a web address", "link to https:// addresses only"),
    )
    return [
        Problem(path, "notes", f"{problem} {got(match[0])}", remedy)
        for pattern, problem, remedy in found
        if (match := pattern.search(plain))
    ]


def render(text: str) -> str:
    """HTML of a stranger's Markdown with only harmless tags, and https links that tell nothing about us."""
    html = markdown.markdown(text, extensions=["tables"])
    return nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"https"}, link_rel="noopener nofollow"
    )
