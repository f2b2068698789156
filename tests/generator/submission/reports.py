"""Reports of all kinds: drawn from their schema, with texts that would like to be markup.

Their rules are those that there are, as a report of others is refused; what they say of them is anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from generator.submission.rules import RULES
from schemas.load import schema
from tests.submissions import Data

HOSTILE = (
    "@octocat", "@org/team", "#1", "GH-26", "gh-1", "CVE-2021-44228", "a/b#1", "a@b.example", "https://evil.example",
    "HTTP://evil.example", "www.evil.example", "WWW.evil.example", "ftp://evil.example", "mailto:a@b.example",
    "xmpp:a@b.example", "<img src=x onerror=y>", "<script>", "</details>", "</code>", "<!--", "-->", "<https://e.example>",
    "![a](https://e.example)", "[a](https://e.example)", "[a]: https://e.example", "[^1]", "[x]", "**", "__", "~~", "`",
    "```", "|", "|---|", "\\", "\\|", "&lt;", "&#64;", "$x$", ":tada:", "# a", "- [ ] a", "1. a", "> a", "***", "===",
    "  ", "'", '"', "\u00ad", "\ue000", "\u0301", "\uff20octocat", "\u05d0", "{{ x }}", "::warning::x", "\u3000", "−",
    "deadbee", "0" * 39 + "a", "DEADBEEF1",
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
    """Reports that their schema takes, of the rules that there are, and nothing else that is known of them."""
    claims = st.lists(_of(_REPORT["$defs"]["rule"]), min_size=1, max_size=3).map(_of_every_rule)
    judged = st.tuples(_of(_REPORT), claims).map(lambda drawn: drawn[0] | {"rules": drawn[1]})
    return judged | _of(_REPORT).map(
        lambda drawn: drawn | {"verdict": "nothing submitted", "rules": [], "previews": []}
    )


def _of_every_rule(claims: list[Data]) -> list[Data]:
    """A claim for each rule, as more than a few drawn ones would be slow."""
    return [claims[place % len(claims)] | {"id": rule.id} for place, rule in enumerate(RULES)]


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


def place_of(rank: int, best: int | None = None, worst: int | None = None, of: int = 9) -> Data:
    return {"rank": rank, "best": best or rank, "worst": worst or rank, "of": of}


def neighbour(run: str, comparability: str = "like for like", **changes: Any) -> Data:
    found = {
        "run": run,
        "device": "gpu-b",
        "tok_per_s": 12.3456,
        "place": place_of(3),
        "comparability": comparability,
    }
    return found | changes


def drift(run: str, percent: float, within: bool = True, published: bool = False) -> Data:
    return {"run": run, "by": "B. Person", "published": published, "percent": percent, "within": within}


def preview(**changes: Any) -> Data:
    return {
        "run": "run-1", "path": "data/x.json", "device": "gpu-a", "model": "tiny", "dtype": "f16", "depth_tokens": 1280,
        "stack": "an emitter", "submitter": "A. Person", "provenance": "measured", "tok_per_s": 10.0,
        "tok_per_s_low": 9.5, "tok_per_s_high": 10.5, "tpot_ms": 100.0, "mbu_percent": 61.23, "unranked": None,
        "before": place_of(5), "after": place_of(4, 3, 5), "above": None, "below": None, "baseline_of": None,
        "supersedes": [], "drifts": [], "others": 0,
    } | changes  # fmt: skip
