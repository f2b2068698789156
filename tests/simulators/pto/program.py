"""A function of the dialect made runnable: every name defined before its use, every type the one written there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.simulators.pto.memory import Buffer, Tile, View
from tests.simulators.pto.reader import Function, Operation
from tests.simulators.pto.types import HELD, PointerType, Refused, TileType, Type, ViewType
from tests.simulators.pto.vector import RULES, require

BUFFER_BYTES = 184 << 10
"""The unified buffer of an a3 has 192 KB; from 184 on it is the ISA's own scratch."""
Values = list[Any]
Step = Callable[[Values], None]
INTEGER: dict[str, Callable[[int, int], int]] = {
    "arith.addi": lambda a, b: a + b,
    "arith.subi": lambda a, b: a - b,
    "arith.muli": lambda a, b: a * b,
    "arith.divui": lambda a, b: a // b,
    "arith.remui": lambda a, b: a % b,
    "arith.minui": min,
}


@dataclass(slots=True)
class Name:
    """Where a value is kept, its type, and what it is if the text says so."""

    slot: int
    type: Type
    constant: int | None = None


@dataclass(slots=True)
class Program:
    """``steps`` work on a list of ``size`` values, of which the first are the parameters, in order."""

    function: Function
    size: int = 0
    bytes: int = 0
    steps: list[tuple[Step, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        scope: dict[str, Name] = {}
        for name, kind in self.function.parameters.items():
            self.define(name, kind, scope, name)
        self.steps = self.block(self.function.body, scope)
        if not self.function.body or self.function.body[-1].name != "return":
            raise Refused("the function does not return")
        if self.bytes > BUFFER_BYTES:
            raise Refused(f"the tiles take {self.bytes} bytes of {BUFFER_BYTES}")

    def run(self, arguments: Sequence[Any], block: int, blocks: int) -> None:
        """One core's work. Arrays are flat; ``bf16`` ones are of their bits."""
        values: Values = [*arguments, *([None] * (self.size - len(arguments))), block, blocks]
        execute(self.steps, values)

    # --- names ------------------------------------------------------------------------------------

    def define(self, name: str, kind: Type, scope: dict[str, Name], line: str) -> int:
        if name in scope:
            raise Refused(f"{name} is defined twice", line)
        scope[name] = Name(self.size, kind)
        self.size += 1
        return self.size - 1

    def block(self, operations: list[Operation], outer: dict[str, Name]) -> list[tuple[Step, str]]:
        scope, steps = dict(outer), []
        for operation in operations:
            try:
                steps.append((self.step(operation, scope), operation.line))
            except Refused as error:
                raise Refused(error.args[0], operation.line) from None
        return steps

    def step(self, operation: Operation, scope: dict[str, Name]) -> Step:
        for name in operation.operands:
            require(name in scope, f"{name} is not defined here")
        given = [scope[name] for name in operation.operands]
        if operation.name in RULES:
            return self.vector(operation, given)
        kind = "return_" if operation.name == "return" else operation.name.replace(".", "_")
        maker = self.integer if operation.name in INTEGER else getattr(self, kind, None)
        require(maker is not None, f"no operation {operation.name}")
        step: Step = maker(operation, given, scope)
        return step

    def result(self, operation: Operation, kind: Type, scope: dict[str, Name]) -> int:
        require(operation.result is not None, "the result has no name")
        return self.define(str(operation.result), kind, scope, operation.line)

    # --- operations on tiles ----------------------------------------------------------------------

    def vector(self, operation: Operation, given: list[Name]) -> Step:
        rule = RULES[operation.name]
        written(operation.types, given)
        require(set(operation.attributes) <= set(rule.attributes), "an attribute that it does not have")
        rule.check(operation.types)
        slots, run, attributes = [name.slot for name in given], rule.run, operation.attributes
        return lambda values: run(attributes, *[values[slot] for slot in slots])

    def pto_alloc_tile(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        (kind,) = operation.types
        require(isinstance(kind, TileType) and None not in kind.valid, "a tile with a static valid region")
        assert isinstance(kind, TileType)
        self.bytes += kind.bytes
        slot, tile = self.result(operation, kind, scope), kind
        return lambda values: values.__setitem__(slot, Tile(tile, Buffer(tile)))

    def pto_treshape(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        source, kind = operation.types
        written([source], given)
        require(isinstance(source, TileType) and isinstance(kind, TileType), "tiles are reshaped")
        assert isinstance(source, TileType) and isinstance(kind, TileType)
        require(source.dtype == kind.dtype and source.bytes == kind.bytes, "another number of bytes")
        old, new = given[0].slot, self.result(operation, kind, scope)

        def run(values: Values) -> None:
            values[new] = Tile(kind, values[old].buffer, values[old].start)

        return run

    def pto_subset(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        (source,) = operation.types
        written([source], given[:1])
        assert isinstance(source, TileType)
        rows, cols = map(int, operation.attributes["sizes"].split(", "))
        require(source.rows == rows == 1 and given[1].constant == 0, "a part of a row")
        start, whole = given[2].constant, source.valid_cols
        require(whole is not None, "a part of a row of which it is known how much counts")
        assert whole is not None
        counts = None if start is None else min(cols, whole - start % whole)
        kind = TileType(source.dtype, 1, cols, 1, counts, True)
        old, offset, new = given[0].slot, given[2].slot, self.result(operation, kind, scope)

        def run(values: Values) -> None:
            first = values[offset]
            require(0 <= first <= source.cols - cols, f"columns {first} to {first + cols} of {source.cols}")
            require(first * source.bytes // source.cols % 32 == 0, "a part begins at a multiple of 32 bytes")
            values[new] = Tile(kind, values[old].buffer, values[old].start + first)

        return run

    def pto_set_validshape(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        written(operation.types, given[:1])
        require(isinstance(given[0].type, TileType) and given[0].type.valid == (None, None), "not a dynamic tile")
        tile, rows, cols = (name.slot for name in given)
        return lambda values: values[tile].see(values[rows], values[cols])

    # --- the device's memory ----------------------------------------------------------------------

    def pto_make_tensor_view(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        (kind,) = operation.types
        pointer, sizes = given[0].type, given[1:]
        require(isinstance(kind, ViewType) and not kind.part and isinstance(pointer, PointerType), "a view of memory")
        assert isinstance(kind, ViewType) and isinstance(pointer, PointerType)
        rank = len(kind.shape)
        require(kind.dtype == pointer.dtype and len(sizes) == 2 * rank, "another type or rank than the pointer's")
        require(sizes[-1].constant == 1, "elements of a row lie together")
        slots, base = [name.slot for name in sizes], given[0].slot
        slot = self.result(operation, kind, scope)

        def run(values: Values) -> None:
            numbers = [values[place] for place in slots]
            values[slot] = View(values[base], tuple(numbers[:rank]), tuple(numbers[rank:]))

        return run

    def pto_partition_view(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        view, part = operation.types
        written([view], given[:1])
        assert isinstance(view, ViewType) and isinstance(part, ViewType)
        rank = len(view.shape)
        sizes = given[1 + rank :]
        require(len(given) == 1 + 2 * rank and part.part and view.dtype == part.dtype, "another rank or type")
        known = tuple(name.constant for name in sizes)
        require(all(w in (None, s) for w, s in zip(part.shape, known, strict=True)), "another size than the type's")
        base, slots = given[0].slot, [name.slot for name in given[1:]]
        slot = self.result(operation, part, scope)

        def run(values: Values) -> None:
            numbers = tuple(values[place] for place in slots)
            values[slot] = values[base].window(numbers[:rank], numbers[rank:])

        return run

    def pto_tload(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        return self.copy(operation, given, 0)

    def pto_tstore(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        return self.copy(operation, given, 1)

    def copy(self, operation: Operation, given: list[Name], memory: int) -> Step:
        written(operation.types, given)
        part, kind = operation.types[memory], operation.types[1 - memory]
        require(isinstance(part, ViewType) and part.part and isinstance(kind, TileType), "a window and a tile")
        assert isinstance(part, ViewType) and isinstance(kind, TileType)
        require(part.dtype == kind.dtype and kind.row_major and len(part.shape) == 2, "another type or layout")
        window, tile = given[memory].slot, given[1 - memory].slot

        def run(values: Values) -> None:
            there, here = values[window], values[tile]
            require(there.shape == here.valid, f"a window of {there.shape} and a tile of {here.valid}")
            if memory == 0:
                here.write(there)
            else:
                require(here.buffer.mask is None, "packed bits are not stored")
                there[...] = here.grid[: here.valid[0], : here.valid[1]]

        return run

    def pto_load_scalar(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        pointer, kind = operation.types
        written([pointer], given[:1])
        require(pointer == PointerType(str(kind)) and kind == "i32", "an i32 is loaded")
        base, offset, slot = given[0].slot, given[1].slot, self.result(operation, kind, scope)

        def run(values: Values) -> None:
            require(0 <= values[offset] < len(values[base]), "a number outside its array")
            values[slot] = int(values[base][values[offset]])

        return run

    # --- numbers and loops ------------------------------------------------------------------------

    def arith_constant(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        (kind,), text = operation.types, operation.attributes["value"]
        value: Any = literal(text) if kind == "f32" else int(text)
        slot = self.result(operation, kind, scope)
        scope[str(operation.result)].constant = value if kind == "index" else None
        return lambda values: values.__setitem__(slot, value)

    def integer(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        written(operation.types * 2, given)
        require(operation.types == ["index"], "indices only")
        function, (a, b) = INTEGER[operation.name], (name.slot for name in given)
        slot = self.result(operation, "index", scope)

        def run(values: Values) -> None:
            values[slot] = function(values[a], values[b])
            require(values[slot] >= 0, "a negative index")

        return run

    def arith_index_cast(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        written(operation.types[:1], given)
        require("index" in operation.types and "f32" not in operation.types, "from or to an index")
        old, new = given[0].slot, self.result(operation, operation.types[1], scope)
        return lambda values: values.__setitem__(new, values[old])

    def pto_get_block_idx(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        slot = self.result(operation, "i64", scope)
        return lambda values: values.__setitem__(slot, values[-2])

    def pto_get_block_num(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        slot = self.result(operation, "i64", scope)
        return lambda values: values.__setitem__(slot, values[-1])

    def scf_for(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        written(["index"] * 3, given)
        start, stop, step = (name.slot for name in given)
        inner = dict(scope)
        variable = self.result(operation, "index", inner)
        body = self.block(operation.body, inner)

        def run(values: Values) -> None:
            for place in range(values[start], values[stop], values[step]):
                values[variable] = place
                execute(body, values)

        return run

    def return_(self, operation: Operation, given: list[Name], scope: dict[str, Name]) -> Step:
        return lambda values: None


def written(types: list[Type], given: list[Name]) -> None:
    """Refuse unless the types that a line writes are those of its operands."""
    require(len(types) == len(given), "a wrong number of types")
    for kind, name in zip(types, given, strict=True):
        require(kind == name.type, f"a value of {name.type} is called {kind}")


def execute(steps: list[tuple[Step, str]], values: Values) -> None:
    """Run the steps in order; what one refuses is said with its line."""
    for step, line in steps:
        try:
            step(values)
        except Refused as error:
            raise Refused(error.args[0], *(error.args[1:] or (line,))) from None


def literal(text: str) -> np.float32:
    """An f32 constant: a decimal number, or eight hexadecimal digits of its bits."""
    if text.startswith("0x"):
        return np.uint32(int(text, 16)).view(np.float32)
    require("." in text, "a number of type f32 has a point")
    return np.float32(text)


__all__ = ["HELD", "Program"]
