"""Emitted C, compiled as a runner compiles it and run on one case: on the team of threads, or under sanitizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runners.compiler import FLAGS, find
from runners.cpu import CpuDevice
from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from runners.native import TEXT, Team
from tests.runners.kernels.cases import Case, compare
from tests.runners.kernels.oracles import expected

SANITIZED = (
    "-std=gnu11",
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fPIC",
    "-pthread",
)


def emitted(case: Case, storage: Storage) -> Emitted:
    """The case's kernel in C."""
    return emit(KERNELS[case.kernel], "c", case.sizes, storage)


def built(kernels: Sequence[Emitted], threads: int, flags: tuple[str, ...] = FLAGS) -> CpuDevice:
    """A device with these texts compiled."""
    device = CpuDevice(threads)
    texts = {f"{kernel.kernel.name}.c": kernel.text for kernel in kernels}
    library, _ = find().build({"team.c": TEXT, **texts}, flags)
    device.team = Team(library, threads)
    return device


def errors(device: CpuDevice, kernel: Emitted, case: Case, storage: Storage) -> dict[str, float]:
    """Output name to relative error, after one call on fresh inputs and poisoned outputs."""
    arrays: dict[str, Any] = case.inputs(storage)
    wanted = expected(case.kernel, arrays, case.sizes)
    device.call(kernel, arrays, case.capacity)
    return compare(wanted, arrays)
