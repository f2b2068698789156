"""The lowering to tiles: what it copies lies in the arrays and finds room, and what it cannot do it refuses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from runners.kernels.emit import tile
from runners.kernels.emit.tile_body import BUFFER_BYTES
from runners.kernels.emit.tile_lower import lower
from runners.kernels.emit.tile_place import ELEMENT_BITS, Combined, Index, Symbol
from runners.kernels.expr import Axis, Kernel, Load, Store, argmax, exp, f32, i32, kernel, stored, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
    "//": int.__floordiv__,
    "%": int.__mod__,
    "min": min,
}
a, b, c = Axis("a"), Axis("b"), Axis("c")


def value(index: Index, known: dict[str, int]) -> int:
    """What an index is worth."""
    match index:
        case int():
            return index
        case Symbol(name):
            return known[name]
        case Combined(op, left, right):
            return _ARITHMETIC[op](value(left, known), value(right, known))


def traced(
    body: tuple[tile.Statement, ...], known: dict[str, int]
) -> Iterator[tuple[tile.Statement, dict[str, int]]]:
    """Each statement as often as it is run, with what its symbols are worth then."""
    for statement in body:
        match statement:
            case tile.For(name, start, stop, step, inner):
                places = range(value(start, known), value(stop, known), value(step, known))
                for place in places:
                    yield from traced(inner, known | {name: place})
            case tile.Let(name, meant):
                known = known | {name: value(meant, known)}
            case tile.Read(name):
                assert name in known
            case _:
                yield statement, known


def start(case: Case, program: tile.Program, block: int, blocks: int) -> dict[str, int]:
    """The symbols that a program begins with, on one core."""
    own = {name: constant for name, (constant, _) in program.constants.items()}
    return own | {
        "capacity": case.capacity,
        "position": case.position,
        "token": case.sizes.lengths.get("vocab", 1) - 1,
        "block": block,
        "blocks": blocks,
    }


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("case", TINY, ids=str)
def test_all_copies_lie_in_the_arrays_and_each_element_is_written_once(case: Case, blocks: int) -> None:
    program = lower(KERNELS[case.kernel], case.sizes, "bf16")
    written: Counter[tuple[str, int]] = Counter()
    for block in range(blocks):
        for statement, known in traced(program.body, start(case, program, block, blocks)):
            if not isinstance(statement, tile.Load | tile.Store):
                continue
            size = 1
            for length in case.sizes.shape(statement.array.axes, case.capacity):
                size *= length
            first, cols = (value(index, known) for index in (statement.offset, statement.cols))
            if isinstance(statement, tile.Store):
                assert 0 < cols <= statement.x.cols
                written.update((statement.array.name, first + col) for col in range(cols))
            else:
                rows, stride = (value(index, known) for index in (statement.rows, statement.stride))
                assert 0 < cols <= statement.out.cols
                assert 0 < rows <= statement.out.rows
                first += (rows - 1) * stride
            assert 0 <= first <= first + cols <= size
    assert set(written.values()) == {1}
    lengths = [case.sizes.shape(array.axes, 1) for array in KERNELS[case.kernel].outputs]
    assert len(written) == sum(_product(shape) for shape in lengths)


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


@pytest.mark.parametrize("storage", get_args(Storage))
def test_at_true_sizes_all_tiles_find_room_and_rows_begin_at_32_bytes(storage: Storage) -> None:
    for case in TRUE:
        program = lower(KERNELS[case.kernel], case.sizes, storage)
        assert program.bytes <= BUFFER_BYTES
        assert program.bytes == sum(found.bytes for found in program.tiles)
        for found in program.tiles:
            assert found.cols * ELEMENT_BITS[found.dtype] % (8 * 32) == 0, found


def test_what_a_core_copies_again_and_again_has_two_buffers_and_all_else_one() -> None:
    for case in TRUE:
        program = lower(KERNELS[case.kernel], case.sizes, "bf16")
        known = start(case, program, 0, program.launch)
        copies = Counter(
            statement.out if isinstance(statement, tile.Load) else statement.x
            for statement, _ in traced(program.body, known)
            if isinstance(statement, tile.Load | tile.Store)
        )
        for found, count in copies.items():
            assert (found.buffers == 2) == (count > 1), (case.kernel, found)


def test_the_weights_of_the_published_model_are_read_in_whole_and_equal_tiles() -> None:
    for case in TRUE:
        program = lower(KERNELS[case.kernel], case.sizes, "bf16")
        matrices = [s for s in tile.walk(program.body) if isinstance(s, tile.Load) and s.out.rows > 1]
        for load in matrices if "out" in case.sizes.lengths else ():
            shape = load.out.rows, load.out.cols
            known = {name: constant for name, (constant, _) in program.constants.items()}
            assert (value(load.rows, known), value(load.cols, known)) == shape
            assert 2 * load.out.rows * load.out.cols >= 24 << 10  # bytes of a copy


@kernel(a)
def turned(x: Load = f32(b, a), y: Load = f32(a, b)) -> Store:
    """y = the transpose of x"""
    return y.set(1.0 * x)


@kernel(a)
def chosen_lane(n: Load = i32(), x: Load = f32(a, b), y: Load = f32(a)) -> Store:
    """y = a column of x"""
    return y.set(1.0 * x.at(b, n))


@kernel(a)
def cube(x: Load = f32(a, b, c), y: Load = f32(a, b)) -> Store:
    """y = the sum along the last axis"""
    return y.set(total(x, c))


@kernel(a)
def one_for_all(x: Load = f32(a, b), y: Load = f32(a, b)) -> Store:
    """y = the row's sum, everywhere"""
    return y.set(total(x, b))


@kernel(a)
def number_over_row(x: Load = f32(a, b), y: Load = f32(a, b)) -> Store:
    """y = the row's sum over x"""
    return y.set(total(x, b) / x)


@kernel()
def counted(n: Load = i32(), y: Load = f32(b)) -> Store:
    """y = n"""
    return y.set(n)


@kernel()
def plain(w: Load = f32(tokens), position: Load = i32(), y: Load = f32()) -> Store:
    """y = the sum of w"""
    del position
    return y.set(total(w, tokens))


@kernel(a)
def scored_otherwise(
    q: Load = f32(a, b), keys: Load = f32(tokens, b), position: Load = i32(), y: Load = f32(a, b)
) -> Store:
    """y = keys, weighted by a softmax of the sums of powers"""
    del position
    return y.set(total(softmax_of(total(exp(q * keys), b), tokens) * keys, tokens))


@kernel()
def first(x: Load = f32(b), y: Load = i32()) -> Store:
    """y = the first index of the largest x"""
    return y.set(argmax(x, b))


@kernel(a)
def dot(w: Load = stored(a, b), x: Load = f32(b), y: Load = f32(a)) -> Store:
    """y = w · x"""
    return y.set(total(w * x, b))


REFUSED: list[tuple[Kernel, dict[str, int], str]] = [
    (turned, {"a": 3, "b": 4}, "turned: x along an axis that is not its last"),
    (chosen_lane, {"a": 3, "b": 4}, "chosen_lane: x along an axis that is not its last"),
    (cube, {"a": 3, "b": 4, "c": 5}, "cube: an expression along 2 axes of a tile"),
    (one_for_all, {"a": 3, "b": 4}, "one_for_all: one number for a row of y"),
    (number_over_row, {"a": 3, "b": 4}, "number_over_row: a number / a row"),
    (counted, {"b": 4}, "counted: n along an axis that is not its last"),
    (plain, {}, "plain: no softmax over the tokens"),
    (scored_otherwise, {"a": 3, "b": 4}, "scored_otherwise: a score that is no product"),
    (first, {"b": 2**24 + 1}, "first: an argmax over 16777217 elements"),
]


@pytest.mark.parametrize(("refused", "lengths", "message"), REFUSED, ids=lambda it: getattr(it, "name", ""))
def test_what_no_strategy_has_is_refused_by_name(
    refused: Kernel, lengths: dict[str, int], message: str
) -> None:
    with pytest.raises(NotImplementedError, match=re.escape(message)):
        lower(refused, Sizes(lengths), "f32")


@pytest.mark.parametrize(
    ("refused", "sizes", "message"),
    [
        (dot, {"a": 3, "b": 50_000}, "dot: a vector of 50000 finds no room in 188416 bytes"),
        (
            KERNELS["softmax"],
            {"rows": 3, "cols": 30_000},
            "softmax: its tiles take .* bytes, and the buffer has",
        ),
        (
            KERNELS["attention_decode_gqa"],
            {"kv_heads": 1, "group": 1, "head_dim": 1025},
            "attention_decode_gqa: eight tokens of 1040 elements find no room",
        ),
    ],
    ids=["vector", "row", "tokens"],
)
def test_what_finds_no_room_is_refused_by_name(refused: Kernel, sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lower(refused, Sizes(sizes), "bf16")


@pytest.mark.parametrize("name", ["block", "blocks", "capacity"])
def test_an_axis_that_would_be_taken_for_an_index_of_the_programs_own_is_refused(name: str) -> None:
    axis = Axis(name)

    @kernel(axis)
    def sums(x: Load = f32(axis, b), y: Load = f32(axis)) -> Store:
        """y = the rows' sums"""
        return y.set(total(x, b))

    with pytest.raises(ValueError, match=f"sums: an axis called {name}, which"):
        lower(sums, Sizes({name: 3, "b": 4}), "f32")


def test_the_longest_vector_that_finds_room_is_taken() -> None:
    program = lower(dot, Sizes({"a": 3, "b": 40_000}), "bf16")
    assert BUFFER_BYTES - (8 << 10) < program.bytes <= BUFFER_BYTES


def test_the_lowering_knows_neither_a_language_nor_a_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("tile*.py")]
    names = "|".join(kernel.name for kernel in DECODE_STEP)
    words = r"__aicore__|datacopy|tque|pipebarrier|pto\.|memref"
    assert len(files) == 9
    for file in files:
        assert re.findall(rf"{words}|{names}", file.read_text("utf-8").lower()) == [], file.name
