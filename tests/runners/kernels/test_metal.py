"""Each kernel's Metal text, and its body for MLX, computes what the oracle says, in both orders of threads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from runners.kernels.emit import emit, metal, simt
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import TINY, TRUE, Case
from tests.runners.kernels.simt_runs import on
from tests.runners.kernels.simt_tests import EXTRA, SimtTests
from tests.runners.kernels.text_runs import WIDENED, emitted_for, inputs, widened_otherwise, wrong
from tests.simulators.simt import Simulator, execute
from tests.simulators.simt.languages import mlx_text
from tests.simulators.simt.metal_lint import lint

APPEND = Case("kv_cache_append", Sizes({"kv_heads": 2, "head_dim": 16}), 5, 9)
TARGETS = ("metal", "metal-mlx")


class TestMetal(SimtTests):
    target = "metal"


class TestMlxBody(SimtTests):
    target = "metal-mlx"


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("target", TARGETS)
def test_every_text_keeps_the_rules_of_address_spaces(target: str, storage: Storage) -> None:
    texts = {
        text.sha256: text for case in [*TINY, *EXTRA, *TRUE] for text in [emitted_for(case, target, storage)]
    }
    assert {text.kernel.name: found for text in texts.values() if (found := lint(text))} == {}


@pytest.mark.parametrize("target", TARGETS)
def test_infinities_are_asked_to_be_kept_before_any_function_is_declared(target: str) -> None:
    for case in TRUE:
        head, _, rest = emitted_for(case, target, "bf16").text.partition("#pragma METAL fp math_mode(safe) ")
        assert all(not line or line.startswith("//") for line in head.splitlines())
        assert "#include" in rest


def test_f16_is_widened_right_only_without_subnormal_floats_on_the_way(tmp_path: Path) -> None:
    dialect = replace(metal.DIALECT, widen={})
    text = simt.emit(dialect, KERNELS["embedding_lookup"], WIDENED, "f16")
    assert (
        widened_otherwise("f16", partial(Simulator([text], tmp_path).run, text)) == 2 * 1023
    )  # the subnormals of f16


def test_a_body_splits_into_header_and_source() -> None:
    for name in KERNELS:
        (case, *_) = (case for case in TRUE if case.kernel == name)
        text = emitted_for(case, "metal-mlx", "bf16").text
        header, source = metal.split(text)
        assert f"{header}{metal.BODY}\n{source}" == text
        assert "kernel void" not in text
        assert "static inline" not in source
        assert header.startswith("// ")


def test_what_is_no_body_is_not_split() -> None:
    with pytest.raises(ValueError, match="not a body for MLX"):
        metal.split(emitted_for(APPEND, "metal", "bf16").text)


def test_mlx_gets_small_inputs_in_the_constant_address_space() -> None:
    small = emit(
        KERNELS["rms_norm"], "metal-mlx", Sizes({"rows": 3, "cols": 4}, {"rms_norm_eps": 1e-6}), "f32"
    )
    assert "const device float* x [[buffer(0)]],\n  const constant float* weight [[buffer(1)]]" in mlx_text(
        small
    )
    assert "load_f32_constant(&weight" in small.text
    assert lint(small) == []
    assert "constant" not in emitted_for(APPEND, "metal-mlx", "bf16").text


def test_with_capacity_1_and_position_0_the_append_gives_mlx_the_caches_row(tmp_path: Path) -> None:
    text = emitted_for(APPEND, "metal-mlx", "bf16")
    whole = inputs(APPEND, "bf16")
    row = {**whole, "position": np.array(0, np.int32)}
    row |= {name: np.empty((2, 1, 16), whole[name].dtype) for name in ("keys", "values")}
    run = execute([text], tmp_path)
    run(text, whole, APPEND.capacity)
    run(text, row, 1)
    for name in ("keys", "values"):
        assert np.array_equal(
            row[name][:, 0].view(np.uint16), whole[name][:, APPEND.position].view(np.uint16)
        )


@pytest.mark.parametrize("target", TARGETS)
def test_the_largest_head_fits_the_threadgroups_memory(target: str, tmp_path: Path) -> None:
    case = Case("attention_decode_gqa", Sizes({"kv_heads": 1, "group": 1, "head_dim": 2048}), 9, 10)
    text = emitted_for(case, target, "bf16")
    assert lint(text) == []
    assert wrong(case, "bf16", on(Simulator([text], tmp_path), text, case)) == []
