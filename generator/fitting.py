"""Text that must fit a picture, where nothing measures it: widths are those of a sans-serif's letters, rounded up."""

from __future__ import annotations

import unicodedata

_NARROW, _SLIM, _BROAD = " ijlI.,:;|!'`", 'frt()[]{}-/\\"*', "mwMW%@–—…"
_BOLD = 1.08


def fitted(text: str, size_px: float, width_px: float, bold: bool = False) -> str:
    """``text``, cut with an ellipsis where it would be wider."""
    if width(text, size_px, bold) <= width_px:
        return text
    while text and width(text + "…", size_px, bold) > width_px:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size_px: float, width_px: float, most: int, bold: bool = False) -> list[str]:
    """``text`` in at most ``most`` lines; what does not fit is cut."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        line = words.pop(0)
        last = len(lines) == most - 1
        while words and (last or width(f"{line} {words[0]}", size_px, bold) <= width_px):
            line = f"{line} {words.pop(0)}"
        lines.append(fitted(line, size_px, width_px, bold))
    return lines


def width(text: str, size_px: float, bold: bool = False) -> float:
    """At most how wide ``text`` is."""
    return sum(map(_em, text)) * size_px * (_BOLD if bold else 1.0)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return 0.28
    if letter in _SLIM:
        return 0.36
    if letter in _BROAD or unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if not letter.isascii():
        return 0.8
    return 0.73 if letter.isupper() else 0.56
