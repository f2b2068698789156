"""Texts are of known characters, in one form, and can be read."""

from __future__ import annotations

import unicodedata

import pytest

from tests.generator.examples import Folder, samples
from tests.schemas import examples


def only(folder: Folder) -> str:
    """The one problem of single files, without the path."""
    _, problems = folder.read()
    assert len(problems) == 1, problems
    return str(problems[0]).partition(": ")[2]


@pytest.mark.parametrize(
    "letter", ["\U000e0041", "\U000f0000", "\U0010fffd", "\U0001d173", "\u0378", "\U000e0100"]
)
def test_a_character_that_shows_nothing_is_refused(basic: Folder, letter: str) -> None:
    basic.reported("r", "gpu-a", notes=f"a{letter}b")
    said = only(basic)
    assert said.startswith("notes: ")
    assert f"(got U+{ord(letter):04X})" in said or "is not in Unicode's composed form" in said


def test_letters_and_marks_apart_are_refused(basic: Folder) -> None:
    apart = unicodedata.normalize("NFD", "José")
    basic.measured("m", "gpu-a", samples([1000]), submitter=apart)
    assert only(basic) == (
        "submitter: is not in Unicode's composed form (got letters and marks apart); write it as NFC"
    )


def test_marks_may_not_pile_up(basic: Folder) -> None:
    basic.retract("r", reason="Z" + "\u0353" * 5).reported("r", "gpu-a")
    assert only(basic).startswith("retractions[0].reason: piles marks on a letter (got 5 on one); ")


def test_a_text_in_a_list_is_read_too(basic: Folder) -> None:
    packages = [{"name": "cc", "version": "12"}, {"name": "a\U000f0000", "version": "1"}]
    environment = examples.measured()["environment"] | {"toolchain": packages}
    basic.measured("m", "gpu-a", samples([1000]), environment=environment)
    assert only(basic).startswith(
        "environment.toolchain[1].name: holds a character that shows nothing (got U+F0000); "
    )


@pytest.mark.parametrize(
    "name", ["José", "Иван", "שלום", "東京ラボ", "नेटवर्क", "ไก่", "Đặng", "a 😀", "5\u00a0µm"]
)
def test_any_language_may_be_written(basic: Folder, name: str) -> None:
    basic.measured("m", "gpu-a", samples([1000]), submitter=name)
    assert not basic.read()[1]
