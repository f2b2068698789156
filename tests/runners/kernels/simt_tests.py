"""What each SIMT language's texts must do, on the simulator and in both orders of threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from runners.kernels.emit import emit
from runners.kernels.expr import Axis, Load, Store, f32, i32, kernel, largest, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS, softmax_of, tokens
from tests.proofs import record_proof
from tests.runners.kernels.cases import TINY, TRUE, Case, relative_error
from tests.runners.kernels.simt_runs import (
    EXACT,
    ROUNDED,
    WIDENED,
    emitted_for,
    fitting,
    inputs,
    on,
    repeated,
    rounded_otherwise,
    rounding_case,
    wanted,
    widened_otherwise,
    wrong,
)
from tests.simulators.simt import Sanitized, Simulator

TOOL = "SIMT simulator, threads in order and in reverse"
PERIOD = 509  # rows that are drawn; a prime, so that no block or warp meets the same ones at the same place
FAR = 2000  # rows from which on a true shape repeats those
EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 4099, "in": 24})),  # two rows a warp, and a warp with one
    Case("lm_head_matvec", Sizes({"out": 65543, "in": 40})),  # four rows a warp
    Case("mlp_gate_up_silu", Sizes({"out": 65539, "in": 9})),  # two rows a warp, of two matrices
    Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 2, "head_dim": 512}), 9, 10),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 1, "head_dim": 301}), 300, 303),
    Case("argmax_greedy", Sizes({"vocab": 10007})),
]
NEAR = [
    case
    for case in TRUE
    if case.sizes.programs(KERNELS[case.kernel]) < FAR and "vocab" not in case.sizes.lengths
]
MANY_ROWS = [case for case in TRUE if case.sizes.programs(KERNELS[case.kernel]) >= FAR]

OfStorage = Callable[[Storage], Simulator]


class SimtTests:
    """The tests of one language: a subclass names its ``target``."""

    target: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def tiny(cls, tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
        """All tiny and odd texts of a storage type, compiled together when first asked for."""

        @cache
        def simulator(storage: Storage) -> Simulator:
            texts = [emitted_for(case, cls.target, storage) for case in [*TINY, *EXTRA]]
            return Simulator(texts, tmp_path_factory.mktemp(f"tiny-{storage}"), flags=["-O1"])

        return simulator

    @pytest.fixture(scope="class")
    @classmethod
    def published(cls, tmp_path_factory: pytest.TempPathFactory) -> Simulator:
        """All published texts, compiled together."""
        texts = [emitted_for(case, cls.target, "bf16") for case in TRUE]
        return Simulator(texts, tmp_path_factory.mktemp("published"))

    @pytest.mark.parametrize("storage", get_args(Storage))
    @pytest.mark.parametrize("name", KERNELS)
    def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_any_depth_in_both_orders(
        self, name: str, storage: Storage, tiny: OfStorage
    ) -> None:
        cases = [fitting(case, self.target) for case in [*TINY, *EXTRA] if case.kernel == name]
        texts = [emitted_for(case, self.target, storage) for case in cases]
        pairs = zip(cases, texts, strict=True)
        found = [
            fault for case, text in pairs for fault in wrong(case, storage, on(tiny(storage), text, case))
        ]
        assert found == []
        for text in texts:
            record_proof(name, self.target, text.sha256, "simulated", TOOL, cases=2)

    @pytest.mark.parametrize("case", NEAR, ids=str)
    def test_a_kernel_is_right_at_the_published_models_shape(self, case: Case, published: Simulator) -> None:
        text = emitted_for(case, self.target, "bf16")
        assert wrong(case, "bf16", on(published, text, case)) == []
        record_proof(case.kernel, self.target, text.sha256, "simulated", TOOL, cases=2)

    @pytest.mark.parametrize("case", MANY_ROWS, ids=str)
    def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
        self, case: Case, published: Simulator
    ) -> None:
        (axis,) = KERNELS[case.kernel].parallel
        rows = case.sizes.lengths[axis.name]
        few = Case(case.kernel, Sizes({**case.sizes.lengths, axis.name: PERIOD}, case.sizes.settings))
        drawn = inputs(few, "bf16")
        ((name, right),) = wanted(few, "bf16", drawn).items()
        along = {array.name for array in KERNELS[case.kernel].arrays if axis in array.axes}
        arrays = {key: repeated(array, rows) if key in along else array for key, array in drawn.items()}
        text = emitted_for(case, self.target, "bf16")
        published.run(text, arrays)
        got = arrays[name]
        assert relative_error(right, got[:PERIOD]) <= (EXACT if right.dtype == np.float64 else ROUNDED)
        assert np.array_equal(repeated(got[:PERIOD], rows).view(np.uint8), got.view(np.uint8))
        record_proof(case.kernel, self.target, text.sha256, "simulated", TOOL)

    @pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
    def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(
        self, name: str, published: Simulator
    ) -> None:
        (case,) = (case for case in TRUE if case.kernel == name)
        text, last = emitted_for(case, self.target, "bf16"), case.sizes.lengths["vocab"] - 1
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
        record_proof(name, self.target, text.sha256, "simulated", TOOL, cases=3)

    def test_the_first_of_equal_largest_wins_wherever_they_are(self, tiny: OfStorage) -> None:
        case = EXTRA[-1]
        text, vocab = emitted_for(case, self.target, "f32"), case.sizes.lengths["vocab"]
        for value, places in ((5.0, [9001, 77, 10006]), (5.0, range(vocab)), (-np.inf, range(vocab))):
            for reverse in (False, True):
                logits = np.full(vocab, -np.inf, np.float32)
                logits[list(places)] = value
                arrays: dict[str, Any] = {"logits": logits, "token": np.array(-1, np.int32)}
                tiny("f32").run(text, arrays, reverse=reverse)
                assert arrays["token"] == min(places)

    @pytest.mark.parametrize("storage", ["bf16", "f16"])
    def test_numbers_are_rounded_to_storage_as_numpy_rounds_them(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        case = rounding_case(storage)
        text = emitted_for(case, self.target, storage)
        assert rounded_otherwise(storage, on(Simulator([text], tmp_path), text, case)) == 0

    @pytest.mark.parametrize("storage", ["bf16", "f16"])
    def test_every_stored_number_is_widened_to_itself(self, storage: Storage, tmp_path: Path) -> None:
        text = emit(KERNELS["embedding_lookup"], self.target, WIDENED, storage)
        assert widened_otherwise(storage, Simulator([text], tmp_path), text) == 0

    def test_a_matrix_of_more_elements_than_32_bits_count_is_read_to_its_end(self, tmp_path: Path) -> None:
        sizes = Sizes({"out": 2**20 + 16, "in": 2048})
        text = emit(KERNELS["lm_head_matvec"], self.target, sizes, "bf16")
        weight = np.zeros(
            (sizes.lengths["out"], 2048), np.uint16
        )  # only the rows that are touched take memory
        weight[-16:] = 0x3F80  # one
        arrays: dict[str, Any] = {"weight": weight, "x": np.ones(2048, np.float32)}
        arrays["logits"] = np.full(len(weight), np.nan, np.float32)
        Simulator([text], tmp_path).run(text, arrays, blocks=[text.launch["grid"] - 1])
        assert arrays["logits"][-16:].tolist() == [2048.0] * 16
        assert np.isnan(arrays["logits"][:-16]).all()

    def test_no_kernel_touches_anything_outside_its_arrays(self, tmp_path: Path) -> None:
        near = sorted((c for c in TINY if c.position < 2), key=lambda c: prod(c.sizes.lengths.values()))
        emitted = [(fitting(case, self.target), emitted_for(case, self.target, "bf16")) for case in near]
        largest_of_each_kind = {
            (case.kernel, "RUN = 1 }" in text.text): (case, text) for case, text in emitted
        }
        assert len(largest_of_each_kind) == 2 * len(KERNELS)  # with 16-byte loads and without
        program = Sanitized([text for _, text in largest_of_each_kind.values()], tmp_path)
        pairs = largest_of_each_kind.values()
        found = [fault for case, text in pairs for fault in wrong(case, "bf16", on(program, text, case))]
        assert found == []

    def test_a_kernel_that_no_emitter_was_written_for_runs(self, tmp_path: Path) -> None:
        """Largest and sums over two axes, no weight, no group, one number a program."""
        heads, dim, slots = Axis("heads"), Axis("dim"), Axis("slots")

        @kernel(heads)
        def spread(
            x: Load = f32(heads, dim),
            w: Load = f32(slots),
            y: Load = f32(heads),
            z: Load = f32(heads, slots),
        ) -> tuple[Store, ...]:
            """y = largest x times all w; z = w · softmaxed sum of x"""
            height = largest(x, dim)
            return y.set(height * total(w, slots)), z.set(softmax_of(w, slots) * total(x, dim))

        sizes, rng = Sizes({"heads": 3, "dim": 37, "slots": 300}), np.random.default_rng(0)
        x, w = (rng.standard_normal(shape, np.float32) for shape in ((3, 37), 300))
        arrays = {"x": x, "w": w}
        arrays |= {"y": np.full(3, np.nan, np.float32), "z": np.full((3, 300), np.nan, np.float32)}
        text = emit(spread, self.target, sizes, "f32")
        Simulator([text], tmp_path).run(text, arrays)
        e = np.exp(w.astype(np.float64))
        assert relative_error(x.max(1) * w.sum(dtype=np.float64), arrays["y"]) < EXACT
        assert relative_error(np.outer(x.sum(1, dtype=np.float64), e / e.sum()), arrays["z"]) < EXACT

    def test_one_number_can_be_the_sum_over_the_tokens(self, tmp_path: Path) -> None:
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
        text = emit(mean_weight, self.target, Sizes({"heads": 3, "dim": 8}), "f32")
        Simulator([text], tmp_path).run(text, arrays, capacity=end)
        e = np.exp(q.astype(np.float64) @ keys.T.astype(np.float64))
        assert relative_error((e * w).sum(1) / e.sum(1), arrays["y"]) < EXACT

    def test_the_grid_is_the_same_at_every_depth_and_the_text_is_deterministic(self) -> None:
        for case in TINY:
            first, again = (emitted_for(case, self.target, "bf16") for _ in range(2))
            assert (first.text, first.launch) == (again.text, again.launch)
            assert set(first.launch) == {"grid", "block"}
            assert first.launch["block"] % 32 == 0
