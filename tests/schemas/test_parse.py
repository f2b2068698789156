"""Bytes to plain data: what each format allows and we do not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from schemas.parse import PARSERS, Unreadable, parse_front_matter, parse_json, parse_yaml
from schemas.problems import Problem
from tests.schemas.examples import only_line

ALL = sorted(PARSERS)


def refusal(suffix: str, raw: bytes) -> str:
    """The line that says why a file of this ending holds no data."""
    with pytest.raises(Unreadable) as caught:
        PARSERS[suffix](raw)
    error = caught.value
    return only_line([Problem("p", error.field, error.problem, error.remedy)])


# --- every format ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize(
    "raw", ['{"a": "é"}'.encode("latin-1"), '{"a": 1}'.encode("utf-16"), b"\x80", b"{\xed\xa0\x80}"]
)
def test_a_file_that_is_not_utf8_is_refused(suffix: str, raw: bytes) -> None:
    assert "is not UTF-8 (got byte 0x" in refusal(suffix, raw)


@pytest.mark.parametrize(
    ("suffix", "raw"), [(".json", b'{"a": 1}'), (".yml", b"a: 1"), (".md", b"---\na: 1\n---\n")]
)
def test_a_byte_order_mark_is_no_part_of_the_data(suffix: str, raw: bytes) -> None:
    assert PARSERS[suffix](b"\xef\xbb\xbf" + raw)["a"] == 1


@pytest.mark.parametrize("suffix", [".json", ".yml"])
@pytest.mark.parametrize("levels", [33, 40, 100_000])
@pytest.mark.parametrize("nest", [("[", "]"), ('{"a": ', "}")])
def test_deep_nesting_is_refused(suffix: str, levels: int, nest: tuple[str, str]) -> None:
    text = nest[0] * levels + "1" + nest[1] * levels
    assert "nested too deeply" in refusal(suffix, text.encode())


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_nesting_as_deep_as_any_record_needs_is_read(suffix: str) -> None:
    data = PARSERS[suffix](b"[" * 32 + b"]" * 32)
    assert json.dumps(data) == "[" * 32 + "]" * 32


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_a_mapping_of_more_fields_than_any_record_has_is_refused(suffix: str) -> None:
    raw = json.dumps({"deep": [{f"f{number}": 0 for number in range(101)}]}).encode()
    assert "too many fields (got 101)" in refusal(suffix, raw)


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_an_integer_of_thousands_of_digits_is_refused(suffix: str) -> None:
    assert "cannot be read" in (line := refusal(suffix, b"[" + b"9" * 5000 + b"]")) or "thousands" in line


@pytest.mark.parametrize("suffix", [".json", ".yml"])
@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400 + ".0"])
def test_a_number_beyond_floating_point_is_refused(suffix: str, number: str) -> None:
    assert "write a finite number" in refusal(suffix, f'{{"a": {number}}}'.encode())


@pytest.mark.parametrize(
    ("suffix", "why"),
    [(".json", "a lone surrogate"), (".yml", "'found invalid Unicode character escape code'")],
)
@pytest.mark.parametrize("text", [r'"\ud800"', r'"\uDFFF"', r'{"\udc00": 1}', r'{"a": ["b\udabc"]}'])
def test_a_lone_surrogate_is_refused(suffix: str, why: str, text: str) -> None:
    assert why in refusal(suffix, text.encode())


@pytest.mark.parametrize("suffix", [".json", ".yml"])
@pytest.mark.parametrize(
    ("text", "number"), [("1.0", 1), ("-2.0e2", -200), ("0.5", 0.5), ("1e-6", 1e-6), ("7", 7)]
)
def test_a_whole_number_is_whole_however_it_is_written(suffix: str, text: str, number: float) -> None:
    read = PARSERS[suffix](f"[{text}]".encode())[0]
    assert read == number
    assert type(read) is type(number)


@pytest.mark.parametrize("suffix", [".json", ".yml"])
@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": 2, "a": 3}', '{"x": [{"a": 1, "a": 1}]}', r'{"a": 1, "\u0061": 2}']
)
def test_a_key_that_stands_twice_is_refused(suffix: str, text: str) -> None:
    assert "twice" in (line := refusal(suffix, text.encode()))
    assert "keep one" in line


# --- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", " ", "{", '{"a": 1,}', "{'a': 1}", "// x\n{}", "{} {}", '"a\nb"', "01", "nul"]
)
def test_what_is_not_json_is_refused_with_its_place(text: str) -> None:
    assert "is not JSON" in (line := refusal(".json", text.encode()))
    assert " at line " in line


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(word: str) -> None:
    assert f"(got {word})" in refusal(".json", f'{{"a": [{word}]}}'.encode())


def test_a_key_that_stands_twice_is_named() -> None:
    assert refusal(".json", b'{"b": {"vendor": 1, "vendor": 2}}').startswith("p: vendor: stands twice")


def test_an_empty_key_that_stands_twice_is_named_too() -> None:
    assert refusal(".json", b'{"": 1, "": 2}').startswith("p: '': stands twice")


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_json(rb'"\ud83d\ude00"') == "\U0001f600"


def test_the_second_of_two_keys_is_found_in_time_that_grows_with_the_file_only() -> None:
    names = ",".join(f'"{number}":0' for number in range(200_000))
    began = time.process_time()
    assert "stands twice" in refusal(".json", f'{{{names},"199999":0}}'.encode())
    assert time.process_time() - began < 5


@pytest.mark.parametrize("raw", [b"[" + b"{}," * 100_000 + b"{}]", b"[" + b"[]," * 100_000 + b"0]"])
def test_more_lists_and_mappings_than_any_record_has_are_refused_unread(raw: bytes) -> None:
    assert "file: holds too many lists and mappings (got 100,00" in refusal(".json", raw)
    assert len(parse_json(raw[:200_000].rpartition(b",")[0] + b"]")) > 50_000


# --- YAML -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[", "a: b: c", "a:\n\t- b", "@", "--- 1\n--- 2", '"', "a: 'b", "%YAML 9.9\n--- 1"]
)
def test_what_is_not_yaml_is_refused_with_its_place(text: str) -> None:
    assert " at line " in refusal(".yml", text.encode())


@pytest.mark.parametrize("control", ["\x00", "\x1b", "\x07", "\x7f"])
def test_control_characters_in_yaml_are_refused(control: str) -> None:
    assert "unacceptable character" in refusal(".yml", f"a: b{control}".encode())


@pytest.mark.parametrize("text", ["a: &x 1", "a: &x [1]\nb: *x", "&x {a: 1}", "a: *x", "&x a: 1", "<<: *x"])
def test_anchors_and_aliases_are_refused(text: str) -> None:
    assert "an anchor or alias" in refusal(".yml", text.encode())


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    bomb = "a0: &a0 [lol]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
    )
    assert "an anchor or alias' at line 1 " in refusal(".yml", bomb.encode())


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/name:os.system ''",
        "!!binary aGVsbG8=",
        "!!timestamp 2001-01-01",
        "!!timestamp x",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!!int ''",
        "!!int abc",
        "!!float ''",
        "!!bool x",
        "!!map [a]",
        "!!str 1",
        "!own 1",
        "! 1",
    ],
)
def test_tags_are_refused(value: str) -> None:
    assert "(got 'a tag' at line 2 column 4)" in refusal(".yml", f"a: 1\nb: {value}".encode())


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "+.inf"])
def test_numbers_that_are_none_are_refused_in_yaml(number: str) -> None:
    assert "write a finite number or null" in refusal(".yml", f"a: [{number}]".encode())


@pytest.mark.parametrize("key", ["1", "1.5", "null", "~", "true", "? [a]\n", "? {a: b}\n"])
def test_a_key_that_is_not_text_is_refused(key: str) -> None:
    assert "a key that is not text" in refusal(".yml", f"{key}: 1".encode())


@pytest.mark.parametrize(r"escape", [r"\U00110000", r"\UFFFFFFFF"])
def test_an_escape_beyond_unicode_is_refused(escape: str) -> None:
    assert "'found invalid Unicode character escape code' at line 1" in refusal(
        ".yml", f'a: "{escape}"'.encode()
    )


def test_a_hostile_key_that_stands_twice_is_escaped() -> None:
    assert r"the key \x1b[1m\n twice" in refusal(".yml", rb'{"\e[1m\n": 1, "\e[1m\n": 2}')


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29",
        "2024-02-29T10:00:00Z",
        "12:30:45",
        "010",
        "0x1F",
        "0b11",
        "1_000",
        "no",
        "on",
        "Yes",
        "=",
        "<<",
    ],
)
def test_only_the_plain_words_and_numbers_of_json_are_other_than_text(text: str) -> None:
    assert parse_yaml(f"a: {text}".encode()) == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("null", None), ("~", None), ("true", True), ("false", False)]
)
def test_words_that_json_has_too_are_read(text: str, value: Any) -> None:
    assert parse_yaml(f"a: {text}".encode()) == {"a": value}


# --- front matter ---------------------------------------------------------------------------------


def test_prose_below_the_front_matter_becomes_the_notes() -> None:
    raw = b"---\nname: a\n---\n\nFirst.\n\n---\n\nSecond.\n"
    assert parse_front_matter(raw) == {"name": "a", "notes": "First.\n\n---\n\nSecond."}


@pytest.mark.parametrize("raw", [b"---\nname: a\n---", b"---\nname: a\n---\n", b"--- \nname: a\n---\t\n\n"])
def test_prose_may_be_absent(raw: bytes) -> None:
    assert parse_front_matter(raw) == {"name": "a", "notes": ""}


def test_line_ends_of_windows_are_line_ends() -> None:
    raw = b"---\r\nname: a\r\n---\r\nFirst\r\nline.\r\n"
    assert parse_front_matter(raw) == {"name": "a", "notes": "First\nline."}


@pytest.mark.parametrize(
    "raw", [b"", b"\n---\na: 1\n---\n", b"a: 1\n", b"---\na: 1\n", b"---\na: 1\n ---\n", b"----"]
)
def test_a_file_without_a_closed_front_matter_is_refused(raw: bytes) -> None:
    assert "has no front matter" in refusal(".md", raw)


def test_a_hostile_first_line_is_escaped() -> None:
    assert r"\x1b[31m" in refusal(".md", b"\x1b[31mred\x1b[0m\n")


def test_notes_in_the_front_matter_are_refused() -> None:
    assert refusal(".md", b"---\nnotes: a\n---\nb\n").startswith("p: notes: stands in the front matter")


def test_the_line_of_a_mistake_in_front_matter_is_that_of_the_file() -> None:
    assert "at line 3 column 1" in refusal(".md", b"---\na: 1\n@\n---\n")


@pytest.mark.parametrize("facts", ["", "- a\n", "text\n"])
def test_front_matter_that_is_no_mapping_is_left_to_the_schema(facts: str) -> None:
    assert not isinstance(parse_front_matter(f"---\n{facts}---\nprose\n".encode()), dict)
