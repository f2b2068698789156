"""Reads PTO-MLIR as it is emitted: one operation a line, type aliases, loops and conditions in braces.

What comes out is a tree of :class:`Operation`; names are resolved and types compared by
:mod:`tests.simulators.pto.program`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.simulators.pto.tile_types import Refused, Type, parse


@dataclass(slots=True)
class Operation:
    """``result = name(operands)``; ``types`` as the line writes them, ``attributes`` as they are spelled."""

    name: str
    operands: list[str]
    types: list[Type]
    line: str
    result: str | None = None
    attributes: str = ""
    body: list[Operation] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """``parameters``: name to type."""

    name: str
    parameters: dict[str, Type]
    body: list[Operation]


_FUNCTION = re.compile(
    r"func\.func @(\w+)\( ([^)]*) \) attributes \{pto\.kernel_kind = #pto\.kernel_kind<vector>\} \{"
)
_ALIAS = re.compile(r"!(\w+) = (!pto\..*)")
_RESULT = re.compile(r"(%\w+) = (.*)")
_NAMES = r"%\w+(?:, %\w+)*"
_KIND = r"(?:!?[\w.]+(?:<[^>]*>)?)"
_KINDS = rf"{_KIND}(?:, {_KIND})*"


def _form(text: str) -> re.Pattern[str]:
    """A line's form: ``{a}`` ... are operands, ``{T}`` ... types, one or several of each, in the text's order."""
    names = {letter: rf"(?P<{letter}>{_NAMES})" for letter in "abc"}
    kinds = {letter: rf"(?P<{letter}>{_KINDS})" for letter in "TUV"}
    for letter, pattern in {**names, **kinds}.items():
        text = text.replace(f"{{{letter}}}", pattern)
    return re.compile(text)


_FORMS = (
    _form(r"(?P<name>pto\.\w+) ins\({a}(?: \{(?P<attributes>[^}]*)\})? : {T}\) outs\({b} : {U}\)"),
    _form(r"(?P<name>pto\.make_tensor_view) {a}, shape = \[{b}\], strides = \[{c}\] : {T}"),
    _form(r"(?P<name>pto\.partition_view) {a}, offsets = \[{b}\], sizes = \[{c}\] : {T} -> {U}"),
    _form(r"(?P<name>pto\.alloc_tile) : {T}"),
    _form(r"(?P<name>pto\.subset) {a}\[{b}\] (?P<attributes>sizes \[[\d, ]+\]) : {T}"),
    _form(r"(?P<name>pto\.set_validshape) {a} : {T}"),
    _form(r"(?P<name>pto\.load_scalar) {a}\[{b}\] : {T} -> {U}"),
    _form(r"(?P<name>pto\.treshape) {a} : {T} -> {U}"),
    _form(r"(?P<name>pto\.get_block_(?:idx|num))"),
    _form(r"(?P<name>arith\.index_cast) {a} : {T} to {U}"),
    _form(r"(?P<name>arith\.constant) (?P<attributes>[^% ]+) : {T}"),
    _form(r"(?P<name>arith\.\w+) {a} : {T}"),
    _form(r"(?P<name>scf\.for) (?P<result>%\w+) = {a} to {b} step {c} \{"),
    _form(r"(?P<name>pto\.barrier) (?P<attributes><PIPE_ALL>)"),
    _form(r"(?P<name>return)"),
)


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
    while len(lines) > 2 and not lines[1].endswith("{"):
        lines[1:3] = [f"{lines[1]} {lines[2]}"]
    if (
        len(lines) < 4
        or lines[0] != 'module attributes {pto.target_arch = "a3"} {'
        or lines[-2:] != ["}", "}"]
    ):
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
        result = _RESULT.fullmatch(line)
        for form in _FORMS:
            if found := form.fullmatch(result[2] if result else line):
                parts = found.groupdict()
                operands = [
                    name for letter in "abc" for name in (parts.get(letter) or "").split(", ") if name
                ]
                kinds = [kind for letter in "TUV" for kind in re.findall(_KIND, parts.get(letter) or "")]
                types = [self.type(kind) for kind in kinds]
                name = result[1] if result else parts.get("result")
                return Operation(found["name"], operands, types, line, name, parts.get("attributes") or "")
        raise Refused(f"no operation of a known form: {line}")


def _closing(lines: list[str], start: int) -> int:
    depth = 1
    for place in range(start, len(lines)):
        depth += (lines[place][-1] == "{") - (lines[place] == "}")
        if not depth:
            return place
    raise Refused("a loop does not end")
