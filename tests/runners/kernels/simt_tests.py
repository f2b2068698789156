"""What each SIMT language's texts must do, on the simulator and in both orders of threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from runners.kernels.emit import emit
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.proofs import record_proof
from tests.runners.kernels.cases import TINY, TRUE, Case
from tests.runners.kernels.simt_runs import fitting, on
from tests.runners.kernels.text_runs import (
    MANY_ROWS,
    NEAR,
    WIDENED,
    emitted_for,
    rounded_otherwise,
    rounding_case,
    widened_otherwise,
    wrong,
    wrong_among_equals,
    wrong_in_a_vocabulary,
    wrong_where_rows_repeat,
)
from tests.simulators.simt import Sanitized, Simulator

TOOL = "SIMT simulator, threads in order and in reverse"
EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 4099, "in": 24})),  # two rows a warp, and a warp with one
    Case("lm_head_matvec", Sizes({"out": 65543, "in": 40})),  # four rows a warp
    Case("mlp_gate_up_silu", Sizes({"out": 65539, "in": 9})),  # two rows a warp, of two matrices
    Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 2, "head_dim": 512}), 9, 10),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 1, "head_dim": 301}), 300, 303),
    Case("argmax_greedy", Sizes({"vocab": 10007})),
]
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
    def published(cls, tmp_path_factory: pytest.TempPathFactory) -> OfStorage:
        """All texts at true shapes of a storage type, compiled together when first asked for."""

        @cache
        def simulator(storage: Storage) -> Simulator:
            texts = [emitted_for(case, cls.target, storage) for case in TRUE]
            return Simulator(texts, tmp_path_factory.mktemp(f"published-{storage}"))

        return simulator

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

    @pytest.mark.parametrize("storage", get_args(Storage))
    @pytest.mark.parametrize("case", NEAR, ids=str)
    def test_a_kernel_is_right_at_the_published_models_shape(
        self, case: Case, storage: Storage, published: OfStorage
    ) -> None:
        text = emitted_for(case, self.target, storage)
        assert wrong(case, storage, on(published(storage), text, case)) == []
        record_proof(case.kernel, self.target, text.sha256, "simulated", TOOL, cases=2)

    @pytest.mark.parametrize("storage", get_args(Storage))
    @pytest.mark.parametrize("case", MANY_ROWS, ids=str)
    def test_a_kernel_of_many_rows_is_right_at_its_true_shape_with_rows_that_repeat(
        self, case: Case, storage: Storage, published: OfStorage
    ) -> None:
        text = emitted_for(case, self.target, storage)
        assert wrong_where_rows_repeat(case, storage, partial(published(storage).run, text)) == []
        record_proof(case.kernel, self.target, text.sha256, "simulated", TOOL)

    @pytest.mark.parametrize("name", ["embedding_lookup", "argmax_greedy"])
    def test_a_vocabulary_of_the_published_size_is_searched_and_looked_up(
        self, name: str, published: OfStorage
    ) -> None:
        (case,) = (case for case in TRUE if case.kernel == name)
        text = emitted_for(case, self.target, "bf16")
        assert wrong_in_a_vocabulary(case, partial(published("bf16").run, text)) == []
        record_proof(name, self.target, text.sha256, "simulated", TOOL, cases=3)

    def test_the_first_of_equal_largest_wins_wherever_they_are(self, tiny: OfStorage) -> None:
        text, vocab = emitted_for(EXTRA[-1], self.target, "f32"), EXTRA[-1].sizes.lengths["vocab"]
        for reverse in (False, True):
            assert wrong_among_equals(vocab, partial(tiny("f32").run, text, reverse=reverse)) == []

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
        assert widened_otherwise(storage, partial(Simulator([text], tmp_path).run, text)) == 0

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

    def test_the_grid_is_the_same_at_every_depth_and_the_text_is_deterministic(self) -> None:
        for case in TINY:
            first, again = (emitted_for(case, self.target, "bf16") for _ in range(2))
            assert (first.text, first.launch) == (again.text, again.launch)
            assert set(first.launch) == {"grid", "block"}
            assert first.launch["block"] % 32 == 0
