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

from generator.kept import kept_file

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
    if cache_folder is None:
        return Markup(_html(text, path))  # noqa: S704 - every piece is escaped
    name = hashlib.sha256("\0".join((_code_digest(), Path(path).suffix, text)).encode()).hexdigest()
    html = kept_file(cache_folder / "texts" / f"{name}.html", lambda: _html(text, path).encode())
    return Markup(html.decode())  # noqa: S704 - escaped when it was written


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
