"""A badge: one row's figure as a small picture that can be shown elsewhere, with how it came about.

A row's badge stays as long as the row. A device's moves: it shows the best ranked row of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from generator.formats import one_decimal, short
from generator.standing_columns import why_unranked
from generator.tables import Board, rows_of

LABEL = "Decode Board"
HEIGHT, PADDING, SIZE = 20, 7, 11
_LEFT, _RIGHT, _TEXT = "#3b4252", "#1f5fa8", "#ffffff"
# Widths of a common sans serif in thousandths of its size; the text is fitted to what they say.
_NARROW = {" ": 278, "!": 278, ",": 278, ".": 278, "(": 333, ")": 333, "/": 278, "-": 333, "I": 278, "M": 833}
_NARROW |= dict.fromkeys("ijl|'", 222) | dict.fromkeys("ftr", 300) | dict.fromkeys("mwW%@", 889)
_DIGIT_OR_SMALL, _CAPITAL, _OTHER = 556, 690, 1000


def badge_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """The badge of every decode row, and that of every device with a ranked one."""
    best: dict[str, Any] = {}
    for row in rows_of(board.decode):
        yield f"rows/{row.run}/badge.svg", badge(row)
        if row.ranked:
            best.setdefault(row.device, row)  # rows come in the order of their ranks
    for device, row in best.items():
        yield f"devices/{device}/badge.svg", badge(row)


def badge(row: Any) -> bytes:
    """The badge of a decode row as SVG."""
    value = f"{one_decimal(row.tok_per_s)} tok/s, {short(row.device_name)}, {_state(row)}"
    return _picture(LABEL, value).encode()


def _state(row: Any) -> str:
    """The standing, or what takes it away."""
    first = next(iter(why_unranked(row)), row.standing)
    return f"{row.standing} {row.role}" if first == row.role else str(first)


def _picture(label: str, value: str) -> str:
    left, right = _width(label) + 2 * PADDING, _width(value) + 2 * PADDING
    whole = left + right
    title = escape(f"{label}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" '
        f'viewBox="0 0 {whole} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="r"><rect width="{whole}" height="{HEIGHT}" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left}" height="{HEIGHT}" fill="{_LEFT}"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{_RIGHT}"/></g>'
        f'<g fill="{_TEXT}" font-family="Arial,Helvetica,sans-serif" font-size="{SIZE}">'
        f"{_fitted(label, PADDING)}{_fitted(value, left + PADDING)}</g></svg>\n"
    )


def _fitted(text: str, start: int) -> str:
    """Text that keeps its width whichever font a reader has."""
    return f'<text x="{start}" y="14" textLength="{_width(text)}">{escape(text)}</text>'


def _width(text: str) -> int:
    return round(SIZE * sum(map(_thousandths, text)) / 1000)


def _thousandths(letter: str) -> int:
    if letter in _NARROW:
        return _NARROW[letter]
    if letter.isascii():
        return _CAPITAL if letter.isupper() else _DIGIT_OR_SMALL
    return _OTHER if ord(letter) > 0x2E80 else _CAPITAL  # from there on, scripts with full-width signs
