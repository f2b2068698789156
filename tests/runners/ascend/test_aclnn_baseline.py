"""PyTorch beside an Ascend NPU: the same model as on a CPU, on the NPU, by torch_npu."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from runners.baselines import stacks
from runners.baselines.job import Job
from runners.device import RunnerError
from tests.runners import runs
from tests.runners.tiny import tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install '.[test]'")


@pytest.fixture
def aclnn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module over a torch_npu that has one NPU, whose memory is the host's."""
    importlib.import_module(
        "runners.baselines.pytorch"
    )  # transformers looks for torch_npu once, and finds none
    fake = ModuleType("torch_npu")
    fake.__dict__["__version__"] = "2.13.0"
    chosen: list[int] = []
    monkeypatch.setitem(sys.modules, "torch_npu", fake)
    monkeypatch.setattr(
        torch, "npu", SimpleNamespace(is_available=lambda: True, set_device=chosen.append), raising=False
    )
    module = importlib.import_module("runners.baselines.aclnn")
    monkeypatch.setattr(module, "_KIND", "cpu")
    monkeypatch.setattr(module, "chosen", chosen, raising=False)
    yield module
    sys.modules.pop("runners.baselines.aclnn")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tiny_model(), "f32", 4, 3, "ascend", {"graph": 1}, 0, None, tmp_path)


def test_it_decodes_as_pytorch_does_elsewhere(aclnn: Any, job: Job) -> None:
    from runners.baselines.pytorch import Eager

    decoder, other = aclnn.DECODER(job), Eager(job)
    assert aclnn.chosen == [0]
    for _ in range(2):
        token = expected = 1
        decoder.restart()
        other.restart()
        for _ in range(job.steps):
            token, expected = decoder.step(token), other.step(expected)
            assert token == expected
    assert list(decoder.versions) == ["torch_npu", "torch", "transformers"]


def test_without_an_npu_it_is_refused_in_one_line(
    aclnn: Any, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.npu, "is_available", lambda: False)
    with pytest.raises(RunnerError, match=r"^--baseline: torch_npu finds no NPU \(got 2.13.0\); see npu-smi"):
        aclnn.DECODER(job)


def test_it_runs_beside_the_ascend_runner_alone() -> None:
    assert "aclnn" in stacks.names("ascend")
    assert stacks.STACKS["aclnn"].runners == ("ascend",)
    assert "torch-npu" in str(stacks.available("ascend")["aclnn"])


def test_its_torch_is_the_one_that_is_pinned() -> None:
    """Each release of torch_npu is made for one of torch's."""
    pinned = (runs.REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    (version,) = (line.partition("==")[2] for line in pinned if line.startswith("torch=="))
    assert f"torch-npu=={version}" in stacks.STACKS["aclnn"].install
