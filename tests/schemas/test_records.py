"""The dataclasses and the JSON schemas say the same."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from schemas import records
from schemas.load import KINDS, schema

KIND_OF_RECORD = {kind.name: kind.record for kind in KINDS.values()}
SCHEMAS = [*KIND_OF_RECORD, "common"]
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def resolved(node: dict[str, Any], name: str) -> dict[str, Any]:
    """``node`` itself, or the definition that it refers to."""
    while "$ref" in node:
        whole, _, pointer = node["$ref"].partition("#/")
        base = schema(whole.split(":")[2] if whole else name)
        for part in pointer.split("/"):
            base = base[part]
        node = base
    return node


def home(node: dict[str, Any], name: str) -> str:
    """The schema that the references inside of ``node`` mean."""
    return node["$ref"].split(":")[2] if node.get("$ref", "").startswith("urn:") else name


def outline_of_schema(node: dict[str, Any], name: str) -> Any:
    """The construct of a schema as nested tuples of plain words."""
    node, name = resolved(node, name), home(node, name)
    if "anyOf" in node:
        branches = [outline_of_schema(branch, name) for branch in node["anyOf"]]
        if "null" in branches:
            (other,) = [branch for branch in branches if branch != "null"]
            return ("or null", other)
        return ("either", frozenset("string" if branch[0] == "one of" else branch for branch in branches))
    if "enum" in node or "const" in node:
        return ("one of", frozenset(node.get("enum", [node.get("const")])))
    if isinstance(node["type"], list):
        kind, null = node["type"]
        assert null == "null"
        return ("or null", kind)
    if node["type"] == "array":
        return ("list of", outline_of_schema(node["items"], name))
    if node["type"] == "object" and "properties" not in node:
        return ("map of", outline_of_schema(node["additionalProperties"], name))
    if node["type"] == "object":
        return ("object", tuple(node["properties"]))
    return node["type"]


def outline_of_type(hint: Any) -> Any:
    """The construct of a type annotation in the words of :func:`outline_of_schema`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        branches = [outline_of_type(branch) for branch in inner if branch is not type(None)]
        if len(branches) == len(inner):
            return ("either", frozenset(branches))
        (other,) = branches
        return ("or null", other)
    if origin is Literal:
        return ("one of", frozenset(inner))
    if origin is tuple:
        assert inner[1] is ..., hint
        return ("list of", outline_of_type(inner[0]))
    if origin is dict:
        assert inner[0] is str, hint
        return ("map of", outline_of_type(inner[1]))
    if is_dataclass(hint):
        return ("object", tuple(field.name for field in fields(hint)))
    return PLAIN[hint]


def pairs(
    node: dict[str, Any], hint: Any, name: str, at: str
) -> Iterator[tuple[str, dict[str, Any], type[Any], str]]:
    """Every object below a schema with its dataclass: where it stands, both, and its schema's name."""
    node, name = resolved(node, name), home(node, name)
    for branch in node.get("anyOf", []):
        yield from pairs(branch, hint, name, at)
    if node.get("type") == "array":
        yield from pairs(node["items"], hint, name, f"{at}[]")
    record = next((part for part in parts(hint) if is_dataclass(part)), None)
    if "properties" in node:
        assert isinstance(record, type), f"{at} has no dataclass"
        yield at, node, record, name
        hints = get_type_hints(record)
        for key, value in node["properties"].items():
            yield from pairs(value, hints.get(key), name, f"{at}.{key}")


def parts(hint: Any) -> Iterator[Any]:
    """An annotation and all that stands inside of it."""
    yield hint
    for inner in get_args(hint):
        yield from parts(inner)


def nodes(node: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in a schema, with the place where it stands."""
    if isinstance(node, dict):
        yield at, node
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from nodes(value, f"{at}/{key}")


OBJECTS = [
    pytest.param(node, record, name, id=at)
    for kind, whole in KIND_OF_RECORD.items()
    for at, node, record, name in pairs(schema(kind), whole, kind, kind)
]
over_objects = pytest.mark.parametrize(("node", "record", "name"), OBJECTS)
over_schemas = pytest.mark.parametrize("name", SCHEMAS)


@over_objects
def test_an_object_has_the_fields_of_its_dataclass_in_their_order(
    node: dict[str, Any], record: type[Any], name: str
) -> None:
    assert list(node["properties"]) == [field.name for field in fields(record)], name


@over_objects
def test_every_property_is_required_but_those_that_older_files_lack(
    node: dict[str, Any], record: type[Any], name: str
) -> None:
    younger = {field.name for field in fields(record) if field.default is not MISSING}
    assert sorted(node["required"]) == sorted(set(node["properties"]) - younger), (record, name)


@over_objects
def test_a_property_has_the_type_of_its_field(node: dict[str, Any], record: type[Any], name: str) -> None:
    hints = get_type_hints(record)
    for key, value in node["properties"].items():
        if key != "schema":
            assert outline_of_schema(value, name) == outline_of_type(hints[key]), key


@over_objects
def test_no_other_property_is_let_in(node: dict[str, Any], record: type[Any], name: str) -> None:
    assert node["type"] == "object", (record, name)
    assert node["additionalProperties"] is False


@over_objects
def test_a_record_cannot_be_changed(node: dict[str, Any], record: type[Any], name: str) -> None:
    assert record.__dataclass_params__.frozen, (node, name)


@pytest.mark.parametrize("kind", KIND_OF_RECORD)
def test_a_record_names_its_schema_and_version(kind: str) -> None:
    assert schema(kind)["properties"]["schema"] == {"const": f"decode-board/{kind}/1"}
    assert get_type_hints(KIND_OF_RECORD[kind])["schema"] is str


@over_schemas
def test_every_schema_is_valid_draft_2020_12(name: str) -> None:
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema(name))


@over_schemas
def test_the_address_of_a_schema_carries_its_version(name: str) -> None:
    assert schema(name)["$id"] == f"urn:decode-board:{name}:1"


@over_schemas
def test_every_definition_of_an_object_has_a_dataclass(name: str) -> None:
    defined = {
        at
        for at, node in nodes(schema(name).get("$defs", {}), name)
        if node.get("additionalProperties") is False
    }
    held = [value for param in OBJECTS for value in [param.values[0]]]
    known = {
        at for at, node in nodes(schema(name).get("$defs", {}), name) if any(node is one for one in held)
    }
    assert defined == known


def test_every_dataclass_stands_in_a_schema() -> None:
    declared = {value for value in vars(records).values() if isinstance(value, type) and is_dataclass(value)}
    assert {param.values[1] for param in OBJECTS} == declared


@over_schemas
def test_every_reference_leads_to_a_definition(name: str) -> None:
    for at, node in nodes(schema(name), name):
        if isinstance(node.get("$ref"), str):
            assert isinstance(resolved(node, name), dict), at


@over_schemas
def test_every_pattern_holds_from_start_to_end(name: str) -> None:
    for at, node in nodes(schema(name), name):
        if isinstance(node.get("pattern"), str):
            assert node["pattern"].startswith("^"), at
            assert node["pattern"].endswith("$"), at


@over_schemas
def test_every_list_and_every_free_text_is_bounded(name: str) -> None:
    for at, node in nodes(schema(name), name):
        if node.get("type") == "array" and "items" in node:
            assert node["maxItems"] <= 100_000, at
        if node.get("type") == "string" and ("*" in node.get("pattern", "*") or "+" in node["pattern"]):
            assert node["maxLength"] <= 20_000, at
