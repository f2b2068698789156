"""The columns of the published tables, as ``schemas/api/`` states them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from schemas.load import schema

Kind = Literal["string", "integer", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``unit`` is that of a number, ``1`` for a count or ratio; ``required`` ones are never null."""

    name: str
    kind: Kind
    unit: str | None
    description: str
    required: bool


@cache
def columns(table: str) -> tuple[Column, ...]:
    """The columns of ``decode`` or ``kernels``, in the order in which they are published."""
    stated: dict[str, dict[str, Any]] = schema(f"api/{table}")["items"]["properties"]
    return tuple(_column(name, said) for name, said in stated.items())


def _column(name: str, said: dict[str, Any]) -> Column:
    kinds: list[Any] = [said["type"]] if isinstance(said["type"], str) else list(said["type"])
    return Column(name, kinds[0], said.get("unit"), said["description"], "null" not in kinds)
