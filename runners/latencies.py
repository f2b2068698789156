"""The latency of single kernels: each launch of the step timed alone, and microbenchmarks over rotated inputs."""

from __future__ import annotations

import math
from collections import Counter

from runners.device import Contents, Device
from runners.kernels.emit import Emitted
from runners.kernels.sizes import STORAGE_BYTES, Storage
from runners.step import Buffer, Role, Step
from runners.weights import Synthetic
from schemas.load import schema

SEED = 0
ROTATED_BYTES = 256_000_000
"""Microbenchmarks take turns over so much memory, several times a large cache, so that inputs come from memory."""
TRACED_STEPS = 24
"""Steps of which each launch is timed alone, at least: so many samples has a kernel that a step calls once."""
TRACED_TOGETHER = 4
MOST_SAMPLES: int = max(
    rule.get("maxItems", 0)
    for rule in schema("result")["$defs"]["kernel_timing"]["properties"]["samples_ns"]["anyOf"]
)


def trace(
    device: Device, step: Step, contents: Contents, latencies_ns: dict[str, list[int]], steps: int
) -> None:
    """Add the latency of each launch of so many steps of the loaded step, from its first contents on.

    Not once a file could not hold what a kernel would have.
    """
    calls = Counter(launch.kernel for launch in step.launches)
    if any(len(latencies_ns.get(name, ())) + count * steps > MOST_SAMPLES for name, count in calls.items()):
        return
    for name in ("token", "position"):
        device.write(name, contents(step.buffers[name], 0, 1))
    for launch, latencies in zip(step.launches, device.trace(steps), strict=True):
        latencies_ns.setdefault(launch.kernel, []).extend(latencies)


def rotated(device: Device, emitted: Emitted, storage: Storage) -> list[int]:
    """Latencies in ns of one kernel, each call on the next of several sets of arrays."""
    kernel, step = emitted.kernel, Step(storage, 1, {emitted.kernel.name: emitted.sizes})
    one_set = sum(math.prod(emitted.sizes.shape(array.axes, 1)) for array in kernel.arrays)
    sets = max(2, math.ceil(ROTATED_BYTES / (one_set * STORAGE_BYTES[storage])))
    for turn in range(sets):
        names = [f"{array.name}{turn}" for array in kernel.arrays]
        for array, name in zip(kernel.arrays, names, strict=True):
            role: Role = "table" if array in kernel.inputs else "activation"
            step.buffers[name] = Buffer(name, array.element, emitted.sizes.shape(array.axes, 1), role)
        step.launch(kernel.name, *names)
    device.load(step, {kernel.name: emitted}, _drawn(storage))
    device.trace(1)
    rounds = max(2, math.ceil(TRACED_STEPS / sets))
    return [ns for column in device.trace(rounds) for ns in column]


def _drawn(storage: Storage) -> Contents:
    source = Synthetic(SEED, storage)
    return lambda buffer, first, last: source.rows(buffer.name, buffer.shape, first, last)
