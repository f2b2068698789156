"""The TPU's runner where there is no TPU: on JAX's CPU with its interpreter, or with libtpu as far as it compiles.

``python -m tests.runners.fakes.tpu v5e:1x1 tiny bf16 1`` compiles, for one core of a TPU that is described and not
there, all that the runner would, and prints as JSON what the compiler says of the step.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from runners.device import Identity, Numbers, element_type
from runners.kernels.sizes import MICROBENCHMARK, Storage
from runners.kernels.source import KERNELS, MICROBENCHMARKS
from runners.step import Buffer, Step, decode_step
from runners.tpu import TpuDevice
from schemas.load import load
from schemas.records import Model
from tests.runners.tiny import tiny_model
from tests.simulators.pallas import described

DATA = Path(__file__).resolve().parents[3] / "data"
TRUE_MODEL = DATA / "models" / "deepseek-r1-distill-qwen-1.5b.yml"
CAPACITY = 192


class InterpretedTpu(TpuDevice):
    """The runner itself; only the texts are interpreted, and the device is JAX's CPU.

    What one compiled, the next one has: interpreted texts take seconds.
    """

    platform: ClassVar[str] = "cpu"
    interpret: ClassVar[bool] = True
    kept: ClassVar[dict[Any, Any]] = {}

    def __init__(self, cores: int | None = None) -> None:
        super().__init__(cores)
        self.compiled = self.kept

    def open(self) -> Identity:
        return replace(super().open(), name="TPU v5e-1")


class DescribedTpu(TpuDevice):
    """A TPU that libtpu can compile for. What would be put on it is a shape only."""

    def __init__(self, topology: str, cores: int) -> None:
        super().__init__(cores)
        self.topology = topology

    def open(self) -> Identity:
        self.jax = import_module("jax")
        self._use(described(self.topology))
        return Identity(self.topology, 1, None, ())

    def _put(self, numbers: Numbers, sharding: Any) -> Any:
        return self._like(numbers.shape, numbers.dtype, sharding)


def compiled(topology: str, model: Model, storage: Storage, cores: int) -> dict[str, Any]:
    """What the compiler says of the step, once it has taken it, every kernel, and every kernel's own program."""
    device = DescribedTpu(topology, cores)
    device.open()
    step = decode_step(model, storage, CAPACITY)
    kernels = {name: device.emit(KERNELS[name], sizes, storage) for name, sizes in step.sizes.items()}
    rows = [device.emit(kernel, MICROBENCHMARK, storage) for kernel in MICROBENCHMARKS]
    kernels_s = device.compile([*kernels.values(), *rows])
    started = time.perf_counter()
    step_s = device.load(step, kernels, zeros(step))
    assert device.apart
    memory = device.whole.memory_analysis()
    names = ("argument_size_in_bytes", "output_size_in_bytes", "alias_size_in_bytes", "temp_size_in_bytes",
             "generated_code_size_in_bytes")  # fmt: skip
    return {
        "kernels_s": kernels_s,
        "step_s": step_s,
        "apart_s": time.perf_counter() - started - step_s,
        "launches": launches(device.whole),
        "apart": {
            name: [count, launches(program)] for name, (count, program) in device.apart.programs.items()
        },
        **{name: getattr(memory, name) for name in names},
    }


def launches(program: Any) -> int:
    """How many calls of emitted kernels the compiler has left in a program."""
    return int(program.as_text().count('custom_call_target="tpu_custom_call"'))


def zeros(step: Step) -> Any:
    """First contents that cost nothing."""

    def contents(buffer: Buffer, first: int, last: int) -> Numbers:
        shape = (last - first, *buffer.shape[1:]) if buffer.shape else ()
        return np.zeros(shape, element_type(buffer.element, step.storage))

    return contents


if __name__ == "__main__":
    chosen = tiny_model() if sys.argv[2] == "tiny" else load(TRUE_MODEL, DATA)
    assert isinstance(chosen, Model)
    print(json.dumps(compiled(sys.argv[1], chosen, sys.argv[3], int(sys.argv[4]))))  # type: ignore[arg-type]
