"""What libtpu, where it is installed, says of the whole step: compiled for TPUs that are not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from runners.kernels.emit import emit
from runners.kernels.source import KERNELS
from runners.step import decode_step
from runners.tpu import TpuDevice
from tests.runners.fakes.tpu import CAPACITY
from tests.runners.kernels.cases import ROOT
from tests.runners.tiny import tiny_model
from tests.simulators.pallas import TOPOLOGIES, lowered

jax: Any = pytest.importorskip("jax", reason="jax is not installed: pip install '.[test]'")

needs_libtpu = pytest.mark.skipif(find_spec("libtpu") is None, reason="libtpu, 480 MB, is not installed")
LAYERS = {"tiny": 3, "true": 28}
STEP_SECONDS = 120


def compiled(topology: str, machine: str, model: str, storage: str, cores: int = 1) -> dict[str, Any]:
    """What :mod:`tests.runners.fakes.tpu` prints, in a process that libtpu may have for itself."""
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_ACCELERATOR_TYPE": machine,
        "TPU_SKIP_MDS_QUERY": "1",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # it locks a file, and there is no device to be had
    }
    command = [sys.executable, "-m", "tests.runners.fakes.tpu", topology, model, storage, str(cores)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert found.returncode == 0, found.stderr[-2000:]
    said: dict[str, Any] = json.loads(found.stdout)
    return said


@needs_libtpu
@pytest.mark.parametrize("storage", TpuDevice.storages)
@pytest.mark.parametrize("model", LAYERS)
@pytest.mark.parametrize(("topology", "machine"), TOPOLOGIES.items())
def test_libtpu_compiles_the_whole_step_and_each_kernels_own_program(
    topology: str, machine: str, model: str, storage: str
) -> None:
    said, layers = compiled(topology, machine, model, storage), LAYERS[model]
    assert said["launches"] == 11 * layers + 4
    assert all(made == left for made, left in said["apart"].values()), said["apart"]
    assert min(made for made, _ in said["apart"].values()) >= 28
    assert said["step_s"] < STEP_SECONDS
    if model == "true":
        caches = 2 * layers * 2 * CAPACITY * 128 * {"bf16": 2, "f32": 4}[storage]
        assert said["alias_size_in_bytes"] >= caches
        assert said["temp_size_in_bytes"] < 50_000_000


@needs_libtpu
def test_libtpu_compiles_a_step_that_all_eight_cores_of_a_v2_share() -> None:
    one, eight = (compiled("v2:2x2", "v2-8", "true", "bf16", cores) for cores in (1, 8))
    assert one["launches"] == eight["launches"]
    assert all(made == left for made, left in eight["apart"].values()), eight["apart"]
    embedding = 151936 * 1536 * 2  # of which a step reads a row, so that each core has it whole
    shared = one["argument_size_in_bytes"] - embedding
    assert eight["argument_size_in_bytes"] - embedding < 1.05 * shared / 8 + 10_000_000


@pytest.mark.parametrize("storage", TpuDevice.storages)
def test_a_precision_that_the_person_has_set_for_jax_changes_no_kernel(storage: str) -> None:
    step = decode_step(tiny_model(), storage, 16)  # type: ignore[arg-type]
    texts = [emit(KERNELS[name], "pallas", sizes, step.storage) for name, sizes in step.sizes.items()]
    as_it_is = [lowered(text, 16).as_text() for text in texts]
    with jax.default_matmul_precision("bfloat16"):
        assert [lowered(text, 16).as_text() for text in texts] == as_it_is
