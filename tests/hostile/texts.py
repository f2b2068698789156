"""Texts that would act somewhere, and every field that takes a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from generator.dataset import data_files
from schemas.judge import compiled
from schemas.load import Kind, kind_of, schema
from schemas.parse import PARSERS
from schemas.prose import prose_problems
from tests.generator.examples import Folder
from tests.schemas.examples import Step, places, put, value_at, written

HTML = (
    "<script>window.__pwned=1</script>",
    "</td></table><img src=x onerror=window.__pwned=1>",
    "<svg/onload=window.__pwned=1>",
    "<!-- hidden",
    "<a href=javascript:window.__pwned=1>a</a>",
    "<ScRiPt src=//evil.example></sCrIpT>",
)
CONTROL = (
    "\t=1+1",
    "\r=1+1",
    "a\n=1+1",
    "a\x0bb",
    "\x1b[2J",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\u00adb",
    "a\u2028b",
    "a\ufeffb",
    "a\ue000b",
    "a\ufe0fb",
    "a\u3164b",
)
# Plain letters, which are let through and must do nothing. A build puts each into every field at once.
PLAIN = (
    'x" onmouseover="window.__pwned=1" onfocus="window.__pwned=1" autofocus="" x=\'y '
    "&lt;script&gt;window.__pwned=1&lt;/script&gt; &#60;img src=x onerror=window.__pwned=1&#62; "
    "' onclick='window.__pwned=1",
    "`x` [c](javascript:window.__pwned=1) ![i](https://evil.example/i.png) {{ 7 * 6 }} {% raw %} {# x #} | a | b | "
    "{: onclick='window.__pwned=1' } ${window.__pwned=1} https://evil.example **y** `z",
    "=cmd|'/C calc'!A0;window.__pwned=1;//\\\"-window.__pwned=1-' javascript:window.__pwned=1 %3Cscript%3E "
    "url(https://evil.example/u) \\u003cscript\\u003ewindow.__pwned=1 ]]",
)
FORMULAS = ("=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "＝1+1", '=HYPERLINK("https://evil.example")')
Text = tuple[Step, ...]


def free_texts(data: Any, kind: Kind) -> list[Text]:
    """The fields that take any words: those that a plain sentence does not spoil."""
    return [at for at in places(data, str) if fits(data, at, "any plain words", kind)]


def fits(data: Any, at: Text, text: str, kind: Kind) -> bool:
    """Whether a record's schema, and the rules of its prose, let ``text`` stand in a field."""
    before = value_at(data, at)
    put(data, at, text)
    try:
        prose = data["notes"] if kind.suffix == ".md" else ""
        return bool(_judge(kind.name).is_valid(data)) and not prose_problems(prose, "")
    finally:
        put(data, at, before)


@cache
def _judge(name: str) -> Any:
    return compiled(schema(name), schema("common"))


def poisoned(folder: Folder, poison: str) -> list[str]:
    """``poison`` in every field of every file that takes it; the fields, as ``kind.field``."""
    filled = []
    for path in sorted(data_files(folder.data)):
        kind = kind_of(path, folder.data)
        data = PARSERS[kind.suffix](path.read_bytes())
        for at in list(_poisonable(data, kind)):
            put(data, at, _told_apart(value_at(data, at), at, poison))
            filled.append(f"{kind.name}.{at[-1] if isinstance(at[-1], str) else at[-2]}")
        path.write_bytes(written(data, kind.suffix))
    return filled


def _poisonable(data: Any, kind: Kind) -> Iterator[Text]:
    """Prose is Markdown, whose links may lead to the web: what it may hold is tested where it is rendered."""
    for at in free_texts(data, kind):
        if not (kind.suffix == ".md" and at == ("notes",)):
            yield at


def _told_apart(value: str, at: Text, poison: str) -> str:
    """Two timings of a kernel differ by their implementation alone, and must go on to."""
    return f"{poison} {value}" if at[-1] == "implementation" else poison
