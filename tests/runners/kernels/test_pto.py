"""Each kernel's PTO text computes what the oracle says, on any number of cores, in a simulator that refuses much."""

from __future__ import annotations

import re
from typing import Any, get_args

import numpy as np
import pytest

from runners.kernels.emit.pto import emit
from runners.kernels.expr import Axis, Load, Store, f32, i32, kernel, largest, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of, tokens
from tests.proofs import record_proof
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case, relative_error
from tests.runners.kernels.pto_runs import TOOL, emitted_for, on
from tests.runners.kernels.simt_runs import (
    EXACT,
    ROUNDED,
    WIDENED,
    inputs,
    repeated,
    rounded_otherwise,
    rounding_case,
    wanted,
    widened_otherwise,
    wrong,
)
from tests.simulators.pto import Simulator

PERIOD = 509  # rows that are drawn; a prime, so that no tile meets the same ones at the same place
FAR = 2000  # rows from which on a true shape repeats those
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
    Case("argmax_greedy", Sizes({"vocab": 10007})),  # several chunks
]
NEAR = [c for c in TRUE if c.sizes.programs(KERNELS[c.kernel]) < FAR and "vocab" not in c.sizes.lengths]
MANY_ROWS = [case for case in TRUE if case.sizes.programs(KERNELS[case.kernel]) >= FAR]


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_on_one_core_and_on_several(
    name: str, storage: Storage
) -> None:
    cases = [case for case in [*TINY, *EXTRA] if case.kernel == name]
    texts = [emitted_for(case, storage) for case in cases]
    pairs = zip(cases, texts, strict=True)
    assert [fault for case, text in pairs for fault in wrong(case, storage, on(text, case))] == []
    for text in texts:
        record_proof(name, "pto", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", NEAR, ids=str)
def test_a_kernel_is_right_at_the_published_models_shape(case: Case) -> None:
    text = emitted_for(case, "bf16")
    assert wrong(case, "bf16", on(text, case, text.launch["blocks"])) == []
    record_proof(case.kernel, "pto", text.sha256, "simulated", TOOL, cases=2)


@pytest.mark.parametrize("case", MANY_ROWS, ids=str)
def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(case: Case) -> None:
    (axis,) = KERNELS[case.kernel].parallel
    rows = case.sizes.lengths[axis.name]
    few = Case(case.kernel, Sizes({**case.sizes.lengths, axis.name: PERIOD}, case.sizes.settings))
    drawn = inputs(few, "bf16")
    ((name, right),) = wanted(few, "bf16", drawn).items()
    along = {array.name for array in KERNELS[case.kernel].arrays if axis in array.axes}
    arrays = {key: repeated(array, rows) if key in along else array for key, array in drawn.items()}
    text = emitted_for(case, "bf16")
    Simulator([text]).run(text, arrays)
    got = arrays[name]
    assert relative_error(right, got[:PERIOD]) <= (EXACT if right.dtype == np.float64 else ROUNDED)
    assert np.array_equal(repeated(got[:PERIOD], rows).view(np.uint8), got.view(np.uint8))
    record_proof(case.kernel, "pto", text.sha256, "simulated", TOOL)


@pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(name: str) -> None:
    (case,) = (case for case in TRUE if case.kernel == name)
    text, last = emitted_for(case, "bf16"), case.sizes.lengths["vocab"] - 1
    simulator, rng = Simulator([text]), np.random.default_rng(1)
    for chosen in (0, 4097, last):
        if name == "argmax_greedy":
            arrays = inputs(case, "bf16", seed=chosen)
            arrays["logits"][chosen] = 99.0
            simulator.run(text, arrays)
            assert arrays["token"] == chosen
        else:
            table = np.zeros((last + 1, case.sizes.lengths["hidden"]), np.uint16)  # costs no memory
            row = rng.standard_normal(table.shape[1], np.float32)
            table[chosen] = row.view(np.uint32) >> 16
            arrays = {"token": np.array(chosen, np.int32), "table": table, "x": row * np.nan}
            simulator.run(text, arrays)
            assert np.array_equal(arrays["x"].view(np.uint32), table[chosen].astype(np.uint32) << 16)
    record_proof(name, "pto", text.sha256, "simulated", TOOL, cases=3)


def test_the_first_of_equal_largest_wins_wherever_they_are() -> None:
    case = EXTRA[-1]
    text, vocab = emitted_for(case, "f32"), case.sizes.lengths["vocab"]
    simulator = Simulator([text])
    for value, places in (
        (5.0, [9001, 77, 10006]),
        (5.0, range(vocab)),
        (-np.inf, range(vocab)),
        (np.finfo(np.float32).min, [5000]),  # the least number is more than minus infinity
    ):
        logits = np.full(vocab, -np.inf, np.float32)
        logits[list(places)] = value
        arrays: dict[str, Any] = {"logits": logits, "token": np.array(-1, np.int32)}
        simulator.run(text, arrays)
        assert arrays["token"] == min(places)


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_numbers_are_rounded_to_storage_as_numpy_rounds_them(storage: Storage) -> None:
    case = rounding_case(storage)
    assert rounded_otherwise(storage, on(emitted_for(case, storage), case)) == 0


@pytest.mark.parametrize("storage", ["bf16", "f16"])
def test_every_stored_number_is_widened_to_itself(storage: Storage) -> None:
    text = emit(KERNELS["embedding_lookup"], WIDENED, storage)
    simulator: Any = Simulator([text])
    assert widened_otherwise(storage, simulator, text) == 0


def test_a_kernel_that_no_emitter_was_written_for_runs() -> None:
    """Largest and sums over two axes, no weight, no group, one number a program, a sum that is added to a row."""
    heads, dim, slots = Axis("heads"), Axis("dim"), Axis("slots")

    @kernel(heads)
    def spread(
        x: Load = f32(heads, dim), w: Load = f32(slots), y: Load = f32(heads), z: Load = f32(heads, slots)
    ) -> tuple[Store, ...]:
        """y = largest x times all w; z = w · softmaxed sum of x, and the sum of x"""
        height = largest(x, dim)
        return y.set(height * total(w, slots)), z.set(softmax_of(w, slots) * total(x, dim) + total(x, dim))

    sizes, rng = Sizes({"heads": 3, "dim": 37, "slots": 300}), np.random.default_rng(0)
    x, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 37), 300))
    arrays = {"x": x, "w": w, "y": np.full(3, np.nan, np.float32), "z": np.full((3, 300), np.nan, np.float32)}
    text = emit(spread, sizes, "f32")
    Simulator([text]).run(text, arrays)
    e, sums = np.exp(w.astype(np.float64)), x.sum(1, dtype=np.float64)
    assert relative_error(x.max(1) * w.sum(dtype=np.float64), arrays["y"]) < EXACT
    assert relative_error(np.outer(sums, e / e.sum()) + sums[:, None], arrays["z"]) < EXACT


def test_one_number_can_be_the_sum_over_the_tokens() -> None:
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
    Simulator([text]).run(text, arrays, capacity=end)
    e = np.exp(q.astype(np.float64) @ keys.T.astype(np.float64))
    assert relative_error((e * w).sum(1) / e.sum(1), arrays["y"]) < EXACT


def test_what_the_dialect_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lm_head_matvec: weight has more elements than 32 bits count"):
        emit(KERNELS["lm_head_matvec"], Sizes({"out": 2**20, "in": 2048}), "bf16")
    with pytest.raises(ValueError, match=r"softmax: its tiles take .* bytes"):
        emit(KERNELS["softmax"], Sizes({"rows": 1, "cols": 40_000}), "f32")


def test_a_sum_over_the_tokens_that_cannot_be_rescaled_is_refused_by_name() -> None:
    @kernel()
    def plain(w: Load = f32(tokens), position: Load = i32(), y: Load = f32()) -> Store:
        """y = the sum of w"""
        del position
        return y.set(total(w, tokens))

    with pytest.raises(NotImplementedError, match="plain: "):
        emit(plain, Sizes({}), "f32")


def test_the_text_is_deterministic_and_says_how_many_cores_are_good() -> None:
    for case in TINY:
        first, again = (emitted_for(case, "bf16") for _ in range(2))
        assert (first.text, first.launch) == (again.text, again.launch)
        assert set(first.launch) == {"blocks"}


def test_nothing_in_a_text_is_unused() -> None:
    for case in TRUE:
        text = emitted_for(case, "bf16").text
        for name in re.findall(r"^ *(%\w+) = |^(!\w+) = ", text, re.MULTILINE):
            word = re.escape(name[0] or name[1])
            assert len(re.findall(rf"{word}\b", text)) > 1, (case.kernel, word)


def test_the_printer_knows_no_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("pto*.py")]
    names = "|".join(kernel.name for kernel in DECODE_STEP)
    assert len(files) >= 6
    for file in files:
        assert re.findall(names, file.read_text("utf-8").lower()) == [], file.name
