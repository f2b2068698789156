"""The Trainium runner's baselines decode our tokens by our kernels: as one graph, and launch by launch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runners.baselines import neuron, neuron_eager, stacks
from runners.baselines.job import Job
from runners.baselines.worker import repetition
from runners.device import RunnerError
from runners.latencies import SEED
from runners.null import NullDevice
from runners.step import decode_step, room
from runners.weights import Synthetic, first_contents
from tests.runners.fakes.neuron import Chip
from tests.runners.fakes.neuron import install as install_neuron
from tests.runners.runs import REPOSITORY
from tests.runners.tiny import emitted, tiny_model

DEPTH, STEPS = 5, 3
MODEL = tiny_model()


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chip:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEURON_")}
    monkeypatch.setattr(os, "environ", kept)
    monkeypatch.setitem(sys.modules, "torch_neuronx", None)
    return install_neuron(partial(monkeypatch.setattr, raising=False), tmp_path / "machine")


def job(folder: Path, **changed: Any) -> Job:
    """A job of synthetic weights."""
    fields: dict[str, Any] = {"model": MODEL, "storage": "bf16", "depth_tokens": DEPTH, "steps": STEPS,
                              "runner": "trainium", "settings": {"split": None}, "seed": 0,
                              "weights_folder": None, "cache_folder": folder}  # fmt: skip
    return Job(**{**fields, **changed})


def our_tokens() -> list[int]:
    """The null device's, from the same cache."""
    step, device = decode_step(MODEL, "bf16", room(DEPTH + STEPS)), NullDevice()
    device.load(step, emitted(step, ""), first_contents(MODEL, step, Synthetic(0, "bf16"), DEPTH, SEED))
    return device.run(STEPS).tokens


@pytest.mark.parametrize(
    ("module", "graphs"), [(neuron, [37]), (neuron_eager, [1] * 13)], ids=["one graph", "eager"]
)
def test_a_baseline_decodes_our_tokens_again_and_again(
    chip: Chip, tmp_path: Path, module: Any, graphs: list[int]
) -> None:
    decoder = module.DECODER(job(tmp_path))
    assert [len(graph) for graph in chip.traced] == graphs
    assert decoder.versions["neuronx-cc"] == "2.22.12471.0"
    for _ in range(2):
        ran = repetition(decoder, STEPS)
        assert ran.tokens == our_tokens()
        assert min(ran.step_ns) > 0


def test_every_launch_of_the_eager_baseline_is_a_call_of_its_own(chip: Chip, tmp_path: Path) -> None:
    decoder = neuron_eager.DECODER(job(tmp_path))
    before = chip.calls
    repetition(decoder, 1)
    assert chip.calls - before == len(decode_step(MODEL, "bf16", 1).launches)


def test_a_core_that_another_process_holds_is_told(chip: Chip, tmp_path: Path) -> None:
    chip.held = True
    with pytest.raises(RunnerError, match=r"end what else holds the NeuronCores \(neuron-ls names it\)"):
        neuron.DECODER(job(tmp_path))


def test_the_runner_has_both_which_need_what_it_needs() -> None:
    assert stacks.names("trainium") == ("neuron-one-graph", "neuron-eager")
    for name in stacks.names("trainium"):
        stack = stacks.STACKS[name]
        assert not stack.in_process
        assert (REPOSITORY / f"{stack.module.replace('.', '/')}.py").is_file()
        if lacking := stacks.available("trainium")[name]:
            assert lacking == "torch_neuronx not installed; python -m runners.stacks.neuron.machine | sh"


def test_a_worker_takes_a_core_of_its_own_as_ours_did(tmp_path: Path) -> None:
    told = [json.dumps(job(tmp_path).to_json()), json.dumps({"repetition": STEPS})]
    done = subprocess.run(
        [sys.executable, "-m", "tests.runners.fakes.neuron_worker"],
        input="\n".join(told), capture_output=True, text=True, check=True, cwd=REPOSITORY,
        env={**os.environ, "NEURON_RT_NUM_CORES": "1"},
    )  # fmt: skip
    ready, answer = map(json.loads, done.stdout.splitlines())
    assert ready["versions"]["neuron-cores"] == "1"
    assert answer["tokens"] == our_tokens()
