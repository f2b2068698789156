"""A function of the dialect made runnable: every name defined before its use, every type the one written there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulators.pto import places, scalars
from tests.simulators.pto.lines import Line, Name, Step, Values, require, written
from tests.simulators.pto.memory import Buffer
from tests.simulators.pto.reader import Function, Operation
from tests.simulators.pto.tile_types import Refused, TileType, Type
from tests.simulators.pto.vector import RULES

BUFFER_BYTES = 184 << 10
"""The unified buffer of an a3 has 192 KB; from 184 on it is scratch of the instruction set's library."""
MAKERS = {**scalars.MAKERS, **places.MAKERS}
Scope = dict[str, Name]
Steps = list[tuple[Step, str]]


@dataclass(slots=True)
class Program:
    """``steps`` work on a list of ``size`` values, of which the first are the parameters, in order."""

    function: Function
    size: int = 0
    steps: Steps = field(default_factory=list)

    def __post_init__(self) -> None:
        scope: Scope = {}
        for name, kind in self.function.parameters.items():
            self.define(name, scope, kind)
        taken = sum(kind.bytes for kind in _allocated(self.function.body))
        if taken > BUFFER_BYTES:
            raise Refused(f"the tiles take {taken} bytes of {BUFFER_BYTES}")
        self.steps = self.block(self.function.body, scope)

    def run(self, arguments: Sequence[Any], block: int, blocks: int) -> None:
        """One core's work on arrays and the capacity."""
        execute(self.steps, [*arguments, *([None] * (self.size - len(arguments))), block, blocks])

    def define(self, name: str, scope: Scope, kind: Type, constant: int | None = None) -> int:
        """A place for the value of this name."""
        require(name not in scope, f"{name} is defined twice")
        scope[name] = Name(self.size, kind, constant)
        self.size += 1
        return self.size - 1

    def block(self, operations: list[Operation], outer: Scope) -> Steps:
        """The steps of a region, which sees the names around it."""
        scope, steps = dict(outer), []
        for operation in operations:
            try:
                steps.append((self.step(operation, scope), operation.line))
            except Refused as error:
                raise Refused(error.args[0], *(error.args[1:] or (operation.line,))) from None
        return steps

    def step(self, operation: Operation, scope: Scope) -> Step:
        """One operation."""
        for name in operation.operands:
            require(name in scope, f"{name} is not defined here")
        line = Line(
            operation,
            [scope[name] for name in operation.operands],
            partial(self.define, operation.result or "nothing", scope),
        )
        if operation.name == "scf.for":
            return self.loop(line, scope)
        if operation.name == "return":
            return lambda _: None
        if operation.name == "pto.barrier":
            return lambda _: Buffer.barrier()
        if operation.name in RULES:
            return _vector(line)
        require(operation.name in MAKERS, f"no operation {operation.name}")
        return MAKERS[operation.name](line)

    def loop(self, line: Line, scope: Scope) -> Step:
        """``scf.for``"""
        written(["index"] * 3, line.given)
        start, stop, step = line.slots
        inner = dict(scope)
        variable = self.define(str(line.operation.result), inner, "index")
        body = self.block(line.operation.body, inner)

        def run(values: Values) -> None:
            for place in range(values[start], values[stop], values[step]):
                values[variable] = place
                execute(body, values)

        return run


def _allocated(operations: list[Operation]) -> Iterator[TileType]:
    for operation in operations:
        if operation.name == "pto.alloc_tile" and isinstance(operation.types[0], TileType):
            yield operation.types[0]
        yield from _allocated(operation.body)


def _vector(line: Line) -> Step:
    rule, slots = RULES[line.operation.name], line.slots
    parts = [part.split(" = ", 1) for part in line.operation.attributes.split(", ") if part]
    attributes = {part[0]: part[-1] for part in parts}
    written(line.types, line.given)
    require(set(attributes) <= set(rule.attributes), "an attribute that it does not have")
    rule.check(line.types)
    run = partial(rule.run, **attributes)
    return lambda values: run(*[values[slot] for slot in slots])


def execute(steps: Steps, values: Values) -> None:
    """Run the steps in order; what one refuses is said with its line."""
    for step, line in steps:
        try:
            step(values)
        except Refused as error:
            raise Refused(error.args[0], *(error.args[1:] or (line,))) from None
