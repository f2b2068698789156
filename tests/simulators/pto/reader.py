"""Reads PTO-MLIR as it is emitted: one operation a line, type aliases, loops and conditions in braces.

What comes out is a tree of :class:`Operation`; names are resolved and types compared by
:mod:`tests.simulators.pto.program`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.simulators.pto.types import Refused, Type, parse


@dataclass(slots=True)
class Operation:
    """``results = name(operands)``; ``types`` are those written at the operands, then those of results.

    ``outs`` says how many of the operands, the last ones, are written. ``attributes`` as they are spelled.
    """

    name: str
    operands: list[str]
    types: list[Type]
    line: str
    result: str | None = None
    outs: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    body: list[Operation] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """``parameters``: name to type."""

    name: str
    parameters: dict[str, Type]
    body: list[Operation]


_FUNCTION = re.compile(
    r"func\.func @(\w+)\(([^)]*)\) attributes \{pto\.kernel_kind = #pto\.kernel_kind<vector>\} \{"
)
_ALIAS = re.compile(r"!(\w+) = (!pto\..*)")
_RESULT = re.compile(r"(%\w+) = (.*)")
_NAMES = r"%\w+(?:, %\w+)*"
_TYPE = r"(?:!?[\w.]+(?:<[^>]*>)?)"
_TYPES = rf"{_TYPE}(?:, {_TYPE})*"
_ATTRIBUTES = r"(?: ?\{([^}]*)\})?"
_FORMS = (
    ("ins", re.compile(rf"(pto\.\w+) ins\(({_NAMES}){_ATTRIBUTES} : ({_TYPES})\) outs\((%\w+) : ({_TYPE})\)")),
    ("getval", re.compile(rf"(pto\.tgetval) ins\(({_NAMES}) : ({_TYPES})\) outs : ({_TYPE})")),
    ("tensor", re.compile(rf"(pto\.make_tensor_view) (%\w+), shape = \[({_NAMES})\], strides = \[({_NAMES})\] : ({_TYPE})")),
    ("window", re.compile(rf"(pto\.partition_view) (%\w+), offsets = \[({_NAMES})\], sizes = \[({_NAMES})\] : ({_TYPE}) -> ({_TYPE})")),
    ("alloc", re.compile(rf"(pto\.alloc_tile) : ({_TYPE})")),
    ("subset", re.compile(rf"(pto\.subset) (%\w+)\[({_NAMES})\] sizes \[([\d, ]+)\] : ({_TYPE})")),
    ("valid", re.compile(rf"(pto\.set_validshape) ({_NAMES}) : ({_TYPE})")),
    ("load", re.compile(rf"(pto\.load_scalar) (%\w+)\[(%\w+)\] : ({_TYPE}) -> ({_TYPE})")),
    ("convert", re.compile(rf"(pto\.treshape) (%\w+) : ({_TYPE}) -> ({_TYPE})")),
    ("convert", re.compile(rf"(arith\.\w+) (%\w+) : ({_TYPE}) to ({_TYPE})")),
    ("constant", re.compile(rf"(arith\.constant) (\S+) : ({_TYPE})")),
    ("plain", re.compile(rf"(arith\.\w+) ({_NAMES}) : ({_TYPE})")),
    ("core", re.compile(r"(pto\.get_block_(?:idx|num))")),
    ("for", re.compile(r"(scf\.for) (%\w+) = (%\w+) to (%\w+) step (%\w+) \{")),
    ("return", re.compile(r"(return)")),
)  # fmt: skip


def read(text: str) -> Function:
    """The only function of the module.

    Raises:
        Refused: a line is of no known form.
    """
    lines = [line for raw in text.splitlines() if (line := raw.split("//")[0].strip())]
    aliases: dict[str, str] = {}
    while lines and (found := _ALIAS.fullmatch(lines[0])):
        aliases[f"!{found[1]}"] = found[2]
        lines.pop(0)
    if len(lines) < 4 or lines[0] != 'module attributes {pto.target_arch = "a3"} {' or lines[-2:] != ["}", "}"]:
        raise Refused("not a module of one function for the a3")
    if not (found := _FUNCTION.fullmatch(lines[1])):
        raise Refused(f"not a function: {lines[1]}")
    reader = _Reader(aliases)
    given = (part.split(": ") for part in found[2].split(", "))
    parameters = {name: reader.type(kind) for name, kind in given}
    return Function(found[1], parameters, reader.block(lines[2:-2]))


@dataclass(slots=True)
class _Reader:
    aliases: dict[str, str]

    def type(self, text: str) -> Type:
        return parse(self.aliases.get(text, text))

    def types(self, text: str) -> list[Type]:
        return [self.type(part) for part in re.findall(_TYPE, text)]

    def block(self, lines: list[str]) -> list[Operation]:
        found, place = [], 0
        while place < len(lines):
            operation = self.operation(lines[place])
            place += 1
            if operation.name == "scf.for":
                end = _closing(lines, place)
                operation.body = self.block(lines[place:end])
                place = end + 1
            found.append(operation)
        return found

    def operation(self, line: str) -> Operation:
        result, rest = None, line
        if found := _RESULT.fullmatch(line):
            result, rest = found[1], found[2]
        for form, pattern in _FORMS:
            if found := pattern.fullmatch(rest):
                operation = getattr(self, f"_{form}")(line, *found.groups())
                assert isinstance(operation, Operation)
                operation.result = result or operation.result
                return operation
        raise Refused(f"no operation of a known form: {line}")

    def _ins(self, line: str, name: str, ins: str, attributes: str | None, types: str, out: str, kind: str) -> Operation:
        given = dict(part.split(" = ") for part in attributes.split(", ")) if attributes else {}
        return Operation(
            name, [*ins.split(", "), out], [*self.types(types), self.type(kind)], line, outs=1, attributes=given
        )

    def _getval(self, line: str, name: str, ins: str, types: str, kind: str) -> Operation:
        return Operation(name, ins.split(", "), [*self.types(types), self.type(kind)], line)

    def _tensor(self, line: str, name: str, pointer: str, shape: str, strides: str, kind: str) -> Operation:
        return Operation(name, [pointer, *shape.split(", "), *strides.split(", ")], [self.type(kind)], line)

    def _window(self, line: str, name: str, view: str, offsets: str, sizes: str, *kinds: str) -> Operation:
        operands = [view, *offsets.split(", "), *sizes.split(", ")]
        return Operation(name, operands, [self.type(kind) for kind in kinds], line)

    def _alloc(self, line: str, name: str, kind: str) -> Operation:
        return Operation(name, [], [self.type(kind)], line)

    def _subset(self, line: str, name: str, tile: str, offsets: str, sizes: str, kind: str) -> Operation:
        return Operation(name, [tile, *offsets.split(", ")], [self.type(kind)], line, attributes={"sizes": sizes})

    def _valid(self, line: str, name: str, operands: str, kind: str) -> Operation:
        return Operation(name, operands.split(", "), [self.type(kind)], line)

    def _load(self, line: str, name: str, pointer: str, offset: str, *kinds: str) -> Operation:
        return Operation(name, [pointer, offset], [self.type(kind) for kind in kinds], line)

    def _convert(self, line: str, name: str, operand: str, *kinds: str) -> Operation:
        return Operation(name, [operand], [self.type(kind) for kind in kinds], line)

    def _constant(self, line: str, name: str, value: str, kind: str) -> Operation:
        return Operation(name, [], [self.type(kind)], line, attributes={"value": value})

    def _plain(self, line: str, name: str, operands: str, kind: str) -> Operation:
        return Operation(name, operands.split(", "), [self.type(kind)], line)

    def _core(self, line: str, name: str) -> Operation:
        return Operation(name, [], ["i64"], line)

    def _for(self, line: str, name: str, variable: str, *bounds: str) -> Operation:
        return Operation(name, list(bounds), ["index"], line, result=variable)

    def _return(self, line: str, name: str) -> Operation:
        return Operation(name, [], [], line)


def _closing(lines: list[str], start: int) -> int:
    depth = 1
    for place in range(start, len(lines)):
        depth += (lines[place][-1] == "{") - (lines[place] == "}")
        if not depth:
            return place
    raise Refused("a loop does not end")
