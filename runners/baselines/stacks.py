"""Which stacks can decode beside which runner, what each imports, and what installs it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Stack:
    """A baseline's worker, whose module has its ``DECODER``, the packages that it imports, and what installs them.

    ``runners`` are those beside which it runs. ``in_process`` is for a device that one process alone may hold.
    """

    module: str
    runners: tuple[str, ...]
    imports: tuple[str, ...]
    install: str
    in_process: bool = False


_TORCH = "pip install --constraint constraints.txt torch transformers"
STACKS: dict[str, Stack] = {
    "aclnn": Stack(
        "runners.baselines.aclnn",
        ("ascend",),
        ("torch_npu", "torch", "transformers"),
        f"{_TORCH} torch-npu==2.13.0",
    ),
    "llama.cpp": Stack(
        "runners.baselines.llama_cpp",
        ("cpu", "cuda", "metal"),
        ("llama_cpp", "gguf"),
        "pip install --constraint constraints.txt llama-cpp-python gguf",
    ),
    "jax": Stack(
        "runners.baselines.jax_native",
        ("tpu",),
        ("jax", "libtpu"),
        "pip install --constraint constraints.txt --editable '.[tpu]'",
        in_process=True,
    ),
    "mlx": Stack(
        "runners.baselines.mlx_native",
        ("metal",),
        ("mlx",),
        "pip install --constraint constraints.txt mlx",
    ),
    "neuron-one-graph": Stack(
        "runners.baselines.neuron",
        ("trainium",),
        ("torch_neuronx",),
        "python -m runners.stacks.neuron.machine | sh",
    ),
    "neuron-eager": Stack(
        "runners.baselines.neuron_eager",
        ("trainium",),
        ("torch_neuronx",),
        "python -m runners.stacks.neuron.machine | sh",
    ),
    "pytorch-compiled": Stack(
        "runners.baselines.pytorch_compiled", ("cuda",), ("torch", "transformers"), _TORCH
    ),
    "pytorch-eager": Stack("runners.baselines.pytorch", ("cpu", "cuda"), ("torch", "transformers"), _TORCH),
}


def names(runner: str) -> tuple[str, ...]:
    """The baselines that run beside ``runner``."""
    return tuple(name for name, stack in STACKS.items() if runner in stack.runners)


def available(runner: str) -> dict[str, str | None]:
    """Each baseline of ``runner`` by name, and None, or why it cannot run here. Imports nothing."""
    return {
        name: f"{lacking} not installed; {STACKS[name].install}"
        if (lacking := missing(STACKS[name]))
        else None
        for name in names(runner)
    }


def missing(stack: Stack) -> str:
    """The packages that are not there, or nothing."""
    return " and ".join(name for name in stack.imports if find_spec(name) is None)
