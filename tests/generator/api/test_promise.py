"""What v1 promises: ``v1.yml`` says which addresses, columns and types there are, and none of them goes away."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.api.catalogue import TABLES
from schemas.load import schema
from tests.generator.api.test_catalogue import example

PROMISED: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("v1.yml").read_text("utf-8"))


def broken(promised: dict[str, Any], found: dict[str, Any], site: Path) -> list[str]:
    """What was promised and is not there, or is another thing now."""
    gone = [address for address in promised["addresses"] if not (site / example(address)).exists()]
    return gone + [
        f"{table}: {column} was {kind}, is {found.get(table, {}).get(column, 'gone')}"
        for table, columns in promised["columns"].items()
        for column, kind in columns.items()
        if found.get(table, {}).get(column) != kind
    ]


def kinds(node: dict[str, Any], base: dict[str, Any], name: str = "") -> Iterator[tuple[str, str]]:
    """Each property of a schema, as ``peak_bandwidth.gb_per_s`` or ``withdrawn[].run``, with its JSON types."""
    choices = [_resolved(one, base) for one in node.get("anyOf", [node])]
    if name:
        yield name, " | ".join(dict.fromkeys(kind for one, _ in choices for kind in _types(one)))
    for one, its_base in choices:
        for key, inner in one.get("properties", {}).items():
            yield from kinds(*_resolved(inner, its_base), f"{name}.{key}" if name else key)
        if "items" in one:
            yield from kinds(*_resolved(one["items"], its_base), f"{name}[]" if name else "")


def _resolved(node: dict[str, Any], base: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    while "$ref" in node:
        urn, _, pointer = node["$ref"].partition("#")
        node = base = schema(urn.split(":")[2]) if urn else base
        for part in pointer.split("/")[1:]:
            node = node[part]
    return node, base


def _types(node: dict[str, Any]) -> list[str]:
    if "type" in node:
        return [node["type"]] if isinstance(node["type"], str) else node["type"]
    values = node["enum"] if "enum" in node else [node["const"]]
    return [{str: "string", int: "integer", bool: "boolean", type(None): "null"}[type(one)] for one in values]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, str]]:
    """Every column of every table, with its type, as the schemas state them now."""
    return {name: dict(kinds(schema(f"api/{name}"), schema(f"api/{name}"))) for name in TABLES}


def test_nothing_that_v1_promised_is_gone_or_another(found: dict[str, Any], site: Path) -> None:
    assert broken(PROMISED, found, site) == []
    assert set(PROMISED["columns"]) == set(TABLES)


def test_what_is_added_breaks_no_promise(found: dict[str, Any], site: Path) -> None:
    more = copy.deepcopy(found)
    more["decode"]["colour"] = "string"
    more["another"] = {"run": "string"}
    assert broken(PROMISED, more, site) == []


@pytest.mark.parametrize("table", TABLES)
def test_every_column_that_goes_or_changes_is_told(found: dict[str, Any], site: Path, table: str) -> None:
    for column, kind in PROMISED["columns"][table].items():
        less, other = copy.deepcopy(found), copy.deepcopy(found)
        del less[table][column]
        other[table][column] = "boolean" if kind != "boolean" else "string"
        assert broken(PROMISED, less, site) == [f"{table}: {column} was {kind}, is gone"]
        assert broken(PROMISED, other, site) == [f"{table}: {column} was {kind}, is {other[table][column]}"]


def test_a_table_that_goes_is_told(found: dict[str, Any], site: Path) -> None:
    less = {name: columns for name, columns in found.items() if name != "runs"}
    assert len(broken(PROMISED, less, site)) == len(PROMISED["columns"]["runs"])


def test_every_address_that_goes_is_told(found: dict[str, Any], tmp_path: Path) -> None:
    assert broken(PROMISED, found, tmp_path) == PROMISED["addresses"]
