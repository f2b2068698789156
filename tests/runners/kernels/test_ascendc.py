"""Each kernel's AscendC text computes what the oracle says, within what CANN documents, on any number of cores."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from runners.kernels.emit.ascendc import emit
from runners.kernels.expr import Axis, Load, Store, argmax, f32, i32, kernel, largest, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.proofs import record_proof
from tests.runners.kernels.ascendc_runs import TOOL, emitted_for, on
from tests.runners.kernels.cases import DTYPES, ROOT, TINY, TRUE, Case, relative_error
from tests.runners.kernels.simt_runs import (
    EXACT,
    ROUNDED,
    WIDENED,
    inputs,
    repeated,
    rounded_otherwise,
    rounding_case,
    wanted,
    wrong,
)
from tests.simulators.ascendc import Simulator

PERIOD = 509  # rows that are drawn; a prime, so that no tile meets the same ones at the same place
FAR = 2000  # rows from which on a true shape repeats those
QUICK = ["-O0"]  # to compile many texts of few numbers
EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 4099, "in": 24})),  # many rows in a tile, and few in the last
    Case("lm_head_matvec", Sizes({"out": 30, "in": 2500})),  # rows in parts, the last one short
    Case("mlp_gate_up_silu", Sizes({"out": 9, "in": 3840})),  # two matrices, rows in equal parts
    Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 2, "head_dim": 512}), 9, 10),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 1, "head_dim": 301}), 300, 303),
    Case("embedding_lookup", Sizes({"vocab": 7, "hidden": 5001})),  # a row in pieces
    Case("silu", Sizes({"rows": 3, "cols": 9000})),
    Case("rms_norm", Sizes({"rows": 50, "cols": 40}, {"rms_norm_eps": 1e-6})),  # several rows a core
    Case("kv_cache_append", Sizes({"kv_heads": 50, "head_dim": 24}), 3, 4),
    Case("argmax_greedy", Sizes({"vocab": 10007})),  # the last chunk overlaps
]
NEAR = [c for c in TRUE if c.sizes.programs(KERNELS[c.kernel]) < FAR and "vocab" not in c.sizes.lengths]
MANY_ROWS = [case for case in TRUE if case.sizes.programs(KERNELS[case.kernel]) >= FAR]

OfStorage = Callable[[Storage], Simulator]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
    """All tiny and odd texts of a storage type, compiled together when first asked for."""

    @cache
    def simulator(storage: Storage) -> Simulator:
        texts = [emitted_for(case, storage) for case in [*TINY, *EXTRA]]
        return Simulator(texts, tmp_path_factory.mktemp(f"tiny-{storage}"), flags=QUICK)

    return simulator


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """All published texts, compiled together."""
    texts = [emitted_for(case, "bf16") for case in TRUE]
    return Simulator(texts, tmp_path_factory.mktemp("published"))


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_on_one_core_and_on_several(
    name: str, storage: Storage, tiny: OfStorage
) -> None:
    cases = [case for case in [*TINY, *EXTRA] if case.kernel == name]
    texts = [emitted_for(case, storage) for case in cases]
    pairs = zip(cases, texts, strict=True)
    found = [fault for case, text in pairs for fault in wrong(case, storage, on(tiny(storage), text, case))]
    assert found == []
    for text in texts:
        record_proof(name, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_kernel_is_right_at_the_published_models_shape(case: Case, published: Simulator) -> None:
    text = emitted_for(case, "bf16")
    assert wrong(case, "bf16", on(published, text, case, text.launch["blocks"])) == []
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", MANY_ROWS, ids=str)
def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
    case: Case, published: Simulator
) -> None:
    (axis,) = KERNELS[case.kernel].parallel
    rows = case.sizes.lengths[axis.name]
    few = Case(case.kernel, Sizes({**case.sizes.lengths, axis.name: PERIOD}, case.sizes.settings))
    drawn = inputs(few, "bf16")
    ((name, right),) = wanted(few, "bf16", drawn).items()
    along = {array.name for array in KERNELS[case.kernel].arrays if axis in array.axes}
    arrays = {key: repeated(array, rows) if key in along else array for key, array in drawn.items()}
    text = emitted_for(case, "bf16")
    published.run(text, arrays)
    got = arrays[name]
    assert relative_error(right, got[:PERIOD]) <= (EXACT if right.dtype == np.float64 else ROUNDED)
    assert np.array_equal(repeated(got[:PERIOD], rows).view(np.uint8), got.view(np.uint8))
    record_proof(case.kernel, "ascendc", text.sha256, "simulated", TOOL)


@pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(
    name: str, published: Simulator
) -> None:
    (case,) = (case for case in TRUE if case.kernel == name)
    text, last = emitted_for(case, "bf16"), case.sizes.lengths["vocab"] - 1
    rng = np.random.default_rng(1)
    for chosen in (0, 4097, last):
        if name == "argmax_greedy":
            arrays = inputs(case, "bf16", seed=chosen)
            arrays["logits"][chosen] = 99.0
            published.run(text, arrays)
            assert arrays["token"] == chosen
        else:
            table = np.zeros((last + 1, case.sizes.lengths["hidden"]), np.uint16)  # costs no memory
            row = rng.standard_normal(table.shape[1], np.float32)
            table[chosen] = row.view(np.uint32) >> 16
            arrays = {"token": np.array(chosen, np.int32), "table": table, "x": row * np.nan}
            published.run(text, arrays)
            assert np.array_equal(arrays["x"].view(np.uint32), table[chosen].astype(np.uint32) << 16)
    record_proof(name, "ascendc", text.sha256, "simulated", TOOL, cases=3)


def test_the_first_of_equal_largest_wins_wherever_they_are(tiny: OfStorage) -> None:
    case = EXTRA[-1]
    text, vocab = emitted_for(case, "f32"), case.sizes.lengths["vocab"]
    for value, places in (
        (5.0, [9001, 77, 10006]),  # a lane's second, another's first, and one that two lanes meet
        (5.0, [9001, 10006]),
        (5.0, range(vocab)),
        (-np.inf, range(vocab)),
        (np.finfo(np.float32).min, [5000]),  # the least number is more than minus infinity
    ):
        logits = np.full(vocab, -np.inf, np.float32)
        logits[list(places)] = value
        arrays: dict[str, Any] = {"logits": logits, "token": np.array(-1, np.int32)}
        tiny("f32").run(text, arrays)
        assert arrays["token"] == min(places)


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_numbers_are_rounded_and_widened_as_numpy_does_bit_by_bit(storage: Storage, tmp_path: Path) -> None:
    narrowing = rounding_case(storage)
    texts = [emitted_for(narrowing, storage), emit(KERNELS["embedding_lookup"], WIDENED, storage)]
    simulator = Simulator(texts, tmp_path, flags=QUICK)
    assert rounded_otherwise(storage, on(simulator, texts[0], narrowing)) == 0
    every = np.arange(2**16, dtype=np.uint16)
    arrays: dict[str, Any] = {"token": np.array(0, np.int32), "table": every}
    arrays["x"] = np.full(2**16, 7, np.float32)
    simulator.run(texts[1], arrays)
    right = every.view(DTYPES[storage]).astype(np.float32)
    assert np.array_equal(right, arrays["x"], equal_nan=True)


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


def test_a_kernel_that_no_emitter_was_written_for_runs(tmp_path: Path) -> None:
    """Largest and sums over two axes, no weight, no group, one number a program."""
    heads, dim, slots = Axis("heads"), Axis("dim"), Axis("slots")

    @kernel(heads)
    def spread(
        x: Load = f32(heads, dim), w: Load = f32(slots), y: Load = f32(heads), z: Load = f32(heads, slots)
    ) -> tuple[Store, ...]:
        """y = largest x times all w; z = w · softmaxed sum of x"""
        height = largest(x, dim)
        return y.set(height * total(w, slots)), z.set(softmax_of(w, slots) * total(x, dim))

    sizes, rng = Sizes({"heads": 3, "dim": 37, "slots": 300}), np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 37), 300))
    arrays = {"x": x, "w": w, "y": np.full(3, np.nan, np.float32), "z": np.full((3, 300), np.nan, np.float32)}
    text = emit(spread, sizes, "f32")
    Simulator([text], tmp_path, flags=QUICK).run(text, arrays)
    e = np.exp(w.astype(np.float64))
    assert relative_error(x.max(1) * w.sum(dtype=np.float64), arrays["y"]) < EXACT
    assert relative_error(np.outer(x.sum(1, dtype=np.float64), e / e.sum()), arrays["z"]) < EXACT


def test_one_number_can_be_the_sum_over_the_tokens(tmp_path: Path) -> None:
    heads, dim = Axis("heads"), Axis("dim")

    @kernel(heads)
    def mean_weight(
        q: Load = f32(heads, dim),
        keys: Load = f32(tokens, dim),
        w: Load = f32(tokens),
        position: Load = i32(),
        y: Load = f32(heads),
    ) -> Store:
        """y = the mean of w, weighted by a softmax over the tokens"""
        del position
        return y.set(total(softmax_of(total(q * keys, dim), tokens) * w, tokens))

    rng, end = np.random.default_rng(0), 700
    q, keys, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 8), (end, 8), end))
    arrays = {"q": q, "keys": keys, "w": w, "position": np.array(end - 1, np.int32)}
    arrays["y"] = np.full(3, np.nan, np.float32)
    text = emit(mean_weight, Sizes({"heads": 3, "dim": 8}), "f32")
    Simulator([text], tmp_path, flags=QUICK).run(text, arrays, capacity=end)
    e = np.exp(q.astype(np.float64) @ keys.T.astype(np.float64))
    assert relative_error((e * w).sum(1) / e.sum(1), arrays["y"]) < EXACT


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
