"""Each kernel's Pallas text computes what the oracle says, in JAX's interpreters."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.kernels.emit import emit
from runners.kernels.expr import Axis, Load, Store, f32, i32, kernel, largest, mean, total
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, softmax_of
from tests.proofs import record_proof
from tests.runners.kernels.cases import ROOT, TINY, TRUE, Case, compare, relative_error
from tests.runners.kernels.pallas_runs import TILE, wrong
from tests.runners.kernels.text_runs import EXACT, emitted_for, wanted
from tests.simulators.pallas import STORAGES, function, run

EXTRA = [
    Case("o_proj_matvec", Sizes({"out": 300, "in": 4096})),  # blocks, the last of them cut short
    Case("softmax", Sizes({"rows": 37, "cols": 20000})),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 511, 1200),
    Case("attention_decode_gqa", Sizes({"kv_heads": 2, "group": 3, "head_dim": 16}), 512, 1200),
]
VOCABULARY = {"lm_head_matvec": "out", "embedding_lookup": "vocab"}
FAR = 2000
TOOLS = {True: "JAX, Pallas' simulator of a TPU's memories", False: "JAX, Pallas' interpreter"}
CUT = 2816  # of 151,936 rows: blocks of as many rows, and as many in the last one


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_right_at_tiny_and_odd_sizes_and_at_any_depth(name: str, storage: Storage) -> None:
    """bf16 in the simulator of a TPU's memories; f32, and far depths, in the plain one, which is quicker."""
    found = []
    for case in (case for case in [*TINY, *EXTRA] if case.kernel == name):
        strict = storage == "bf16" and case.position < FAR
        found += wrong(case, storage, strict=strict)
        record_proof(name, "pallas", emitted_for(case, "pallas", storage).sha256, "simulated", TOOLS[strict])
    assert found == []


@pytest.mark.parametrize("case", [case for case in TRUE if case.kernel not in VOCABULARY], ids=str)
def test_a_kernel_is_right_at_its_true_shape(case: Case) -> None:
    assert wrong(case, "bf16", strict=False) == []
    sha256 = emitted_for(case, "pallas", "bf16").sha256
    record_proof(case.kernel, "pallas", sha256, "simulated", TOOLS[False])


@pytest.mark.parametrize(("name", "axis"), VOCABULARY.items())
def test_a_matrix_of_the_whole_vocabulary_is_right_where_it_is_cut_to_a_few_blocks(
    name: str, axis: str
) -> None:
    (true,) = (case for case in TRUE if case.kernel == name)
    cut = Case(name, Sizes({**true.sizes.lengths, axis: CUT}))
    whole, part = (emitted_for(case, "pallas", "bf16") for case in (true, cut))
    assert part.launch == whole.launch
    assert part.text == whole.text.replace("151936", str(CUT))
    assert wrong(cut, "bf16", strict=False) == []


def test_the_first_of_equal_largest_wins_wherever_they_are() -> None:
    (case,) = (case for case in TRUE if case.kernel == "argmax_greedy")
    emitted, vocab = emitted_for(case, "pallas", "f32"), case.sizes.lengths["vocab"]
    for value, places in ((5.0, [9001, 77, vocab - 1]), (5.0, range(vocab)), (-np.inf, range(vocab))):
        logits = np.full(vocab, -np.inf, np.float32)
        logits[list(places)] = value
        assert run(emitted, {"logits": logits, "token": np.array(-1, np.int32)})["token"] == min(places)


def test_a_compiled_step_reads_its_position_each_time() -> None:
    import jax

    sizes, traced = Sizes({"kv_heads": 2, "group": 2, "head_dim": 8}), []
    attention = function(emit(KERNELS["attention_decode_gqa"], "pallas", sizes, "f32"))

    def step(*given: Any) -> Any:
        traced.append(given)
        return attention(*given, interpret=True)

    compiled = jax.jit(step)
    for position in (0, 5, 700):
        case = Case("attention_decode_gqa", sizes, position, 1024)
        arrays = case.inputs("f32")
        given = [np.atleast_1d(arrays[name]) for name in ("q", "keys", "values", "position")]
        got = {"y": compiled(*given)}
        assert compare(wanted(case, "f32", arrays), got)["y"] <= EXACT
    assert len(traced) == 1


def test_a_kernel_that_no_emitter_was_written_for_runs() -> None:
    """A largest and sums over two axes, as rows and as columns, and a mean across rows."""
    heads, dim, slots = Axis("heads"), Axis("dim"), Axis("slots")

    @kernel(heads)
    def spread(
        x: Load = f32(heads, dim),
        w: Load = f32(slots),
        h: Load = f32(heads),
        y: Load = f32(heads),
        z: Load = f32(heads, slots),
        m: Load = f32(dim),
    ) -> tuple[Store, ...]:
        """y = largest x times all w; z = h times w · softmaxed sum of x; m = the mean row of x"""
        return (
            y.set(largest(x, dim) * total(w, slots)),
            z.set(softmax_of(w, slots) * total(x, dim) * h),
            m.set(mean(x, heads)),
        )

    rng = np.random.default_rng(0)
    x, w, h = (rng.standard_normal(shape, np.float32) for shape in ((3, 37), 300, 3))
    arrays = {"x": x, "w": w, "h": h, "y": x[:, 0], "z": np.empty((3, 300), np.float32), "m": x[0]}
    got = run(emit(spread, "pallas", Sizes({"heads": 3, "dim": 37, "slots": 300}), "f32"), arrays)
    e = np.exp(w.astype(np.float64))
    sums = x.sum(1, dtype=np.float64) * h
    assert relative_error(x.max(1) * w.sum(dtype=np.float64), got["y"]) < EXACT
    assert relative_error(np.outer(sums, e / e.sum()), got["z"]) < EXACT
    assert relative_error(x.mean(0, dtype=np.float64), got["m"]) < EXACT


def test_what_has_no_place_in_a_block_is_refused_by_name() -> None:
    a, b, c = Axis("a"), Axis("b"), Axis("c")

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
        """y = the largest along the last axis"""
        return y.set(largest(x, c))

    sizes = Sizes({"a": 3, "b": 4, "c": 5})
    for refused, message in (
        (turned, r"turned: a value over \(b, a\) does not fit \(a, b\)"),
        (chosen_lane, r"x: only a row can be chosen, by a parameter \(got axis 1\)"),
        (cube, r"cube: no max over \(a, b, c\) but of two matrices' product"),
    ):
        with pytest.raises(ValueError, match=message):
            emit(refused, "pallas", sizes, "f32")


def test_the_text_is_formatted_and_always_the_same(tmp_path: Path) -> None:
    for case in TRUE:
        for storage in STORAGES:
            first, again = (emitted_for(case, "pallas", storage) for _ in range(2))
            assert (first.text, first.launch) == (again.text, again.launch)
            assert KERNELS[case.kernel].doc in first.text
            (tmp_path / f"{case.kernel}_{storage}.py").write_text(first.text, "utf-8")
    config = f"--config={ROOT}/pyproject.toml"
    ruff = [sys.executable, "-m", "ruff", "format", "--check", config, str(tmp_path)]
    found = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "34 files already formatted"


def test_two_buffers_of_every_block_leave_most_of_the_fast_memory_free() -> None:
    for case in TRUE:
        for storage in STORAGES:
            block = emitted_for(case, "pallas", storage).launch
            assert all(rows % TILE == 0 or name == "block_kv_heads" for name, rows in block.items())
            if "block_out" in block:
                matrices = 2 if "gate" in case.kernel else 1
                row_bytes = case.sizes.lengths["in"] * (2 if storage == "bf16" else 4) * matrices
                assert 2 * block["block_out"] * row_bytes <= 10 << 20


def test_the_lowering_knows_no_kernel() -> None:
    files = [*(ROOT / "runners/kernels/emit").glob("pallas*.py")]
    assert len(files) == 5
    for file in files:
        names = "|".join(kernel.name for kernel in DECODE_STEP)
        assert re.findall(names, file.read_text("utf-8")) == [], file.name
