"""The files below api/v1/."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from schemas.parse import PARSERS
from tests.generator.api.conftest import written
from tests.generator.api.reading import strict
from tests.generator.conftest import NORM
from tests.generator.examples import NOTEBOOK, TASK, Folder


def test_every_json_file_is_strict(api: Path) -> None:
    files = sorted(api.rglob("*.json"))
    assert {path.parent.name for path in files} == {"v1", "runs", "emitted", "reproduce", "schemas"}
    for path in files:
        strict(path)


def test_the_ledger_has_what_was_withdrawn_and_what_was_superseded(told: Path) -> None:
    def where(run: str) -> dict[str, str]:
        return {"device": "gpu-a", "card": f"rows/{run}/", "address": f"api/v1/runs/{run}.json",
                "path": f"data/results/gpu-a/{run}.json"}  # fmt: skip

    assert strict(told / "ledger.json") == {
        "withdrawn": [{"run": "gone", "date": "2026-01-31", "by": "-us", "reason": "=1+1", **where("gone")}],
        "superseded": [{"run": "old", "superseded_by": "c", "submitter": "@C", "measured_at": "2026-01-01T00:00:00Z",
                        **where("old")}],
    }  # fmt: skip


def test_devices_and_models_are_whole(api: Path, built: Folder) -> None:
    devices = {device["id"]: device for device in strict(api / "devices.json")}
    assert set(devices) == {"gpu-a", "gpu-b", "no-rows"}
    assert devices["gpu-a"]["peak_bandwidth"]["source"]["url"] == "https://example.org/page"
    assert devices["no-rows"]["peak_bandwidth"] is None
    (model,) = strict(api / "models.json")
    assert model == PARSERS[".yml"]((built.data / "models/tiny.yml").read_bytes())


def test_a_kernel_row_names_its_text_and_the_language_that_it_is_in(api: Path, built: Folder) -> None:
    row = next(row for row in strict(api / "kernels.json") if row["run"] == "second")
    index = strict(api / "emitted/index.json")
    (entry,) = (one for one in index["kernels"] if one["sha256"] == row["emitted_sha256"])
    assert (entry["kernel"], entry["target"]) == ("norm", row["emitted_target"]) == ("norm", "lang-a")
    published = (api / "emitted" / entry["path"]).read_bytes()
    assert published == (built.data / "emitted" / entry["path"]).read_bytes() == NORM.encode()


def test_without_emitted_texts_and_instructions_there_are_no_folders_of_them(basic: Folder) -> None:
    api = written(basic.reported("r", "gpu-a", 7.0).board(), basic.data, basic.root / "site")
    assert {path.name for path in api.iterdir() if path.is_dir()} == {"runs", "schemas"}


def test_a_run_is_its_file_byte_for_byte(site: Path, built: Folder) -> None:
    index = strict(site / "api/v1/runs/index.json")
    assert {entry["id"] for entry in index} == {
        "top", "second", "other", "base", "ref", "gone", "micro-a", "micro-b",
    }  # fmt: skip
    for entry in index:
        published = (site / entry["address"]).read_bytes()
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
        ("reproduce", "reproduce/index.json"),
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


def test_an_empty_board_is_empty_lists(folder: Folder) -> None:
    api = written(folder.board(), folder.data, folder.root / "site")
    for name in ("decode", "kernels", "devices", "models", "runs/index"):
        assert strict(api / f"{name}.json") == []
    assert strict(api / "ledger.json") == {"withdrawn": [], "superseded": []}


def test_notebooks_and_tasks_lie_beside_their_index(api: Path, built: Folder) -> None:
    there = {path.name: path.read_text() for path in (api / "reproduce").iterdir()}
    index = (built.data / "reproduce/index.json").read_text()
    assert there == {"index.json": index, "no-rows.ipynb": NOTEBOOK, "no-rows.sky.yaml": TASK}
