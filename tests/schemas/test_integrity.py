"""The seal of a result covers all but its notes, and no way of writing it matters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.integrity import UNSEALED, seal, seal_problems
from schemas.parse import parse_json
from tests.schemas import examples


def sealed(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = parse_json(json.dumps(examples.measured()).encode())
    return {**data, "integrity": seal(data)} | changes


@pytest.mark.parametrize("name", sorted({*examples.measured()} - UNSEALED))
def test_every_field_is_sealed(name: str) -> None:
    (problem,) = seal_problems(sealed(**{name: "another"}), "a.json")
    assert (problem.path, problem.field, problem.rule) == ("a.json", "integrity", "integrity")
    assert "as the runner wrote it" in problem.remedy


def test_notes_may_be_written_by_a_person() -> None:
    assert list(seal_problems(sealed(notes="The host was warm."), "a.json")) == []


def test_a_number_and_an_order_of_fields_may_be_written_in_any_way() -> None:
    data = examples.measured()
    data["environment"]["memory_bytes"] = 1024
    written = json.dumps(dict(reversed(data.items())), indent=3).replace("1024", "1.024e3")
    assert seal(parse_json(written.encode())) == seal(parse_json(json.dumps(data).encode()))


def test_a_result_without_a_seal_has_nothing_to_break() -> None:
    assert list(seal_problems(examples.measured() | {"integrity": None}, "a.json")) == []
    assert list(seal_problems(examples.measured(), "a.json")) == []
