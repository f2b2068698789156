"""What a line of the text is made of when it is made runnable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulators.pto.reader import Operation
from tests.simulators.pto.tile_types import Refused, Type

Values = list[Any]
CORE, CORES = -2, -1
"""Where a core finds its number, and how many there are, among the values."""
Step = Callable[[Values], None]


@dataclass(slots=True)
class Name:
    """Where a value is kept, its type, and what it is if the text says so."""

    slot: int
    type: Type
    constant: int | None = None


class Define(Protocol):
    """Gives the line's result a type, and returns where it is kept."""

    def __call__(self, kind: Type, constant: int | None = None) -> int: ...


@dataclass(frozen=True, slots=True)
class Line:
    """An operation whose operands are known."""

    operation: Operation
    given: list[Name]
    define: Define

    @property
    def types(self) -> list[Type]:
        """Those that the line writes."""
        return self.operation.types

    @property
    def slots(self) -> list[int]:
        """Where the operands are kept."""
        return [name.slot for name in self.given]


Maker = Callable[[Line], Step]


def require(holds: bool, complaint: str) -> None:
    """Refuse with ``complaint`` unless it holds."""
    if not holds:
        raise Refused(complaint)


def written(types: list[Type], given: list[Name]) -> None:
    """Refuse unless the types that a line writes are those of its operands."""
    require(len(types) == len(given), "a wrong number of types")
    for kind, name in zip(types, given, strict=True):
        require(kind == name.type, f"a value of {name.type} is called {kind}")
