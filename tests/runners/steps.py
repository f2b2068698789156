"""What every runner's tests do with a loaded step: the same few lines, whatever the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runners.device import Device
from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Storage, step_sizes
from runners.kernels.source import DECODE_STEP, MICROBENCHMARKS
from runners.step import decode_step
from runners.weights import Synthetic, first_contents
from schemas.records import Model
from tests.runners.runs import ROWS
from tests.runners.tiny import emitted, tiny_model

DEPTH, STEPS = 5, 6
MODEL = tiny_model()


def texts(target: str, storages: Sequence[Storage]) -> list[Emitted]:
    """Every text that a run of the tiny model compiles."""
    sizes = step_sizes(MODEL)
    return [
        emit(kernel, target, sizes.get(kernel.name, ROWS), storage)
        for kernel in (*DECODE_STEP, *MICROBENCHMARKS)
        for storage in storages
    ]


def loaded(
    device: Device, storage: Storage = "bf16", model: Model = MODEL, capacity: int = DEPTH + STEPS
) -> Any:
    """A device at the start of a decode."""
    device.open()
    step = decode_step(model, storage, capacity)
    kernels = emitted(step, device.target)
    device.compile(list(kernels.values()))
    device.load(step, kernels, first_contents(model, step, Synthetic(3, storage), DEPTH, seed=3))
    return device


def decoded(device: Any, steps: int = STEPS) -> tuple[list[int], Any]:
    """The tokens of the steps, and the logits after each."""
    found = [(device.run(1).tokens[0], device.read("logits")) for _ in range(steps)]
    return [token for token, _ in found], np.array([numbers for _, numbers in found])


def assert_same(got: tuple[list[int], Any], expected: tuple[list[int], Any], storage: Storage) -> None:
    """That a device decoded what the null device did."""
    assert got[0] == expected[0]
    error = np.linalg.norm(got[1] - expected[1]) / np.linalg.norm(expected[1])
    assert error < (1e-5 if storage == "f32" else 1e-3)


def assert_can_be_written_back(device: Any) -> None:
    """That a loaded step, put back to its token and position, decodes the same again."""
    start = {name: device.read(name) for name in ("token", "position")}
    first = device.run(2).tokens
    for name, numbers in start.items():
        device.write(name, numbers)
    assert device.run(2).tokens == first
