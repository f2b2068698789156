"""The board for machines."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from generator import api as api_module
from generator.api import (
    DOWNLOADS,
    EMITTED_DOWNLOADS,
    KINDS,
    REPRODUCE_DOWNLOADS,
    SCHEMAS,
    downloads,
    write_api,
)
from schemas.parse import PARSERS
from tests.generator.conftest import NORM
from tests.generator.examples import NOTEBOOK, TASK, Folder, about, samples, timing, timings


@pytest.fixture(scope="session")
def api(built: Folder) -> Path:
    return built.layout.site / "api/v1"


def strict(path: Path) -> Any:
    """JSON as RFC 8259 has it: NaN and Infinity are none."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} in {path}")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


def test_every_download_that_a_page_offers_exists(api: Path) -> None:
    for address, said in (*DOWNLOADS, *EMITTED_DOWNLOADS, *REPRODUCE_DOWNLOADS, *SCHEMAS):
        assert (api.parent / address).is_file(), address
        assert said


def test_every_json_file_is_strict(api: Path) -> None:
    files = sorted(api.rglob("*.json"))
    assert len(files) == 5 + len(KINDS) + 9 + 2 + 1
    for path in files:
        strict(path)


def test_decode_rows_carry_every_derived_number(api: Path) -> None:
    rows = {row["run"]: row for row in strict(api / "decode.json")}
    assert set(rows) == {"top", "second", "other", "base", "ref", "gone"}
    top = rows["top"]
    assert (top["tok_per_s"], top["tpot_ms"], top["rank"]) == (about(50_000), about(0.02), 1)
    assert top["mbu_percent"] == about(100 * 2976 / 20_000 / 300)
    assert (top["times_reference"], top["times_baseline"], top["baseline_run"]) == (
        about(500),
        about(5),
        "base",
    )
    assert (rows["gone"]["retracted"], rows["gone"]["rank"], rows["ref"]["rank"]) == (True, None, None)
    assert not {"tpot_ns", "tpot_low_ns", "tpot_high_ns", "kernel_source_key"} & set(top)


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


@pytest.fixture
def told(basic: Folder) -> Path:
    """The downloads of a board with reproduced, superseded and withdrawn rows, by names that a spreadsheet runs."""
    for run, who, ns, day in (
        ("a", "=A1", 1000, 1),
        ("b", "+B", 1010, 1),
        ("old", "@C", 990, 1),
        ("c", "@C", 1020, 2),
    ):
        at = f"2026-01-0{day}T00:00:00Z"
        basic.measured(run, "gpu-a", samples([ns]), submitter=who, measured_at=at)
    basic.measured("gone", "gpu-a", samples([900]), submitter="D").retract("gone", reason="=1+1", by="-us")
    write_api(basic.board(), basic.data, basic.root / "site")
    return basic.root / "site/api"


def test_a_decode_row_carries_its_standing(told: Path) -> None:
    rows = {row["run"]: row for row in strict(told / "decode.json")}
    assert {name: (row["standing"], row["superseded_by"]) for name, row in rows.items()} == {
        "a": ("reproduced", None), "b": ("reproduced", None), "c": ("reproduced", None), "old": ("measured", "c"),
        "gone": ("measured", None),
    }  # fmt: skip
    assert (rows["b"]["reproduced_within"], rows["b"]["reproduced_others"], rows["b"]["reproduced_by"]) == (
        2,
        2,
        "=A1, @C",
    )
    assert rows["b"]["reproduced_low_percent"] == about(100 * (1010 / 1020 - 1))
    assert rows["b"]["reproduced_high_percent"] == about(1)
    assert [
        rows["gone"][name] for name in ("reproduced_within", "reproduced_low_percent", "reproduced_by")
    ] == [None] * 3


def test_a_submitter_is_no_formula_in_the_spreadsheet(told: Path) -> None:
    with (told / "decode.csv").open(newline="", encoding="utf-8") as file:
        lines = {line["run"]: line for line in csv.DictReader(file)}
    assert (lines["b"]["reproduced_by"], lines["b"]["submitter"]) == ("'=A1, @C", "'+B")
    assert (lines["a"]["reproduced_by"], lines["gone"]["reproduced_by"]) == ("'+B, @C", "")


def test_the_ledger_has_what_was_withdrawn_and_what_was_superseded(told: Path) -> None:
    where = {"device": "gpu-a", "address": "api/v1/runs/gone.json", "path": "data/results/gpu-a/gone.json"}
    old = {"address": "api/v1/runs/old.json", "path": "data/results/gpu-a/old.json"}
    assert strict(told / "ledger.json") == {
        "withdrawn": [{"run": "gone", "date": "2026-01-31", "by": "-us", "reason": "=1+1", **where}],
        "superseded": [{"run": "old", "superseded_by": "c", "submitter": "@C", "measured_at": "2026-01-01T00:00:00Z",
                        **where, **old}],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["decode", "kernels"])
def test_csv_and_json_agree(api: Path, name: str) -> None:
    with (api / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = strict(api / f"{name}.json")
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert list(line) == list(row)
        for field, text in line.items():
            assert same(text, row[field]), (field, text, row[field])


def same(text: str, value: Any) -> bool:
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value)
    if isinstance(value, int | float):
        return math.isclose(float(text), value, rel_tol=1e-6, abs_tol=1e-8)
    return bool(text == value)


def test_devices_and_models_are_whole(api: Path, built: Folder) -> None:
    devices = {device["id"]: device for device in strict(api / "devices.json")}
    assert set(devices) == {"gpu-a", "gpu-b", "no-rows"}
    assert devices["gpu-a"]["peak_bandwidth"]["source"]["url"] == "https://example.org/page"
    assert devices["no-rows"]["peak_bandwidth"] is None
    (model,) = strict(api / "models.json")
    assert model == PARSERS[".yml"]((built.data / "models/tiny.yml").read_bytes())


def test_a_measured_row_carries_the_probe_the_check_and_what_disturbed_it(api: Path) -> None:
    row = next(row for row in strict(api / "decode.json") if row["run"] == "second")
    assert (row["probe_low_gb_per_s"], row["probe_high_gb_per_s"], row["changed_speed"]) == (100, 300, True)
    assert row["probed_share_percent"] == about(100 * (2976 + 32 * 4.5) / 30_500 / 201)
    assert (row["busy_repetitions"], row["logits_rel_l2"], row["weights"]) == (2, 0.001, "synthetic")
    assert "probe_bytes_in_tpot" not in row


def test_a_kernel_row_names_its_text_and_the_language_that_it_is_in(api: Path, built: Folder) -> None:
    row = next(row for row in strict(api / "kernels.json") if row["run"] == "second")
    index = strict(api / "emitted/index.json")
    (entry,) = (one for one in index["kernels"] if one["sha256"] == row["emitted_sha256"])
    assert (entry["kernel"], entry["target"]) == ("norm", row["emitted_target"]) == ("norm", "lang-a")
    published = (api / "emitted" / entry["path"]).read_bytes()
    assert published == (built.data / "emitted" / entry["path"]).read_bytes() == NORM.encode()


def test_without_emitted_texts_there_is_nothing_to_offer(basic: Folder) -> None:
    board = basic.reported("r", "gpu-a", 7.0).board()
    write_api(board, basic.data, basic.root / "site")
    assert not (basic.root / "site/api/v1/emitted").exists()
    assert downloads(board) == DOWNLOADS
    assert downloads(basic.emitted({("norm", "lang-a"): "x\n"}).board()) == (*DOWNLOADS, EMITTED_DOWNLOADS[0])


def test_a_run_is_its_file_byte_for_byte(api: Path, built: Folder) -> None:
    index = strict(api / "runs/index.json")
    assert {entry["id"] for entry in index} == {
        "top", "second", "other", "base", "ref", "gone", "micro-a", "micro-b",
    }  # fmt: skip
    for entry in index:
        published = (api.parent / entry["address"]).read_bytes()
        assert published == (built.root / entry["path"]).read_bytes()
        row = json.loads(published)
        assert (entry["device"], entry["provenance"]) == (row["device"], row["provenance"])


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("device", "devices/gpu-a.md"),
        ("model", "models/tiny.yml"),
        ("kernel", "kernels/norm.md"),
        ("result", "reported/page/top.json"),
        ("result", "results/gpu-b/second.json"),
        ("retracted", "retracted.yml"),
        ("emitted", "emitted/index.json"),
        ("proof", "emitted/proof.json"),
    ],
)
def test_a_downloaded_schema_judges_on_its_own(api: Path, built: Folder, kind: str, place: str) -> None:
    """Plain jsonschema, no registry, no network: the shared definitions are inside."""
    schema = strict(api / "schemas" / f"{kind}.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    path = built.data / place
    data = PARSERS[path.suffix](path.read_bytes())
    validator.validate(data)
    assert list(validator.iter_errors(data | {"surprise": 1}))
    if "id" in data:
        assert list(validator.iter_errors(data | {"id": "NOT AN ID"}))


def frames(folder: Folder, name: str) -> dict[str, bytes]:
    """The frames as they are written below ``name``, with a cache that all names share."""
    board = folder.board()
    write_api(board, folder.data, folder.root / name, folder.root / "cache")
    return {path.name: path.read_bytes() for path in (folder.root / name / "api/v1").iterdir() if path.is_file()}


def test_frames_of_known_data_come_from_the_cache(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = frames(whole, "first")
    monkeypatch.setattr(api_module, "_write_frame", None)
    assert frames(whole, "second") == first
    assert {"decode.csv", "decode.json", "kernels.csv", "kernels.json"} < first.keys()


def test_frames_of_other_data_do_not(whole: Folder) -> None:
    first = frames(whole, "first")
    second = frames(whole.reported("another", "gpu-a", 7.0), "second")
    assert b"another" in second["decode.json"]
    assert second["kernels.csv"] == first["kernels.csv"]
    whole.retract("gone", "top")
    assert frames(whole, "third")["decode.csv"] != second["decode.csv"]
    assert len(list((whole.root / "cache/api").iterdir())) == 1


def test_a_copy_into_the_cache_that_was_cut_short_is_not_used(
    whole: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(api_module, "_link", _fails)
        with pytest.raises(shutil.Error, match="disk full"):
            frames(whole, "first")
    assert "decode.csv" in frames(whole, "second")


def _fails(*_: object) -> None:
    raise OSError("disk full")


def test_an_empty_board_is_empty_lists(folder: Folder) -> None:
    write_api(folder.board(), folder.data, folder.root / "site")
    for name in ("decode", "kernels", "devices", "models", "runs/index"):
        assert strict(folder.root / "site/api" / f"{name}.json") == []
    header = (folder.root / "site/api/v1/decode.csv").read_text().splitlines()
    assert len(header) == 1
    assert strict(folder.root / "site/api/v1/ledger.json") == {"withdrawn": [], "superseded": []}
    assert header[0].startswith("run,model,dtype,")


def test_a_number_beyond_a_machine_word_is_written(basic: Folder) -> None:
    huge = timing("gemm", us=1e15, shape={"m": 10**9, "n": 10**9, "k": 10**8})
    basic.reported("r", "gpu-a", None, timings(huge))
    write_api(basic.board(), basic.data, basic.root / "site")
    (row,) = strict(basic.root / "site/api/v1/kernels.json")
    assert row["shape_elements"] == about(1e26)
    assert row["gflop_per_s"] == about(2e8)


def test_notebooks_and_tasks_lie_beside_their_index(api: Path, built: Folder) -> None:
    there = {path.name: path.read_text() for path in (api / "reproduce").iterdir()}
    index = (built.data / "reproduce/index.json").read_text()
    assert there == {"index.json": index, "no-rows.ipynb": NOTEBOOK, "no-rows.sky.yaml": TASK}
    assert strict(api / "schemas/reproduce.schema.json")["$id"] == "urn:decode-board:reproduce:1"


def test_instructions_are_offered_where_there_are_some(basic: Folder) -> None:
    assert not set(REPRODUCE_DOWNLOADS) & set(downloads(basic.board()))
    assert set(REPRODUCE_DOWNLOADS) <= set(downloads(basic.instructions().board()))
