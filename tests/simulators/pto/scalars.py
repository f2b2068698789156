"""Constants, indices, and the core's number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.simulators.pto.lines import CORE, CORES, Line, Maker, Step, Values, require, written
from tests.simulators.pto.tile_types import PointerType

INTEGER: dict[str, Callable[[int, int], int]] = {
    "arith.addi": lambda a, b: a + b,
    "arith.subi": lambda a, b: a - b,
    "arith.muli": lambda a, b: a * b,
    "arith.divui": lambda a, b: a // b,
    "arith.remui": lambda a, b: a % b,
    "arith.minui": min,
}


def literal(text: str) -> np.float32:
    """An f32 constant: a decimal number, or eight hexadecimal digits of its bits."""
    if text.startswith("0x"):
        return np.uint32(int(text, 16)).view(np.float32)
    require("." in text, "a number of type f32 has a point")
    return np.float32(text)


def keep(slot: int, value: Any) -> Step:
    """The step that a value is known."""

    def run(values: Values) -> None:
        values[slot] = value

    return run


def move(old: int, new: int) -> Step:
    """The step that a value has another name too."""

    def run(values: Values) -> None:
        values[new] = values[old]

    return run


def constant(line: Line) -> Step:
    """``arith.constant``"""
    (kind,), text = line.types, line.operation.attributes
    if kind == "f32":
        return keep(line.define(kind), literal(text))
    require(kind in ("index", "i32"), "constants are indices, i32 or f32")
    return keep(line.define(kind, int(text)), int(text))


def integer(line: Line) -> Step:
    """Arithmetic on two indices, none of which is negative."""
    written(line.types * 2, line.given)
    require(line.types == ["index"], "indices only")
    function, (a, b) = INTEGER[line.operation.name], line.slots
    slot = line.define("index")

    def run(values: Values) -> None:
        values[slot] = function(values[a], values[b])
        require(values[slot] >= 0, "a negative index")

    return run


def index_cast(line: Line) -> Step:
    """``arith.index_cast``"""
    written(line.types[:1], line.given)
    require("index" in line.types and "f32" not in line.types, "from or to an index")
    return move(line.slots[0], line.define(line.types[1]))


def load_scalar(line: Line) -> Step:
    """``pto.load_scalar``: an i32 out of the device's memory."""
    pointer, kind = line.types
    written([pointer, "index"], line.given)
    require(pointer == PointerType("i32") and kind == "i32", "an i32 is loaded")
    base, offset = line.slots
    slot = line.define(kind)

    def run(values: Values) -> None:
        numbers = values[base].numbers
        require(0 <= values[offset] < len(numbers), "a number outside its array")
        values[slot] = int(numbers[values[offset]])

    return run


def core(place: int) -> Maker:
    """The core's number, or how many there are."""
    return lambda line: move(place, line.define("i64"))


MAKERS: dict[str, Maker] = {
    "arith.constant": constant,
    "arith.index_cast": index_cast,
    "pto.load_scalar": load_scalar,
    "pto.get_block_idx": core(CORE),
    "pto.get_block_num": core(CORES),
    **dict.fromkeys(INTEGER, integer),
}
