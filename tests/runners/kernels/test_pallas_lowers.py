"""JAX lowers every kernel's Pallas text for a TPU, and libtpu, where it is installed, compiles it for three."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from runners.kernels.sizes import Storage
from tests.proofs import record_proof
from tests.runners.kernels.cases import ROOT, TRUE, Case
from tests.runners.kernels.text_runs import emitted_for
from tests.simulators.pallas import STORAGES, TOPOLOGIES, lowered

LONG = 32768


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("case", TRUE, ids=str)
def test_a_kernel_lowers_for_a_tpu_at_its_true_shape(case: Case, storage: Storage) -> None:
    emitted = emitted_for(case, "pallas", storage)
    text = lowered(emitted, LONG).as_text()
    assert text.count("tpu_custom_call") == 1
    assert case.kernel in text
    record_proof(case.kernel, "pallas", emitted.sha256, "vendor-verified", "JAX, lowering to Mosaic for TPU")


def test_a_block_that_is_not_of_whole_tiles_is_refused() -> None:
    from dataclasses import replace

    (case,) = (case for case in TRUE if case.kernel == "q_proj_matvec")
    emitted = emitted_for(case, "pallas", "bf16")
    assert "BLOCK_OUT = 512" in emitted.text
    crooked = replace(emitted, text=emitted.text.replace("BLOCK_OUT = 512", "BLOCK_OUT = 500"))
    with pytest.raises(ValueError, match="divisible by 8 and 128"):
        lowered(crooked, LONG)


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="libtpu, 480 MB, is not installed")
@pytest.mark.parametrize(("topology", "machine"), TOPOLOGIES.items())
def test_libtpu_compiles_every_kernel(topology: str, machine: str) -> None:
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_ACCELERATOR_TYPE": machine,
        "TPU_SKIP_MDS_QUERY": "1",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # it locks a file, and there is no device to be had
    }
    command = [sys.executable, "-m", "tests.simulators.pallas", topology]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (found.returncode, found.stdout.strip()) == (0, ""), found.stderr[-2000:]
    for case in TRUE:
        for storage in STORAGES:
            sha256 = emitted_for(case, "pallas", storage).sha256
            record_proof(
                case.kernel, "pallas", sha256, "vendor-compiled", f"libtpu, for {topology.partition(':')[0]}"
            )
