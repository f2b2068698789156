"""A device on the fake with a step's kernels compiled, and what the step must give."""

from __future__ import annotations

from typing import Any

from runners.ascend import AscendDevice
from runners.device import Contents
from runners.kernels.emit import Emitted
from runners.null import NullDevice
from runners.step import Step
from schemas.records import Execution
from tests.runners.tiny import untexted

MATVECS = ("q_proj_matvec", "kv_proj_matvec", "o_proj_matvec", "mlp_gate_up_silu", "down_proj_residual",
           "lm_head_matvec")  # fmt: skip


def opened(
    step: Step, executions: dict[str, Execution] | None = None, pto: tuple[str, ...] = (), **settings: int
) -> tuple[AscendDevice, dict[str, Emitted]]:
    """A device and its compiled kernels, those of ``pto`` in that language."""
    device = AscendDevice(**settings)
    device.executions = executions or {}
    device.open()
    device.languages = dict.fromkeys(pto, "pto")
    kernels = {name: device.emit(one.kernel, one.sizes, step.storage) for name, one in untexted(step).items()}
    device.compile(list(kernels.values()))
    return device, kernels


def loaded(step: Step, contents: Contents, *given: Any, **more: Any) -> AscendDevice:
    """The same with the step loaded."""
    device, kernels = opened(step, *given, **more)
    device.load(step, kernels, contents)
    return device


def expected(step: Step, contents: Contents, steps: int) -> tuple[list[int], Any]:
    """The reference's tokens, and the logits of the last step."""
    device = NullDevice()
    device.load(step, untexted(step), contents)
    return device.run(steps).tokens, device.read("logits")
