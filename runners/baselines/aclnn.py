"""Hugging Face's Qwen2 by PyTorch on an Ascend NPU, in eager mode: each operator is one of CANN's aclnn library."""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch_npu

from runners.baselines.job import Job
from runners.baselines.pytorch import Eager
from runners.baselines.worker import serve
from runners.device import RunnerError

_KIND = "npu"


class Aclnn(Eager):
    """The model and its cache on the first NPU, as ours."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, _npu())

    @property
    def versions(self) -> dict[str, str]:
        return {"torch_npu": torch_npu.__version__, **super().versions}


def _npu() -> Any:
    if not torch.npu.is_available():
        remedy = "see npu-smi info, and that torch-npu is made for this CANN"
        raise RunnerError(f"--baseline: torch_npu finds no NPU (got {torch_npu.__version__}); {remedy}")
    torch.npu.set_device(0)
    return torch.device(_KIND, 0)


DECODER = Aclnn

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(DECODER)
