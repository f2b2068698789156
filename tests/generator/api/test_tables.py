"""The rows that machines read, in three formats."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from generator.api.columns import columns
from generator.api.tables import table
from tests.generator.api.conftest import written
from tests.generator.api.reading import spreadsheet, strict
from tests.generator.examples import Folder, about, timing, timings

FORMATS = pytest.mark.parametrize("name", ["decode", "kernels"])


def test_decode_rows_carry_every_derived_number(api: Path) -> None:
    rows = {row["run"]: row for row in strict(api / "decode.json")}
    assert set(rows) == {"top", "second", "other", "base", "ref", "gone"}
    top = rows["top"]
    assert (top["tok_per_s"], top["tpot_ms"], top["rank"]) == (about(50_000), about(0.02), 1)
    assert top["mbu_percent"] == about(100 * 2976 / 20_000 / 300)
    said = (top["times_reference"], top["times_baseline"], top["baseline_run"])
    assert said == (about(500), about(5), "base")
    assert (rows["gone"]["retracted"], rows["gone"]["rank"], rows["ref"]["rank"]) == (True, None, None)


def test_kernel_rows_carry_shape_and_rate(api: Path) -> None:
    rows = strict(api / "kernels.json")
    soft = [row for row in rows if row["kernel"] == "soft"]
    assert [(row["run"], row["rank"], row["numerics_ok"]) for row in soft] == [
        ("micro-a", None, False), ("micro-a", 1, None), ("micro-b", 2, None),
    ]  # fmt: skip
    assert json.loads(soft[0]["shape"]) == {"rows": 64, "cols": 1024}
    assert (soft[1]["gb_per_s"], soft[1]["gflop_per_s"]) == (about(64 * 1024 * 6 / 3000), None)
    (gemm,) = [row for row in rows if row["kernel"] == "gemm"]
    assert (gemm["gflop_per_s"], gemm["gb_per_s"]) == (about(1024 / 9000), None)
    assert next(row["shape"] for row in rows if row["kernel"] == "norm") is None


@FORMATS
def test_a_row_names_its_card(api: Path, name: str) -> None:
    rows = strict(api / f"{name}.json")
    assert rows
    assert all(row["card"] == f"rows/{row['run']}/" for row in rows)


def test_a_decode_row_carries_its_standing(told: Path) -> None:
    rows = {row["run"]: row for row in strict(told / "decode.json")}
    assert {name: (row["standing"], row["superseded_by"]) for name, row in rows.items()} == {
        "a": ("reproduced", None), "b": ("reproduced", None), "c": ("reproduced", None), "old": ("measured", "c"),
        "gone": ("measured", None),
    }  # fmt: skip
    said = [rows["b"][name] for name in ("reproduced_within", "reproduced_others", "reproduced_by")]
    assert said == [2, 2, "=A1, @C"]
    assert rows["b"]["reproduced_low_percent"] == about(100 * (1010 / 1020 - 1))
    assert rows["b"]["reproduced_high_percent"] == about(1)
    empty = ("reproduced_within", "reproduced_low_percent", "reproduced_by")
    assert [rows["gone"][name] for name in empty] == [None] * 3


def test_a_submitter_is_no_formula_in_the_spreadsheet(told: Path) -> None:
    lines = {line["run"]: line for line in spreadsheet(told / "decode.csv")}
    assert (lines["b"]["reproduced_by"], lines["b"]["submitter"]) == ("'=A1, @C", "'+B")
    assert (lines["a"]["reproduced_by"], lines["gone"]["reproduced_by"]) == ("'+B, @C", "")


def test_a_formula_stays_as_it_is_where_nothing_runs_it(told: Path) -> None:
    submitters = pyarrow.parquet.read_table(told / "decode.parquet")["submitter"].to_pylist()
    assert {"=A1", "+B", "@C"} < set(submitters)


@FORMATS
def test_csv_and_json_agree(api: Path, name: str) -> None:
    lines, rows = spreadsheet(api / f"{name}.csv"), strict(api / f"{name}.json")
    assert len(lines) == len(rows) > 0
    for line, row in zip(lines, rows, strict=True):
        assert list(line) == list(row) == [column.name for column in columns(name)]
        for field, text in line.items():
            assert same(text, row[field]), (field, text, row[field])


def same(text: str, value: Any) -> bool:
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        return math.isclose(float(text), value, rel_tol=1e-12)
    return bool(text == value)


@FORMATS
def test_parquet_and_json_agree(api: Path, name: str) -> None:
    assert pyarrow.parquet.read_table(api / f"{name}.parquet").to_pylist() == strict(api / f"{name}.json")


@FORMATS
def test_a_parquet_field_says_its_unit_and_whether_it_may_be_null(api: Path, name: str) -> None:
    fields = pyarrow.parquet.read_schema(api / f"{name}.parquet")
    for field, column in zip(fields, columns(name), strict=True):
        said = {key.decode(): value.decode() for key, value in field.metadata.items()}
        assert (field.name, field.nullable) == (column.name, not column.required)
        assert (said["description"], said.get("unit")) == (column.description, column.unit)


def test_an_empty_text_in_csv_is_not_a_missing_one(basic: Folder) -> None:
    rows = table(basic.reported("r", "gpu-a", notes="").board().decode, "decode")
    _, line = rows.as_csv().decode().splitlines()
    assert line.startswith('"r","rows/r/","gpu-a",')
    assert ",," in line
    assert line.endswith(',""')


def test_counts_are_whole_numbers(api: Path) -> None:
    row = next(row for row in strict(api / "decode.json") if row["run"] == "second")
    counts = ("depth_tokens", "samples", "repetitions", "busy_repetitions", "rank")
    assert [type(row[name]) for name in counts] == [int] * 5


def test_a_number_beyond_a_machine_word_is_written(basic: Folder) -> None:
    huge = timing("gemm", us=1e15, shape={"m": 10**9, "n": 10**9, "k": 10**8})
    basic.reported("r", "gpu-a", None, timings(huge))
    api = written(basic.board(), basic.data, basic.root / "site")
    (row,) = strict(api / "kernels.json")
    assert row["shape_elements"] == about(1e26)
    assert row["gflop_per_s"] == about(2e8)
    (line,) = spreadsheet(api / "kernels.csv")
    assert float(line["shape_elements"]) == about(1e26)


def test_numbers_have_twelve_digits_in_every_format(basic: Folder) -> None:
    rows = table(basic.reported("r", "gpu-a", 3.0).board().decode, "decode")
    (row,) = json.loads(rows.as_json())
    assert row["tpot_ms"] == 333.333333333
    assert b",333.333333333," in rows.as_csv()


@FORMATS
def test_an_empty_table_has_its_columns(folder: Folder, name: str) -> None:
    board = folder.board()
    rows = table(board.decode if name == "decode" else board.kernels, name)
    assert json.loads(rows.as_json()) == []
    header = ",".join(f'"{column.name}"' for column in columns(name))
    assert rows.as_csv().decode().splitlines() == [header]
    assert [column.name for column in columns(name)][:2] == ["run", "card"]


def test_a_measured_row_carries_the_probe_the_check_and_what_disturbed_it(api: Path) -> None:
    row = next(row for row in strict(api / "decode.json") if row["run"] == "second")
    assert (row["probe_low_gb_per_s"], row["probe_high_gb_per_s"], row["changed_speed"]) == (100, 300, True)
    assert row["probed_share_percent"] == about(100 * (2976 + 32 * 4.5) / 30_500 / 201)
    assert (row["busy_repetitions"], row["logits_rel_l2"], row["weights"]) == (2, 0.001, "synthetic")
