"""The PTO simulator computes what the dialect's documents say, and refuses what they forbid or leave undefined."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.simulators.pto import Refused, load
from tests.simulators.pto.january import spelled
from tests.simulators.pto.memory import Memory, narrowed

TILE = (
    "!pto.tile_buf<loc={loc}, dtype={dtype}, rows={rows}, cols={cols}, v_row={v_row}, v_col={v_col}, "
    "blayout={layout}, slayout=none_box, fractal=512, pad=0>"
)
VIEW = "!pto.tensor_view<?x?xf32>"
WINDOW = "!pto.partition_tensor_view<8x16xf32>"


def tile(rows: int = 8, cols: int = 16, dtype: str = "f32", **changed: Any) -> str:
    """A tile's type."""
    fields = {"loc": "vec", "v_row": rows, "v_col": cols, "layout": "row_major"} | changed
    return TILE.format(rows=rows, cols=cols, dtype=dtype, **fields)


F32, BF16, I32, MASK = tile(), tile(dtype="bf16"), tile(dtype="i32"), tile(cols=32, dtype="i8")
COLUMN, ROW, NUMBERS = tile(cols=1, layout="col_major"), tile(rows=1), tile(rows=1, cols=8)
COUNTED = tile(rows=1, dtype="i32")
PART, WIDE = tile(v_row="?", v_col="?"), tile(cols=64)
MODULE = """\
module attributes {{pto.target_arch = "a3"}} {{
  func.func @f(
      %in_ptr: !pto.ptr<f32>,
      %out_ptr: !pto.ptr<f32>,
      %place_ptr: !pto.ptr<i32>
  ) attributes {{pto.kernel_kind = #pto.kernel_kind<vector>}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %two = arith.constant 2.0 : f32
    %x_view = pto.make_tensor_view %in_ptr, shape = [%c8, %c16], strides = [%c16, %c1] : {view}
    %y_view = pto.make_tensor_view %out_ptr, shape = [%c8, %c16], strides = [%c16, %c1] : {view}
    %x_window = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c8, %c16] : {view} -> {window}
    %y_window = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c8, %c16] : {view} -> {window}
    %x = pto.alloc_tile : {tile}
    %y = pto.alloc_tile : {tile}
    pto.tload ins(%x_window : {window}) outs(%x : {tile})
{body}
    pto.tstore ins(%y : {tile}) outs(%y_window : {window})
    return
  }}
}}
"""


def run(*body: str, blocks: int = 1, place: int = 0) -> tuple[Any, Any]:
    """What goes into the module's tile ``x`` and what its tile ``y`` holds at the end."""
    program = load(
        MODULE.format(view=VIEW, window=WINDOW, tile=F32, body="\n".join(f"    {line}" for line in body))
    )
    x = np.random.default_rng(0).standard_normal(128, np.float32)
    arrays = [Memory(x), Memory(np.full(128, 7, np.float32)), Memory(np.array([place], np.int32))]
    with np.errstate(all="ignore"):
        for block in range(blocks):
            program.run(arrays, block, blocks)
    return x.reshape(8, 16), arrays[1].numbers.reshape(8, 16)


def test_elementwise_operations_and_reductions() -> None:
    x, y = run(
        f"%work = pto.alloc_tile : {WIDE}",
        f"%sums = pto.alloc_tile : {NUMBERS}",
        f"%column = pto.treshape %sums : {NUMBERS} -> {COLUMN}",
        f"%spread = pto.alloc_tile : {tile(cols=8)}",
        f"pto.tmuls ins(%x, %two : {F32}, f32) outs(%y : {F32})",
        f"pto.trowsum ins(%y, %work : {F32}, {WIDE}) outs(%column : {COLUMN})",
        f"pto.tadds ins(%sums, %two : {NUMBERS}, f32) outs(%sums : {NUMBERS})",
        f"pto.trowexpandmul ins(%x, %column, %spread : {F32}, {COLUMN}, {tile(cols=8)}) outs(%y : {F32})",
    )
    assert np.allclose(y, x * ((2 * x).sum(1, keepdims=True) + 2), rtol=1e-6)


def test_a_comparison_selects() -> None:
    x, y = run(
        f"%zeros = pto.alloc_tile : {F32}",
        f"%mask = pto.alloc_tile : {MASK}",
        f"%work = pto.alloc_tile : {tile(rows=1, dtype='i32')}",
        "%zero = arith.constant 0.0 : f32",
        f"pto.texpands ins(%zero : f32) outs(%zeros : {F32})",
        f"pto.tcmp ins(%x, %zeros {{cmpMode = #pto<cmp greater_than>}} : {F32}, {F32}) outs(%mask : {MASK})",
        f"pto.tsel ins(%mask, %x, %zeros, %work : {MASK}, {F32}, {F32}, {tile(rows=1, dtype='i32')}) outs(%y : {F32})",
    )
    assert np.array_equal(y, np.maximum(x, 0))


def test_numbers_are_counted_by_the_scalar_pipe_and_used_behind_a_barrier() -> None:
    x, y = run(
        f"%n = pto.alloc_tile : {COUNTED}",
        f"%f = pto.alloc_tile : {ROW}",
        "%i = arith.index_cast %c8 : index to i32",
        f"pto.tci ins(%i : i32) outs(%n : {COUNTED})",
        "pto.barrier <PIPE_ALL>",
        f"pto.tcvt ins(%n : {COUNTED}) outs(%f : {ROW})",
        f"pto.tmov ins(%x : {F32}) outs(%y : {F32})",
        f"pto.tcolexpandmul ins(%y, %f : {F32}, {ROW}) outs(%y : {F32})",
    )
    assert np.array_equal(y, x * np.arange(8, 24, dtype=np.float32))


def test_what_was_never_written_and_what_is_not_valid_is_no_number() -> None:
    _, y = run(f"pto.tmov ins(%y : {F32}) outs(%y : {F32})")
    assert np.isnan(y).all()
    x, y = run(
        f"%part = pto.treshape %y : {F32} -> {PART}",
        f"%x_part = pto.treshape %x : {F32} -> {PART}",
        f"pto.set_validshape %part, %c8, %c1 : {PART}",
        f"pto.set_validshape %x_part, %c8, %c1 : {PART}",
        f"pto.tmov ins(%x_part : {PART}) outs(%part : {PART})",
    )
    assert np.array_equal(y[:, 0], x[:, 0])
    assert np.isnan(y[:, 1:]).all()


@pytest.mark.parametrize(
    ("mode", "wanted"), [("CAST_RINT", [0, 2, 2]), ("ROUND", [1, 2, 2]), ("TRUNC", [0, 1, 2])]
)
def test_f32_is_rounded_to_bf16_as_the_mode_says(mode: str, wanted: list[int]) -> None:
    one = np.float32(1).view(np.uint32)
    middle = np.array([one + 0x8000, one + 0x18000, one + 0x20001], np.uint32).view(np.float32)
    assert (narrowed(middle, mode) - (one >> 16)).tolist() == wanted
    if mode == "CAST_RINT":
        every = np.arange(0, 2**32, 65521, dtype=np.uint32).view(np.float32)
        every = every[~np.isnan(every)]
        assert np.array_equal(narrowed(every, mode), every.astype(ml_dtypes.bfloat16).view(np.uint16))


def mul(a: str = "%x", b: str = "%x", out: str = "%y", types: tuple[str, str, str] = (F32, F32, F32)) -> str:
    """A product."""
    return f"pto.tmul ins({a}, {b} : {types[0]}, {types[1]}) outs({out} : {types[2]})"


def part_of(name: str, rows: str, cols: str) -> tuple[str, str]:
    """The lines of a part of a tile, named so."""
    return (
        f"%{name}_part = pto.treshape %{name} : {F32} -> {PART}",
        f"pto.set_validshape %{name}_part, {rows}, {cols} : {PART}",
    )


REFUSED: dict[str, tuple[str, ...]] = {
    "is not defined here": (mul(a="%z"),),
    "is defined twice": (f"%x = pto.alloc_tile : {F32}",),
    "no operation pto.tcube": (f"pto.tcube ins(%x : {F32}) outs(%y : {F32})",),
    "no operation of a known form": ("pto.tadd %x, %y",),
    "is called": (f"%h = pto.alloc_tile : {BF16}", mul(a="%h")),
    "operands of different tiles": (f"%r = pto.alloc_tile : {ROW}", mul(b="%r", types=(F32, ROW, F32))),
    "not for bf16": (f"%h = pto.alloc_tile : {BF16}", mul("%h", "%h", "%h", (BF16, BF16, BF16))),
    "elementwise operands are row-major": (
        f"%c = pto.alloc_tile : {COLUMN}",
        mul("%c", "%c", "%c", (COLUMN, COLUMN, COLUMN)),
    ),
    "valid regions differ": (*part_of("x", "%c8", "%c8"), mul("%x_part", types=(PART, F32, F32))),
    "valid region was never set": (
        f"%p = pto.treshape %x : {F32} -> {PART}",
        mul("%p", types=(PART, F32, F32)),
    ),
    "cannot be valid": part_of("x", "%c16", "%c16"),
    "the tile's valid region is static": (f"pto.set_validshape %x, %c1, %c1 : {F32}",),
    "a new tile has a static valid region": (f"%p = pto.alloc_tile : {PART}",),
    "no multiple of 32 bytes": (f"%t = pto.alloc_tile : {tile(cols=12)}",),
    "a column-major tile is a single column": (f"%t = pto.alloc_tile : {tile(layout='col_major')}",),
    "in vec": (f"%t = pto.alloc_tile : {tile(loc='mat')}",),
    "no such element type": (f"%t = pto.alloc_tile : {tile(dtype='f64')}",),
    "4095 rows": (f"%t = pto.alloc_tile : {tile(rows=4096)}",),
    "the tiles take": (f"%t = pto.alloc_tile : {tile(rows=64, cols=1024)}",),
    "another number of bytes": (f"%t = pto.treshape %x : {F32} -> {WIDE}",),
    "the number is of another type": (f"pto.texpands ins(%c1 : index) outs(%y : {F32})",),
    "the number is of another type than": (f"pto.tmuls ins(%x, %c1 : {F32}, index) outs(%y : {F32})",),
    "one tile and one number": (f"pto.tmuls ins(%x, %x : {F32}, {F32}) outs(%y : {F32})",),
    "no conversion of bf16 to f16": (
        f"%h = pto.alloc_tile : {BF16}",
        f"%g = pto.alloc_tile : {tile(dtype='f16')}",
        f"pto.tcvt ins(%h : {BF16}) outs(%g : {tile(dtype='f16')})",
    ),
    "no rounding mode ODD": (
        f"%h = pto.alloc_tile : {BF16}",
        f"pto.tcvt ins(%x {{rmode = #pto<round_mode ODD>}} : {F32}) outs(%h : {BF16})",
    ),
    "an attribute that it does not have": (f"pto.tmul ins(%x, %x {{fast = true}} : {F32}, {F32}) outs(%y : {F32})",),
    "the output is an input too": (f"pto.trecip ins(%x : {F32}) outs(%x : {F32})",),
    "a row of i32 is counted": (
        f"%n = pto.alloc_tile : {I32}",
        "%i = arith.index_cast %c1 : index to i32",
        f"pto.tci ins(%i : i32) outs(%n : {I32})",
    ),
    "needs a barrier of all pipes": (
        f"%n = pto.alloc_tile : {COUNTED}",
        f"%f = pto.alloc_tile : {ROW}",
        "%i = arith.index_cast %c1 : index to i32",
        f"pto.tci ins(%i : i32) outs(%n : {COUNTED})",
        f"pto.tcvt ins(%n : {COUNTED}) outs(%f : {ROW})",
    ),
    "too little scratch": (
        f"%w = pto.alloc_tile : {tile(cols=8)}",
        f"%c = pto.alloc_tile : {COLUMN}",
        f"pto.trowsum ins(%x, %w : {F32}, {tile(cols=8)}) outs(%c : {COLUMN})",
    ),
    "the scratch is an operand too": (
        f"%c = pto.alloc_tile : {COLUMN}",
        f"pto.trowsum ins(%x, %x : {F32}, {F32}) outs(%c : {COLUMN})",
    ),
    "the scratch's valid region is not the source's": (
        f"%w = pto.alloc_tile : {WIDE}",
        f"%c = pto.alloc_tile : {COLUMN}",
        f"pto.trowmin ins(%x, %w : {F32}, {WIDE}) outs(%c : {COLUMN})",
    ),
    "one number for each row": (
        f"%s = pto.alloc_tile : {tile(cols=8)}",
        f"%c = pto.alloc_tile : {tile(rows=16, cols=1, layout='col_major')}",
        f"pto.trowexpandsub ins(%x, %c, %s : {F32}, {tile(rows=16, cols=1, layout='col_major')}, {tile(cols=8)}) "
        f"outs(%y : {F32})",
    ),
    "one number a row is column-major": (
        f"%s = pto.alloc_tile : {tile(cols=8)}",
        f"pto.trowexpandsub ins(%x, %s, %s : {F32}, {tile(cols=8)}, {tile(cols=8)}) outs(%y : {F32})",
    ),
    "one number for each column": (
        f"%r = pto.alloc_tile : {NUMBERS}",
        f"pto.tcolexpandmul ins(%x, %r : {F32}, {NUMBERS}) outs(%y : {F32})",
    ),
    "the mask is not of a comparison": (
        f"%m = pto.alloc_tile : {MASK}",
        f"%w = pto.alloc_tile : {I32}",
        f"pto.tsel ins(%m, %x, %x, %w : {MASK}, {F32}, {F32}, {I32}) outs(%y : {F32})",
    ),
    "the mask is a bit an element, in i8": (
        f"pto.tcmp ins(%x, %x {{cmpMode = #pto<cmp equal>}} : {F32}, {F32}) outs(%y : {F32})",
    ),
    "not for i32": (
        f"%n = pto.alloc_tile : {I32}",
        f"%m = pto.alloc_tile : {MASK}",
        f"pto.tcmp ins(%n, %n {{cmpMode = #pto<cmp equal>}} : {I32}, {I32}) outs(%m : {MASK})",
    ),
    "leaves a view": (
        f"%w = pto.partition_view %x_view, offsets = [%c1, %c0], sizes = [%c8, %c16] : {VIEW} -> {WINDOW}",
    ),
    "on an array of 128": (
        f"%v = pto.make_tensor_view %in_ptr, shape = [%c16, %c16], strides = [%c16, %c1] : {VIEW}",
    ),
    "elements of a row lie together": (
        f"%v = pto.make_tensor_view %in_ptr, shape = [%c8, %c8], strides = [%c1, %c8] : {VIEW}",
    ),
    "another size than the type's": (
        f"%w = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%c1, %c16] : {VIEW} -> {WINDOW}",
    ),
    "a window of another size": (
        *part_of("x", "%c8", "%c1"),
        f"pto.tload ins(%x_window : {WINDOW}) outs(%x_part : {PART})",
    ),
    "different element types": (
        f"%n = pto.alloc_tile : {I32}",
        f"pto.tload ins(%x_window : {WINDOW}) outs(%n : {I32})",
    ),
    "what is written in a launch is read in it too": (
        f"pto.tstore ins(%x : {F32}) outs(%y_window : {WINDOW})",
        f"pto.tload ins(%y_window : {WINDOW}) outs(%y : {F32})",
    ),
    "a negative index": ("%n = arith.subi %c0, %c1 : index",),
    "a number outside its array": ("%n = pto.load_scalar %place_ptr[%c1] : !pto.ptr<i32> -> i32",),
    "an i32 is loaded": ("%n = pto.load_scalar %in_ptr[%c1] : !pto.ptr<f32> -> f32",),
    "a part begins at a multiple of 32 bytes": (
        f"%r = pto.alloc_tile : {ROW}",
        "%i = arith.addi %c0, %c1 : index",
        f"%s = pto.subset %r[%c0, %i] sizes [1, 8] : {ROW}",
    ),
    "columns 16 to 24 of 16": (
        f"%r = pto.alloc_tile : {ROW}",
        "%i = arith.addi %c8, %c8 : index",
        f"%s = pto.subset %r[%c0, %i] sizes [1, 8] : {ROW}",
    ),
    "a part of a tile is as valid as the tile": (
        f"%r = pto.alloc_tile : {ROW}",
        "%i = arith.addi %c0, %c8 : index",
        f"%s = pto.subset %r[%c0, %i] sizes [1, 8] : {ROW}",
        f"%d = pto.treshape %s : {tile(rows=1, cols=8, v_col='?')} -> {tile(rows=1, cols=8, v_row='?', v_col='?')}",
        f"pto.set_validshape %d, %c1, %c1 : {tile(rows=1, cols=8, v_row='?', v_col='?')}",
    ),
    "a number of type f32 has a point": ("%n = arith.constant 1 : f32",),
    "a loop does not end": ("scf.for %i = %c0 to %c8 step %c1 {",),
}  # fmt: skip


@pytest.mark.parametrize("complaint", REFUSED)
def test_the_simulator_refuses(complaint: str) -> None:
    with pytest.raises(Refused, match=complaint):
        run(*REFUSED[complaint])


def test_a_complaint_says_the_line() -> None:
    with pytest.raises(Refused, match="valid regions differ") as found:
        run(*REFUSED["valid regions differ"])
    assert found.value.args[1].startswith("pto.tmul")


def test_two_cores_may_not_write_the_same_elements() -> None:
    run(mul(), blocks=1)
    with pytest.raises(Refused, match="two cores write the same element"):
        run(mul(), blocks=2)


def test_a_name_of_a_loop_ends_with_it_and_a_loop_may_run_no_time() -> None:
    loop = ("scf.for %i = %c0 to %c0 step %c1 {", f"%t = pto.alloc_tile : {F32}", "}")
    run(*loop, *loop)
    with pytest.raises(Refused, match="%t is not defined here"):
        run(*loop, mul(a="%t"))


def test_the_older_spelling_changes_words_and_fills_new_tiles() -> None:
    body = (
        "%x_part = pto.treshape %x : !whole -> !part",
        "pto.set_validshape %x_part, %c8, %c1 : !part",
        "pto.tmul ins(%x, %y : !whole, !whole) outs(%y : !whole)",
        "pto.tcolexpandmul ins(%x_part, %y : !part, !whole) outs(%x_part : !part)",
    )
    lines = spelled(
        f"!whole = {F32}\n" + MODULE.format(view=VIEW, window=WINDOW, tile="!whole", body="\n".join(body))
    ).splitlines()
    assert not [
        line for line in lines if "loc=vec" in line or "partition_" in line or "set_validshape" in line
    ]
    place = lines.index("%x_part = pto.alloc_tile valid_row = %c8 valid_col = %c1 : !part")
    assert lines[place + 1 : place + 6] == [
        "pto.treshape ins(%x : !whole) outs(%x_part : !part)",
        "pto.tmul ins(%x : !whole, %y : !whole) outs(%y : !whole)",
        "%spread_1_of_row = pto.alloc_tile valid_row = %c8 valid_col = %c1 : !part",
        "pto.tcolexpand ins(%y : !whole) outs(%spread_1_of_row : !part)",
        "pto.tmul ins(%x_part : !part, %spread_1_of_row : !part) outs(%x_part : !part)",
    ]
