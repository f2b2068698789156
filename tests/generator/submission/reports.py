"""Reports of all kinds: drawn from their schema, with texts that would like to be markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from schemas.load import schema
from tests.submissions import Data

HOSTILE = (
    "@octocat", "@org/team", "#1", "GH-26", "gh-1", "CVE-2021-44228", "a/b#1", "a@b.example", "https://evil.example",
    "HTTP://evil.example", "www.evil.example", "WWW.evil.example", "ftp://evil.example", "mailto:a@b.example",
    "xmpp:a@b.example", "<img src=x onerror=y>", "<script>", "</details>", "</code>", "<!--", "-->", "<https://e.example>",
    "![a](https://e.example)", "[a](https://e.example)", "[a]: https://e.example", "[^1]", "[x]", "**", "__", "~~", "`",
    "```", "|", "|---|", "\\", "\\|", "&lt;", "&#64;", "$x$", ":tada:", "# a", "- [ ] a", "1. a", "> a", "***", "===",
    "  ", "'", '"', "\u00ad", "\ue000", "\u0301", "\uff20octocat", "\u05d0", "{{ x }}", "::warning::x", "\u3000", "−",
)  # fmt: skip
_REPORT = schema("report")
_UNSEEN = re.compile(
    _REPORT["$defs"]["text"]["pattern"].removesuffix("*$").replace("[^", "[").removeprefix("^")
)
_PARTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(
        st.characters(exclude_categories=["Cs"]).filter(lambda letter: not _UNSEEN.match(letter)), max_size=8
    ),
)


def texts() -> st.SearchStrategy[str]:
    """One line of whatever a text of a report may hold."""
    return st.lists(_PARTS, max_size=6).map(lambda parts: "".join(parts)[:401])


def reports() -> st.SearchStrategy[Data]:
    """Reports that their schema takes, and nothing else that is known of them."""
    return _of(_REPORT)


def _of(rules: Data) -> st.SearchStrategy[Any]:
    if rules.get("$ref") == "#/$defs/text":
        return texts()
    if "$ref" in rules:
        return _of(_REPORT["$defs"][rules["$ref"].removeprefix("#/$defs/")])
    if "const" in rules or "enum" in rules:
        return st.sampled_from(rules.get("enum", [rules.get("const")]))
    if "anyOf" in rules:
        return st.one_of(*map(_of, rules["anyOf"]))
    simple: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "null": st.none,
        "boolean": st.booleans,
        "integer": lambda: st.integers(rules["minimum"], rules["maximum"]),
        "number": lambda: st.floats(rules["minimum"], rules["maximum"]) | st.integers(-9, 9),
        "string": lambda: st.from_regex(rules["pattern"], fullmatch=True),
        "array": lambda: st.lists(_of(rules["items"]), max_size=min(3, rules["maxItems"])),
        "object": lambda: st.fixed_dictionaries(
            {name: _of(one) for name, one in rules["properties"].items()}
        ),
    }
    return simple[rules["type"]]()
