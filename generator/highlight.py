"""An emitted text as HTML with its comments, keywords, numbers and names marked, and nothing else.

A few kinds of token are enough to read by, and a page with many languages stays small. Which language it is
follows from the ending of the file's name; an ending that Pygments does not know is read as a dialect of what
most such languages derive from.
"""

from __future__ import annotations

import hashlib
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_KINDS = (
    ("Comment.Preproc", "hp"),
    ("Comment.PreprocFile", "hp"),
    ("Comment", "hc"),
    ("Keyword", "hk"),
    ("Name.Decorator", "hp"),
    ("Name.Function", "hf"),
    ("Literal.Number", "hn"),
    ("Literal.String", "hs"),
)


def highlighted(text: str, path: str, cache_folder: Path | None) -> Markup:
    """``text``, the content of a file named ``path``, as HTML; whatever stands in it is text."""
    name = hashlib.sha256("\0".join((_code_digest(), Path(path).suffix, text)).encode()).hexdigest()
    stored = cache_folder / "texts" / f"{name}.html" if cache_folder else None
    if stored and stored.exists():
        return Markup(stored.read_text("utf-8"))  # noqa: S704 - escaped when it was written
    html = _html(text, path)
    if stored:
        stored.parent.mkdir(parents=True, exist_ok=True)
        part = stored.with_suffix(".part")
        part.write_text(html, "utf-8")
        part.replace(stored)
    return Markup(html)  # noqa: S704 - every piece is escaped


@cache
def _code_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _html(text: str, path: str) -> str:
    tokens = ((_kind(kind), piece) for kind, piece in _lexer(path).get_tokens(text))
    pieces = (
        (kind, "".join(piece for _, piece in run)) for kind, run in groupby(tokens, lambda pair: pair[0])
    )
    return "".join(_marked(kind, escape(piece, quote=False)) for kind, piece in pieces)


def _marked(kind: str, escaped: str) -> str:
    return f'<i class="{kind}">{escaped}</i>' if kind and not escaped.isspace() else escaped


def _kind(token: Any) -> str:
    """The class of a token's kind; nothing for the rest, which is most of a text."""
    said = str(token).removeprefix("Token.")
    return next((mark for kind, mark in _KINDS if said == kind or said.startswith(f"{kind}.")), "")


def _lexer(path: str) -> Lexer:
    from pygments.lexers import CppLexer, get_lexer_for_filename  # noqa: PLC0415 - only a new text needs it
    from pygments.util import ClassNotFound  # noqa: PLC0415

    exactly: dict[str, Any] = {"stripnl": False, "ensurenl": False}
    try:
        return get_lexer_for_filename(Path(path).name, **exactly)
    except ClassNotFound:
        return CppLexer(**exactly)
