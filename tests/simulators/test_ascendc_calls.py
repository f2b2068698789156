"""The Ascend C simulator computes what the reference says of each call on Atlas A2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.simulators.ascendc import Simulator
from tests.simulators.ascendc.probes import COPY, DOUBLE, NUMBERS, arrays, changed, emitted, event, whole
from tests.simulators.simt import SimulationError

V = "PipeBarrier<PIPE_V>();"
Wanted = Callable[[Any], Any]


def rows(x: Any) -> Any:
    return x.reshape(6, 64)


def in_front(numbers: Any) -> Any:
    """``numbers``, and after them what was never written."""
    found = np.full(NUMBERS, np.nan, np.float32)
    found[: np.size(numbers)] = numbers
    return found


def toward(x: Any, outward: Any) -> Any:
    """The bfloat16 before x, counted from zero; where ``outward``, the one behind it, unless x is one."""
    bits = np.abs(x).view(np.uint32)
    inner = bits & np.uint32(0xFFFF0000)
    step = np.where(outward & (inner != bits), np.uint32(0x10000), np.uint32(0))
    return np.copysign((inner + step).view(np.float32), x)


def cast_to_bf16(mode: str) -> str:
    return whole(
        f"Cast(t.ReinterpretCast<bfloat16_t>(), a, RoundMode::{mode}, 384); {V}"
        "Cast(r, t.ReinterpretCast<bfloat16_t>(), RoundMode::CAST_NONE, 384);"
    )


ARITHMETIC: dict[str, tuple[str, Wanted]] = {
    "Add": (DOUBLE, lambda x: x + x),
    "Sub, Adds": (whole(f"Adds(t, a, 1.0f, 384); {V} Sub(r, a, t, 384);"), lambda x: x - (x + 1)),
    "Mul, Div, a count that is no multiple": (
        whole(f"Mul(t, a, a, 381); {V} Div(r, a, t, 381);"),
        lambda x: in_front((x / (x * x))[:381]),
    ),
    "Max, Mins": (
        whole(f"Mins(t, a, 0.5f, 384); {V} Max(r, t, a, 384);"),
        lambda x: np.maximum(x, np.minimum(x, 0.5)),
    ),
    "Exp, Ln, Sqrt, Abs": (
        whole(f"Abs(r, a, 384); {V} Sqrt(r, r, 384); {V} Exp(r, r, 384); {V} Ln(r, r, 384);"),
        lambda x: np.log(np.exp(np.sqrt(np.abs(x)))),
    ),
    "Duplicate, Axpy, MulAddDst": (
        whole(f"Duplicate(r, 2.0f, 384); {V} Axpy(r, a, 3.0f, 384); {V} MulAddDst(r, a, a, 384);"),
        lambda x: 2 + 3 * x + x * x,
    ),
    "Duplicate of some": (whole("Duplicate(r, 7.0f, 5);"), lambda _: in_front(np.full(5, 7))),
    "CreateVecIndex": (whole("CreateVecIndex(r, 3.0f, 384);"), lambda _: 3 + np.arange(NUMBERS)),
    "Brcb, and a block for all of a row": (
        whole(f"Brcb(t, a, 1, {{1, 8}}); {V} Mul(r, a, t, 64, 6, {{1, 1, 0, 8, 8, 1}});"),
        lambda x: (rows(x) * x[:6, None]).reshape(-1),
    ),
    "a row for all rows, 33 lanes of each": (
        whole("Add(r, a, a, 33, 6, {1, 1, 1, 8, 8, 0});"),
        lambda x: np.where(np.arange(64) < 33, rows(x) + x[:64], np.nan).reshape(-1),
    ),
    "halves of rows that lie between each other": (
        whole(f"Adds(r, a, 0.0f, 384); {V}Add(r, r[32], a, 32, 6, {{1, 1, 1, 8, 8, 8}});"),
        lambda x: np.hstack([rows(x)[:, 32:] + rows(x)[:, :32], rows(x)[:, 32:]]).reshape(-1),
    ),
    "a copy through one queue": (COPY, lambda x: x),
}

REDUCTIONS: dict[str, tuple[str, Wanted]] = {
    "ReduceSum": (
        whole("ReduceSum(r, a, t, 301);"),
        lambda x: in_front(x[:301].sum(dtype=np.float64)),
    ),
    "WholeReduceSum": (
        whole("WholeReduceSum(r, a, 50, 6, 1, 1, 8);"),
        lambda x: in_front(rows(x)[:, :50].sum(1, dtype=np.float64)),
    ),
    "WholeReduceMin, of every other block": (
        whole("WholeReduceMin(r, a, 16, 6, 1, 2, 8, ReduceOrder::ORDER_ONLY_VALUE);"),
        lambda x: in_front(rows(x)[:, [*range(8), *range(16, 24)]].min(1)),
    ),
    "BlockReduceMax": (
        whole("BlockReduceMax(r, a, 6, 64, 1, 1, 8);"),
        lambda x: in_front(x.reshape(-1, 8).max(1)),
    ),
    "BlockReduceSum": (
        whole("BlockReduceSum(r, a, 6, 64, 1, 1, 8);"),
        lambda x: in_front(x.reshape(-1, 8).sum(1, dtype=np.float64)),
    ),
    "ReduceMax with its index, the first of several": (
        whole(f"Mins(t, a, 0.5f, 384); {V} ReduceMax(r, t, t[384], 384, true);"),
        lambda x: in_front([0.5, np.array((x > 0.5).argmax(), np.int32).view(np.float32)]),
    ),
    "Compare and Select": (
        whole(
            f"LocalTensor<uint8_t> mask = t.ReinterpretCast<uint8_t>(); Adds(r, a, -0.5f, 384); {V}"
            f"Muls(t[512], r, -2.0f, 384); {V} Compare(mask, r, t[512], CMPMODE::GT, 384); {V}"
            "Select(r, mask, a, t[512], SELMODE::VSEL_TENSOR_TENSOR_MODE, 384);"
        ),
        lambda x: np.where(x > np.float32(0.5), x, (x - np.float32(0.5)) * -2),
    ),
    "Compares and Select of a scalar": (
        whole(
            "LocalTensor<uint8_t> mask = t.ReinterpretCast<uint8_t>();"
            f"Compares(mask, a, 0.25f, CMPMODE::LE, 384); {V}"
            "Select(r, mask, a, 9.0f, SELMODE::VSEL_TENSOR_SCALAR_MODE, 384);"
        ),
        lambda x: np.where(x <= 0.25, x, 9),
    ),
}

CASTS: dict[str, tuple[str, Wanted]] = {
    "bfloat16, nearest": (
        cast_to_bf16("CAST_RINT"),
        lambda x: x.astype(ml_dtypes.bfloat16).astype(np.float32),
    ),
    "bfloat16, down": (cast_to_bf16("CAST_FLOOR"), lambda x: toward(x, x < 0)),
    "bfloat16, up": (cast_to_bf16("CAST_CEIL"), lambda x: toward(x, x > 0)),
    "bfloat16, toward zero": (cast_to_bf16("CAST_TRUNC"), lambda x: toward(x, np.full(NUMBERS, False))),
    "bfloat16, ties away": (
        cast_to_bf16("CAST_ROUND"),
        lambda x: toward(x, x.view(np.uint32) & 0x8000 != 0),
    ),
    "half": (
        whole(
            f"Cast(t.ReinterpretCast<half>(), a, RoundMode::CAST_RINT, 384); {V}"
            "Cast(r, t.ReinterpretCast<half>(), RoundMode::CAST_NONE, 384);"
        ),
        lambda x: x.astype(np.float16).astype(np.float32),
    ),
    "an integer": (
        whole(
            f"Muls(t, a, 9.0f, 384); {V} Cast(t.ReinterpretCast<int32_t>(), t, RoundMode::CAST_TRUNC, 384); {V}"
            "Cast(r, t.ReinterpretCast<int32_t>(), RoundMode::CAST_NONE, 384);"
        ),
        lambda x: np.trunc(x * 9),
    ),
}

PLAIN = whole("Adds(r, a, 0.0f, 384);")
LOAD, STORE = "DataCopy(a, from, 384)", "DataCopy(to, r, 384)"
PADDED = "DataCopyPad(a, from, {12, 120, 0, 0, 0}, DataCopyPadExtParams<float>{true, 0, 2, -1.0f})"
COPIES: dict[str, tuple[str, Wanted]] = {
    "rows, padded": (
        changed(PLAIN, (LOAD, PADDED)),
        lambda x: np.pad(x[:360].reshape(12, 30), ((0, 0), (0, 2)), constant_values=-1).reshape(-1),
    ),
    "rows, stored apart": (
        changed(PLAIN, (LOAD, PADDED), (STORE, "DataCopyPad(to, r, {12, 120, 0, 8, 0})")),
        lambda x: in_front(
            np.pad(x[:360].reshape(12, 30), ((0, 0), (0, 2)), constant_values=np.nan).reshape(-1)
        ),
    ),
    "rows from apart, unpadded": (
        changed(
            PLAIN,
            (LOAD, "DataCopyPad(a, from, {6, 108, 8, 0, 0}, DataCopyPadExtParams<float>{false, 0, 0, 0})"),
        ),
        lambda x: in_front(
            np.pad(x[:174].reshape(6, 29)[:, :27], ((0, 0), (0, 5)), constant_values=np.nan).reshape(-1)
        ),
    ),
    "a scalar of memory and one of a result": (
        whole(
            "DataCacheCleanAndInvalid<float, CacheLine::SINGLE_CACHE_LINE>(from[3]);"
            f"Adds(r, a, from.GetValue(3), 384); {event('V_S')} float first = r.GetValue(0); {V}"
            f"{event('S_V')} Adds(r, r, first, 384);"
        ),
        lambda x: (x + x[3]) + (x[0] + x[3]),
    ),
    "a scalar written": (
        whole(f"Adds(r, a, 1.0f, 384); {event('V_S')} r.SetValue(5, 7); {event('S_MTE3')}"),
        lambda x: np.where(np.arange(NUMBERS) == 5, 7, x + 1),
    ),
}

COMPUTED = ARITHMETIC | REDUCTIONS | CASTS | COPIES
ESTIMATED = {
    call: whole(f"Adds(t, a, 2.0f, 384); {V} {call}(r, t, 384);") for call in ("Rsqrt", "Reciprocal")
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """All texts of this file, compiled together."""
    texts = [*(text for text, _ in COMPUTED.values()), *ESTIMATED.values()]
    return Simulator([emitted(text) for text in texts], tmp_path_factory.mktemp("ascendc"))


@pytest.mark.parametrize(("text", "wanted"), COMPUTED.values(), ids=COMPUTED)
def test_a_call_computes_what_its_page_says(text: str, wanted: Wanted, simulator: Simulator) -> None:
    given = arrays()
    simulator.run(emitted(text), given, blocks=1)
    np.testing.assert_allclose(given["y"], wanted(given["x"]), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("blocks", [1, 4, 7])
def test_cores_share_the_tiles_in_either_order(blocks: int, reverse: bool, simulator: Simulator) -> None:
    given = arrays()
    simulator.run(emitted(DOUBLE), given, blocks=blocks, reverse=reverse)
    assert (given["y"] == 2 * given["x"]).all()


@pytest.mark.parametrize(("call", "power"), [("Rsqrt", -0.5), ("Reciprocal", -1)])
def test_estimates_are_off_by_more_than_a_result_may_be(
    call: str, power: float, simulator: Simulator
) -> None:
    given = arrays()
    simulator.run(emitted(ESTIMATED[call]), given, blocks=1)
    error = given["y"] / (given["x"].astype(np.float64) + 2) ** power - 1
    assert 1e-4 < np.linalg.norm(error) / NUMBERS**0.5 < 1e-3


@pytest.mark.parametrize(
    ("compute", "report"),
    {
        "arithmetic on bfloat16": (
            "LocalTensor<bfloat16_t> b = t.ReinterpretCast<bfloat16_t>(); Add(b, b, b, 64);",
            "Add: no such element type on Atlas A2",
        ),
        "a scalar of another type": ("Adds(r, a, 1.0, 384);", "no matching function for call to .Adds"),
        "a pair of types": (
            "Cast(t.ReinterpretCast<half>(), t.ReinterpretCast<bfloat16_t>(), RoundMode::CAST_RINT, 64);",
            "no such pair of element types on Atlas A2",
        ),
    }.values(),
)
def test_types_that_a_call_does_not_take_do_not_compile(compute: str, report: str, tmp_path: Any) -> None:
    with pytest.raises(SimulationError, match=report):
        Simulator([emitted(whole(compute))], tmp_path)
