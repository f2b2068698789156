"""Text that must fit a picture is cut or wrapped by how wide it can be at most."""

from __future__ import annotations

import pytest

from generator.fitting import fitted, width, wrapped


def test_text_that_fits_stays() -> None:
    assert fitted("Short", 20, 500) == "Short"


@pytest.mark.parametrize("text", ["WWWW " * 40, "i" * 900, "中" * 80, "M 4 " * 60])
def test_text_that_is_too_wide_is_cut_to_fit(text: str) -> None:
    cut = fitted(text, 30, 400)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert 300 < width(cut, 30) <= 400


def test_a_picture_of_no_width_has_no_text() -> None:
    assert fitted("word", 30, 1) == "…"


def test_words_go_on_in_the_next_line_and_the_last_line_is_cut() -> None:
    assert wrapped("one two three", 10, 45, 3) == ["one two", "three"]
    lines = wrapped("word " * 50, 20, 300, 2)
    assert len(lines) == 2
    assert lines[0].split() == ["word"] * len(lines[0].split())
    assert lines[1].endswith("…")
    assert all(width(line, 20) <= 300 for line in lines)


def test_nothing_has_no_lines() -> None:
    assert wrapped("", 20, 300, 2) == []


def test_bold_text_is_wider() -> None:
    assert width("text", 20, bold=True) > width("text", 20)
