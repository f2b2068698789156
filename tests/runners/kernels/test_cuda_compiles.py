"""The vendor's compiler takes every emitted CUDA text, without a device, a driver or a header."""

from __future__ import annotations

import io
import re
from typing import get_args

import pytest

from runners.kernels.emit import Emitted
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from tests.proofs import record_proof
from tests.runners.kernels.cases import TINY, TRUE, Case
from tests.runners.kernels.text_runs import emitted_for

core = pytest.importorskip("cuda.core", reason="cuda-core has no wheel for this platform")
pytest.importorskip("cuda.bindings.nvrtc", reason="cuda-bindings has no wheel for this platform")

ARCHITECTURES = ("sm_75", "sm_80", "sm_90a")
ODD = [case for case in TINY if 67 in case.sizes.lengths.values() or 131 in case.sizes.lengths.values()]
ODD_SIZES = {case.kernel: case for case in [*TINY, *ODD]}
TRUE_SIZES = {case.kernel: case for case in TRUE}


def compile_to_machine_code(text: str, architecture: str) -> str:
    """What the compiler says."""
    options = core.ProgramOptions(arch=architecture, std="c++17", ptxas_options=["-v"])
    log = io.StringIO()
    assert core.Program(text, "c++", options).compile("cubin", logs=log).code
    return log.getvalue()


def check(emitted: Emitted, architecture: str) -> None:
    """No warning; and every array that a thread fills stays in registers."""
    log = compile_to_machine_code(emitted.text, architecture)
    assert "warning" not in log
    memory = r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
    assert re.findall(memory, log) == [("0", "0", "0")], log


@pytest.mark.parametrize("storage", get_args(Storage))
@pytest.mark.parametrize("case", TRUE_SIZES.values(), ids=lambda case: str(case.kernel))
def test_a_text_compiles_to_machine_code_that_spills_nothing(case: Case, storage: Storage) -> None:
    emitted = emitted_for(case, "cuda", storage)
    for architecture in ARCHITECTURES:
        check(emitted, architecture)
    record_proof(case.kernel, "cuda", emitted.sha256, "vendor-compiled", f"NVRTC: {', '.join(ARCHITECTURES)}")


@pytest.mark.parametrize("case", ODD_SIZES.values(), ids=str)
def test_a_text_for_odd_sizes_compiles_too(case: Case) -> None:
    check(emitted_for(case, "cuda", "bf16"), "sm_90a")


def test_all_kernels_are_compiled() -> None:
    assert set(TRUE_SIZES) == set(ODD_SIZES) == set(KERNELS)


def test_the_compiler_refuses_what_is_no_cuda() -> None:
    text = emitted_for(TRUE_SIZES["rms_norm"], "cuda", "bf16").text.replace("__syncthreads", "__syncthread")
    with pytest.raises(Exception, match="__syncthread"):
        compile_to_machine_code(text, "sm_90a")


def test_the_compiler_refuses_more_shared_memory_than_a_block_has() -> None:
    text = emitted_for(TRUE_SIZES["rms_norm"], "cuda", "bf16").text.replace(
        "total_of[WARPS]", "total_of[64 << 10]"
    )
    with pytest.raises(Exception, match="too much shared data"):
        compile_to_machine_code(text, "sm_90a")
