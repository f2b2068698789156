"""The schemas of the tables, held against the frames, their names, and what is published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from generator.api.catalogue import SCHEMAS, TABLES, downloads
from generator.api.columns import columns
from generator.tables import Board
from schemas.load import schema
from tests.generator.api.reading import strict
from tests.generator.examples import Folder

ROWS = ("decode", "kernels")
# Columns of the frames that are nobody else's: published in another unit, or keys of ours.
PRIVATE = {
    "decode": {"tpot_ns", "tpot_low_ns", "tpot_high_ns", "tpot_p90_ns", "tpot_p99_ns", "probe_bytes_in_tpot",
               "kernel_source_key"},
    "kernels": {"latency_ns", "low_ns", "high_ns", "index", "contest", "rank_of", "kernel_source_key"},
}  # fmt: skip
IN_NAMES = {"tok/s": r"tok_per_s", "GB/s": r"gb_per_s", "GFLOP/s": r"gflop_per_s", "ms": r"_ms$", "µs": r"_us$",
            "s": r"_s$", "%": r"_percent$", "byte": r"^bytes_", "token": r"_tokens$"}  # fmt: skip


def unit_in(name: str) -> str | None:
    """The unit that a column's name says."""
    return next((unit for unit, pattern in IN_NAMES.items() if re.search(pattern, name)), None)


@pytest.mark.parametrize("name", ROWS)
def test_every_column_of_a_frame_is_public_or_known_to_be_private(built: Folder, name: str) -> None:
    board = built.board()
    frame = set(board.decode if name == "decode" else board.kernels)
    public = {column.name for column in columns(name)}
    assert frame - public == PRIVATE[name]
    assert public - frame == {"card"}


@pytest.mark.parametrize("name", ROWS)
def test_every_number_has_its_unit_in_its_name(name: str) -> None:
    for column in columns(name):
        said = unit_in(column.name)
        number = column.kind in {"number", "integer"}
        assert column.unit == (said or "1" if number else None), column.name


def test_a_name_says_one_unit_or_none() -> None:
    """So that the test above can fail."""
    names = (
        "peak_gb_per_s",
        "compile_s",
        "tok_per_s_low",
        "tpot_ms",
        "first_divergence_step",
        "calls_per_token",
    )
    assert [unit_in(name) for name in names] == ["GB/s", "s", "tok/s", "ms", None, None]


@pytest.mark.parametrize("name", [name for name in TABLES if name not in {"devices", "models"}])
def test_every_property_is_required_described_and_alone(name: str) -> None:
    objects = list(_objects(schema(f"api/{name}")))
    assert objects
    for one in objects:
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
        for said in one["properties"].values():
            assert said["type"]
            assert said["description"]


def _objects(node: Any) -> Any:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for inner in node.values():
            yield from _objects(inner)


def _judged(site: Path, board: Board) -> list[str]:
    """The addresses of the downloads that pass the schemas published beside them."""
    passed = []
    for one in downloads(board):
        if one.schema and one.media_type == "application/json" and "<" not in one.address:
            validator = jsonschema_rs.validator_for(strict(site / one.schema), validate_formats=True)
            errors = [
                f"{error.message} at {error.instance_path}"
                for error in validator.iter_errors(strict(site / one.address))
            ]
            assert not errors, (one.address, errors[:3])
            passed.append(one.address)
    return passed


def test_the_real_downloads_pass_their_schemas(real: tuple[Board, Path]) -> None:
    board, api = real
    assert len(_judged(api.parents[1], board)) == 10


def test_the_downloads_of_one_of_everything_pass_their_schemas(site: Path, built: Folder) -> None:
    assert len(_judged(site, built.board())) == 10


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"run": None}, {"depth_tokens": 1.5}, {"provenance": "heard"}, {"quick": "no"}],
)
def test_a_row_that_is_otherwise_is_refused(api: Path, name: str, change: dict[str, Any]) -> None:
    validator = jsonschema_rs.validator_for(strict(api / "schemas" / f"{name}.schema.json"))
    row = strict(api / f"{name}.json")[0]
    assert validator.is_valid([row])
    assert not validator.is_valid([row | change])
    assert not validator.is_valid([{key: value for key, value in row.items() if key != "card"}])


def test_a_published_schema_of_a_table_needs_no_other_file(api: Path) -> None:
    devices = strict(api / "devices.json")
    validator = jsonschema_rs.validator_for(strict(api / "schemas/devices.schema.json"))
    assert validator.is_valid(devices)
    assert not validator.is_valid([devices[0] | {"type": "toaster"}])
    assert len(SCHEMAS) == len(list((api / "schemas").iterdir()))
