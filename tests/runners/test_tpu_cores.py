"""Several cores share every matrix's rows, and decode what one core decodes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from runners.device import RunnerError
from runners.kernels.sizes import Sizes, step_sizes
from runners.kernels.source import KERNELS
from runners.null import NullDevice
from runners.stacks.tpu.cores import share, split_axis
from runners.step import decode_step
from runners.tpu import TpuDevice
from runners.weights import Synthetic, first_contents
from tests.runners.fakes.tpu import InterpretedTpu
from tests.runners.fakes.tpu_cores import DEPTH_TOKENS, FOUR_SHARE, SEED, STEPS, environment, native_tokens
from tests.runners.kernels.cases import ROOT
from tests.runners.tiny import untexted

pytest.importorskip("jax", reason="jax is not installed: pip install '.[test]'")


def decoded(cores: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.runners.fakes.tpu_cores", str(cores)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(cores), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def four() -> dict[str, Any]:
    return decoded(4)


def test_four_cores_decode_the_null_devices_tokens(four: dict[str, Any]) -> None:
    step = decode_step(FOUR_SHARE, "f32", DEPTH_TOKENS + STEPS)
    expected = NullDevice()
    expected.load(
        step,
        untexted(step),
        first_contents(FOUR_SHARE, step, Synthetic(SEED, "f32"), DEPTH_TOKENS, SEED),
    )
    assert four["tokens"] == expected.run(STEPS).tokens
    assert np.abs(np.array(four["logits"]) - expected.read("logits")).max() < 1e-5
    assert four["count"] == 4
    assert four["traced"] == 13


def test_each_core_holds_its_rows_of_a_matrix_and_all_of_the_embedding(four: dict[str, Any]) -> None:
    parts = four["parts"]
    assert parts["lm_head"] == [132 // 4, 56]
    assert parts["0.q_proj"] == [48 // 4, 56]
    assert parts["1.k_bias"] == [1, 24 // 4]
    assert parts["1.down_proj"] == [56 // 4, 72]
    assert parts["embed_tokens"] == [132, 56]
    assert parts["0.input_layernorm"] == [1, 56]


def test_native_jax_on_four_cores_decodes_what_it_decodes_on_one(four: dict[str, Any]) -> None:
    assert four["native"] == native_tokens(1)
    assert len(set(four["native"])) > 1


def test_the_kernels_that_are_shared_are_those_of_a_matrix_and_a_vector() -> None:
    shared = {name for name, kernel in KERNELS.items() if split_axis(kernel)}
    assert shared == {"q_proj_matvec", "kv_proj_matvec", "o_proj_matvec", "mlp_gate_up_silu",
                      "down_proj_residual", "lm_head_matvec"}  # fmt: skip


def test_rows_that_cannot_be_shared_evenly_are_refused_before_anything_is_opened() -> None:
    with pytest.raises(RunnerError, match=r"^--cores: 54 rows of o_proj_matvec .* \(got 4\); choose 2$"):
        share(KERNELS["o_proj_matvec"], Sizes({"out": 54, "in": 60}), 4)
    sizes = step_sizes(FOUR_SHARE)["lm_head_matvec"]
    assert TpuDevice(4).emit(KERNELS["lm_head_matvec"], sizes, "f32").sizes.lengths["out"] == 33
    assert TpuDevice().emit(KERNELS["lm_head_matvec"], sizes, "f32").sizes == sizes


def test_more_cores_than_there_are_are_refused() -> None:
    import jax

    there = len(jax.devices("cpu"))
    with pytest.raises(RunnerError, match=rf"--cores: there are fewer .* \(got 64\); choose {there} or less"):
        InterpretedTpu(64).open()
