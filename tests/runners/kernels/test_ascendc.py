"""Each kernel's AscendC text computes what the oracle says, within what CANN documents, on any number of cores."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from runners.kernels.emit.ascendc import emit
from runners.kernels.expr import Axis, Load, Store, argmax, f32, i32, kernel
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS
from tests.proofs import record_proof
from tests.runners.kernels.ascendc_runs import TOOL, emitted_for, on
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case
from tests.runners.kernels.text_runs import (
    MANY_ROWS,
    NEAR,
    WIDENED,
    rounded_otherwise,
    rounding_case,
    widened_otherwise,
    wrong,
    wrong_among_equals,
    wrong_in_a_vocabulary,
    wrong_where_rows_repeat,
)
from tests.runners.kernels.tile_cases import TILED
from tests.simulators.ascendc import Simulator

QUICK = ["-O0"]  # to compile many texts of few numbers

OfStorage = Callable[[Storage], Simulator]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
    """All tiny and odd texts of a storage type, compiled together when first asked for."""

    @cache
    def simulator(storage: Storage) -> Simulator:
        texts = [emitted_for(case, storage) for case in TILED]
        return Simulator(texts, tmp_path_factory.mktemp(f"tiny-{storage}"), flags=QUICK)

    return simulator


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
    """All texts at true shapes of a storage type, compiled together when first asked for."""

    @cache
    def simulator(storage: Storage) -> Simulator:
        texts = [emitted_for(case, storage) for case in TRUE]
        return Simulator(texts, tmp_path_factory.mktemp(f"published-{storage}"))

    return simulator


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_on_one_core_and_on_several(
    name: str, storage: Storage, tiny: OfStorage
) -> None:
    cases = [case for case in TILED if case.kernel == name]
    texts = [emitted_for(case, storage) for case in cases]
    pairs = zip(cases, texts, strict=True)
    found = [fault for case, text in pairs for fault in wrong(case, storage, on(tiny(storage), text, case))]
    assert found == []
    for text in texts:
        record_proof(name, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_kernel_is_right_at_the_published_models_shape(
    case: Case, storage: Storage, published: OfStorage
) -> None:
    text = emitted_for(case, storage)
    assert wrong(case, storage, on(published(storage), text, case, text.launch["blocks"])) == []
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("case", MANY_ROWS, ids=str)
def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
    case: Case, storage: Storage, published: OfStorage
) -> None:
    text = emitted_for(case, storage)
    assert wrong_where_rows_repeat(case, storage, partial(published(storage).run, text)) == []
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL)


@pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(
    name: str, published: OfStorage
) -> None:
    (case,) = (case for case in TRUE if case.kernel == name)
    text = emitted_for(case, "bf16")
    assert wrong_in_a_vocabulary(case, partial(published("bf16").run, text)) == []
    record_proof(name, "ascendc", text.sha256, "simulated", TOOL, cases=3)


def test_the_first_of_equal_largest_wins_wherever_they_are(tiny: OfStorage) -> None:
    text = emitted_for(TILED[-1], "f32")
    assert wrong_among_equals(TILED[-1].sizes.lengths["vocab"], partial(tiny("f32").run, text)) == []


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_numbers_are_rounded_and_widened_as_numpy_does_bit_by_bit(storage: Storage, tmp_path: Path) -> None:
    narrowing = rounding_case(storage)
    texts = [emitted_for(narrowing, storage), emit(KERNELS["embedding_lookup"], WIDENED, storage)]
    simulator = Simulator(texts, tmp_path, flags=QUICK)
    assert rounded_otherwise(storage, on(simulator, texts[0], narrowing)) == 0
    assert widened_otherwise(storage, partial(simulator.run, texts[1])) == 0


def test_a_row_beyond_what_32_bits_count_is_read(tmp_path: Path) -> None:
    text = emit(KERNELS["embedding_lookup"], Sizes({"vocab": 2**20 + 16, "hidden": 2048}), "bf16")
    table = np.zeros((2**20 + 16, 2048), np.uint16)  # only the row that is touched takes memory
    table[-1] = 0x3F80  # one
    arrays: dict[str, Any] = {
        "token": np.array(len(table) - 1, np.int32),
        "table": table,
        "x": np.zeros(2048, np.float32),
    }
    Simulator([text], tmp_path, flags=QUICK).run(text, arrays)
    assert arrays["x"].tolist() == [1.0] * 2048


def test_each_row_of_several_a_core_has_its_own_first_largest(tmp_path: Path) -> None:
    rows, cols = Axis("rows"), Axis("cols")

    @kernel(rows)
    def best(x: Load = f32(rows, cols), y: Load = i32(rows)) -> Store:
        """y = the first index of the row's largest x"""
        return y.set(argmax(x, cols))

    text = emit(best, Sizes({"rows": 90, "cols": 5000}), "f32")
    x = np.random.default_rng(0).standard_normal((90, 5000), np.float32)
    arrays: dict[str, Any] = {"x": x, "y": np.full(90, -1, np.int32)}
    Simulator([text], tmp_path, flags=QUICK).run(text, arrays)
    assert arrays["y"].tolist() == x.argmax(1).tolist()


def test_rows_of_several_lengths_are_taken_in_as_many_pieces_each(tmp_path: Path) -> None:
    short, long = Axis("short"), Axis("long")

    @kernel()
    def two(
        a: Load = f32(short), b: Load = f32(long), y: Load = f32(short), z: Load = f32(long)
    ) -> tuple[Store, ...]:
        """y = 2 a; z = 3 b"""
        return y.set(2.0 * a), z.set(3.0 * b)

    text = emit(two, Sizes({"short": 9000, "long": 20_000}), "f32")
    arrays = {"a": np.ones(9000, np.float32), "b": np.ones(20_000, np.float32)}
    arrays |= {"y": arrays["a"] * np.nan, "z": arrays["b"] * np.nan}
    Simulator([text], tmp_path, flags=QUICK).run(text, arrays)
    assert (arrays["y"] == 2).all()
    assert (arrays["z"] == 3).all()


def test_what_the_instructions_or_events_do_not_reach_is_refused_by_name() -> None:
    rows, cols = Axis("rows"), Axis("cols")

    @kernel(rows)
    def five(
        a: Load = f32(rows, cols),
        b: Load = f32(rows, cols),
        c: Load = f32(rows, cols),
        d: Load = f32(rows, cols),
        e: Load = f32(rows, cols),
        y: Load = f32(rows, cols),
    ) -> Store:
        """y = a + b + c + d + e"""
        return y.set(a + b + c + d + e)

    with pytest.raises(NotImplementedError, match="softmax: a row of 20000 and a number"):
        emit(KERNELS["softmax"], Sizes({"rows": 1, "cols": 20_000}), "bf16")
    assert emit(five, Sizes({"rows": 40, "cols": 8}), "f32").text
    with pytest.raises(NotImplementedError, match="five: 10 input buffers, and there are 8 events"):
        emit(five, Sizes({"rows": 41, "cols": 8}), "f32")


def test_the_text_does_not_depend_on_the_depth_and_is_always_the_same() -> None:
    for case in TINY:
        first, again = (emitted_for(case, "bf16") for _ in range(2))
        assert (first.text, first.launch) == (again.text, again.launch)
        assert set(first.launch) == {"blocks"}
        assert KERNELS[case.kernel].doc in first.text


def test_a_block_is_a_vector_core_whatever_the_compiler_would_choose() -> None:
    for case in TINY:
        (opening,) = re.findall(r'extern "C" [^{]*\{\n(.*)\n', emitted_for(case, "bf16").text)
        assert opening == "    KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);"


def test_the_emitter_knows_no_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("ascendc*.py")]
    names = "|".join(kernel.name for kernel in DECODE_STEP)
    assert len(files) == 4
    for file in files:
        assert re.findall(names, file.read_text("utf-8")) == [], file.name
