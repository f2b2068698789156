"""Huawei's Ascend NPUs of A2 and A3: emitted AscendC or PTO, compiled by CANN, launched by AscendCL.

``python -m runners.ascend`` measures a decode step here. All launches of a step are one graph, captured once and
replayed (``--graph 0`` launches them one by one). ``--pto 0`` takes every kernel in AscendC. A kernel may be run by
the vendor's operator or on the host instead (``--execute``): the file says so, and a step with a kernel on the host
is never a graph.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from math import prod
from pathlib import Path
from typing import ClassVar

import numpy as np

from runners.device import (
    About,
    Contents,
    Device,
    Identity,
    Numbers,
    Ran,
    RunnerError,
    Setting,
    element_type,
)
from runners.kernels.emit import Emitted, emit
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.stacks.ascend import aclnn, bisheng
from runners.stacks.ascend.acl import Acl
from runners.stacks.ascend.calls import Calls
from runners.stacks.ascend.cann import library_path, written_version
from runners.stacks.ascend.step import LoadedStep
from runners.step import Step
from runners.vendor import MEMORY
from schemas.records import Execution, Package

DRIVER = Path("/usr/local/Ascend/driver/version.info")
_CHIPS = re.compile(r"Ascend910(B\d|_93)")  # of the architecture 2201, for which the texts are: 910B and 910C


_PTO = (
    "mkdir -p $VIRTUAL_ENV/ptoas",
    "curl -L https://github.com/hw-native-sys/PTOAS/releases/download/v0.36/ptoas-bin-$(uname -m).tar.gz "
    "| tar xz -C $VIRTUAL_ENV/ptoas",
    "export PATH=$VIRTUAL_ENV/ptoas/bin:$PATH LD_LIBRARY_PATH=$VIRTUAL_ENV/ptoas/lib:$LD_LIBRARY_PATH",
    "git clone --depth 1 https://gitcode.com/cann/pto-isa $VIRTUAL_ENV/pto-isa",
    "export PTO_ISA_ROOT=$VIRTUAL_ENV/pto-isa",
)
"""PTO's assembler and the headers of what it writes, which are newer than those in CANN 8.5."""


class AscendDevice(Device):
    """The first NPU that this process may use."""

    runner: ClassVar[str] = "ascend"
    targets: ClassVar[tuple[str, ...]] = ("ascendc", "pto")
    storages: ClassVar[tuple[Storage, ...]] = ("bf16", "f16", "f32")

    about: ClassVar[About] = About(
        name="Ascend",
        kind="NPU",
        machine="A server with an Ascend 910B or 910C, its driver, and CANN 8.5 or newer with its operators.",
        install=(
            "pip install --constraint constraints.txt --editable .",
            "source /usr/local/Ascend/cann/set_env.sh",
            *_PTO,
        ),
        minutes=(4, 15),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "graph",
            "1: replay a step's launches as one captured graph. 0: launch them one by one.",
            "1, where CANN can and no kernel runs on the host",
            least=0,
            most=1,
        ),
        Setting(
            "pto",
            "1: take in PTO the kernels that the device's file names for it. 0: take all in AscendC, without ptoas.",
            "1",
            least=0,
            most=1,
        ),
    )
    ways: ClassVar[tuple[Execution, ...]] = ("emitted", "vendor_library", "host")
    target = "ascendc"

    def __init__(self, graph: int | None = None, pto: int | None = None) -> None:
        self.graph = 1 if graph is None else graph
        self.pto = 1 if pto is None else pto
        self._launchers: dict[str, bisheng.Launcher] = {}
        self._loaded: LoadedStep | None = None

    @classmethod
    def lacking(cls) -> str | None:
        try:
            library_path()
            bisheng.path()
        except RunnerError as error:
            return str(error)
        return None

    def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
        return super().emit(kernel, sizes, storage) if self.pto else emit(kernel, self.target, sizes, storage)

    def implementation(self, kernel: str) -> str | None:
        match self.executions.get(kernel):
            case "vendor_library":
                return aclnn.OPERATORS[kernel]
            case "host":
                return f"NumPy {np.__version__}"
        return None

    def open(self) -> Identity:
        self._refuse_without_operator()
        self._tools = bisheng.find(pto=bool(self.pto))
        self._acl = Acl()
        chip = self._acl.soc_name()
        if not _CHIPS.match(chip):
            raise RunnerError(
                f"ascend: the kernels are for the 910B and 910C (got {chip or 'no name'}); use a server with one"
            )
        self._stream = self._acl.stream()
        on_host = "host" in self.executions.values()
        self.graph = int(bool(self.graph) and not on_host and self._acl.can_capture())
        launches = Package("launches", "a captured graph" if self.graph else "one by one")
        packages = (*self._tools.packages, launches)
        return Identity(chip, 1, written_version(DRIVER), packages)

    def _refuse_without_operator(self) -> None:
        for kernel, way in self.executions.items():
            if way == "vendor_library" and kernel not in aclnn.OPERATORS:
                raise RunnerError(
                    f"--execute: no operator of CANN's is used for this kernel (got '{kernel}={way}'); "
                    f"there is one for: {', '.join(aclnn.OPERATORS)}"
                )

    def compile(self, kernels: Sequence[Emitted]) -> float:
        emitted = [one for one in kernels if self.executions.get(one.kernel.name, "emitted") == "emitted"]
        self._launchers, seconds = self._tools.build_all(emitted)
        return seconds

    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        with closing(self._new_calls()) as calls:
            placed = []
            for array in kernel.kernel.arrays:
                layout, numbers = kernel.layout(array.name), arrays[array.name]
                placed.append(calls.place(layout.shape(numbers.shape), numbers.dtype))
                self._acl.upload(placed[-1].address, layout.pack(numbers))
            self._acl.launch(kernel.kernel.name, calls.bound(kernel, placed, capacity))
            self._acl.synchronize(self._stream)
            for array, place in zip(kernel.kernel.arrays, placed, strict=True):
                if array in kernel.kernel.outputs:
                    self._acl.download(place.address, arrays[array.name])

    def _new_calls(self) -> Calls:
        return Calls(self._acl, self._stream, self._launchers, self.executions)

    # --- the step ---------------------------------------------------------------------------------

    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        self.close()
        self._refuse_what_does_not_fit(step)
        self._loaded = LoadedStep(self._acl, self._new_calls())
        self._loaded.load(step, kernels, contents)
        return self._loaded.capture() if self.graph and self._loaded.told else 0.0

    def _refuse_what_does_not_fit(self, step: Step) -> None:
        sizes = ((one.shape, element_type(one.element, step.storage)) for one in step.buffers.values())
        needed_bytes = sum(prod(shape) * dtype.itemsize for shape, dtype in sizes)
        if needed_bytes > (free_bytes := self._acl.free_bytes()):
            raise RunnerError(
                f"memory: too little is free on the device (got {free_bytes / 1e9:.1f} GB, the step needs "
                f"{needed_bytes / 1e9:.1f} GB); {MEMORY}"
            )

    @property
    def _step(self) -> LoadedStep:
        assert self._loaded, "a step is loaded before it is used"
        return self._loaded

    def write(self, buffer: str, numbers: Numbers) -> None:
        self._step.write(buffer, numbers)

    def read(self, buffer: str) -> Numbers:
        return self._acl.fetch(self._step.placed[buffer])

    def run(self, steps: int) -> Ran:
        return self._step.run(steps)

    def trace(self, steps: int) -> list[list[int]]:
        return self._step.trace(steps)

    def close(self) -> None:
        if self._loaded:
            self._loaded.close()
        self._loaded = None


if __name__ == "__main__":
    from runners.command import main

    sys.exit(main("ascend"))
