"""Columns as files for the browser."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from generator.column_files import SHARD_ROWS, Columns, encoded


def handed(content: bytes) -> tuple[str, dict[str, Any]]:
    """What a data file passes on: its name and its value."""
    text = content.decode()
    assert text.startswith('board.take("')
    assert text.endswith(")\n")
    name, value = json.loads(f"[{text[len('board.take(') : -2]}]")
    return name, value


def one_file(texts: dict[str, list[str | None]], numbers: list[float] | None = None) -> dict[str, Any]:
    rows = len(next(iter(texts.values())))
    columns = Columns(texts, {"number": np.array(numbers or np.arange(rows), np.float64)})
    ((address, content),) = encoded("table/x", columns)
    assert address == "assets/data/table/x/0.js"
    name, value = handed(content)
    assert name == "table/x/0"
    return value


def test_texts_are_coded_in_the_order_in_which_people_sort_them() -> None:
    value = one_file({"shape": ["rows 10", None, "Rows 9", "rows 10", "cols 2"]})
    assert value["dictionaries"]["shape"] == ["cols 2", "Rows 9", "rows 10", None]
    assert value["columns"]["shape"] == [2, 3, 1, 2, 0]


def test_a_column_of_one_text_has_no_codes() -> None:
    value = one_file({"role": [None, None], "dtype": ["f16", "f16"]})
    assert value["dictionaries"] == {"role": [None], "dtype": ["f16"]}
    assert set(value["columns"]) == {"number"}


def test_what_follows_from_the_device_is_said_once_a_device() -> None:
    value = one_file({"device": ["b", "a", "b"], "vendor": ["Y", "Z", "Y"], "dtype": ["f16", "f16", "f32"]})
    assert value["of"] == {"vendor": ["device", [1, 0]]}
    assert value["dictionaries"]["vendor"] == ["Y", "Z"]
    assert set(value["columns"]) == {"number", "device", "dtype"}


def test_runs_that_all_differ_stand_by_row() -> None:
    runs: list[str | None] = [f"run-{at}" for at in range(101)]
    value = one_file({"run": runs, "implementation": runs})
    assert value["columns"]["run"] == runs
    assert "run" not in value["dictionaries"]
    assert value["dictionaries"]["implementation"] == runs


def test_numbers_are_short_and_nothing_is_null() -> None:
    columns = Columns({"a": ["x", "x", "x"]}, {"number": np.array([1.0, np.nan, 0.25])})
    ((_, content),) = encoded("table/x", columns)
    assert b'"number":[1,null,0.25]' in content


def test_a_table_too_long_for_a_file_has_several_that_share_the_first_ones_dictionaries() -> None:
    total = 2 * SHARD_ROWS + 1
    columns = Columns({"dtype": ["f16", "f32"] * SHARD_ROWS + ["f16"]}, {"number": np.arange(float(total))})
    files = dict(handed(content) for _, content in encoded("table/x", columns))
    assert list(files) == ["table/x/0", "table/x/1", "table/x/2"]
    assert [len(value["columns"]["dtype"]) for value in files.values()] == [SHARD_ROWS, SHARD_ROWS, 1]
    assert {value["total"] for value in files.values()} == {total}
    assert files["table/x/2"]["columns"] == {"dtype": [0], "number": [2 * SHARD_ROWS]}
    assert "dictionaries" in files["table/x/0"]
    assert "dictionaries" not in files["table/x/1"]
