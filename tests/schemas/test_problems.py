"""A problem is one printable line that says where, what and what to do."""

from __future__ import annotations

import pytest

from schemas.problems import Problem, closest, escaped, field_name, got
from tests.schemas.examples import only_line

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "two\nlines",
    "\r\x08\x7f",
    "\u202egnp.exe",
    "\u2066\u2069",
    "\ufeff",
    "\u2028\u2029",
    "\x85\x9b",
    "\ud800",
    "\U000e0041",
]


def test_a_problem_reads_path_field_problem_remedy() -> None:
    problem = Problem("data/a.json", "decode.dtype", "is missing", "add it")
    assert str(problem) == "data/a.json: decode.dtype: is missing; add it"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("part", ["path", "field", "problem", "remedy"])
def test_no_part_of_a_problem_reaches_the_terminal_raw(text: str, part: str) -> None:
    parts = {"path": "p", "field": "f", "problem": "is wrong", "remedy": "mend it", part: f"x{text}"}
    line = only_line([Problem(**parts)])
    assert text not in line
    assert line.encode()


def test_a_field_without_a_name_is_still_shown() -> None:
    assert only_line([Problem("p", "", "is wrong", "mend it")]) == "p: '': is wrong; mend it"


def test_a_long_part_is_cut() -> None:
    assert len(str(Problem("p" * 9999, "f" * 9999, "x" * 9999, "y" * 9999))) < 1250


def test_problems_sort_by_path_and_then_by_field() -> None:
    problems = [Problem("b", "a", "", ""), Problem("a", "b", "", ""), Problem("a", "a", "", "")]
    assert [(one.path, one.field) for one in sorted(problems)] == [("a", "a"), ("a", "b"), ("b", "a")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ("é × –", "é × –"),
        ("é\n", "é\\n"),
        ({"a": 1}, "a mapping of 1"),
        ([1, 2], "a list of 2"),
        ("a" * 61, "a" * 60 + "…"),
    ],
)
def test_a_value_is_shown_short_and_in_the_words_of_json(value: object, shown: str) -> None:
    assert escaped(value) == shown


def test_text_is_quoted_and_numbers_are_not() -> None:
    assert (got("1"), got(1)) == ("(got '1')", "(got 1)")


def test_a_field_is_named_like_a_path_in_code() -> None:
    assert (
        field_name(["decode", "samples", "repetitions", 3, "step_ns"])
        == "decode.samples.repetitions[3].step_ns"
    )
    assert field_name([]) == "file"


def test_the_nearest_word_is_suggested() -> None:
    assert closest("vendro", ["name", "vendor"]) == "did you mean 'vendor'? known: name, vendor"


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert closest("xyz", ["name", "vendor"]) == "known: name, vendor"
    assert closest("xyz", []) == "known: none"


def test_a_long_list_of_known_words_is_cut() -> None:
    assert closest("zzz", [f"word{number:02}" for number in range(20)]).endswith("word11, …")
