"""A strict stand-in for PyTorch on Neuron, on a machine without: what its programs compute, our simulator does.

It has the calls that the runner makes, in the forms that the vendor documents, and refuses any other use: tensors
of the host where the device's are wanted, other shapes or types than a program was traced with, a program that
was not moved to the device, two launches that a compiler would take for one, numbers that are none.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import torch

from runners.stacks.neuron import machine as neuron_machine
from tests.simulators.nki import simulate

VERSIONS = {"torch-neuronx": "2.9.0.2.11.19912", "torch": "2.9.0", "neuronx-cc": "2.22.12471.0"}
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
Patch = Callable[..., None]


class MisuseError(AssertionError):
    """What the runner must not do; no error of the vendor's."""


def check(holds: bool, why: str) -> None:
    if not holds:
        raise MisuseError(why)


@dataclass
class Chip:
    """One NeuronCore: what it holds, what was done with it, and how it fails."""

    memory_bytes: int = 1 << 40
    held: bool = False
    """by another process"""
    begun: bool = False
    """The runtime holds a core."""
    refused: str = ""
    """the kernel that the compiler refuses"""
    unsuited: str = ""
    """the kernel that NKI refuses"""
    wrong: str = ""
    """the kernel that computes wrongly"""
    lost_after: int = 1 << 40
    """calls of programs, until the device is gone"""
    calls: int = 0
    allocated_bytes: int = 0
    most_bytes: int = 0
    traced: list[list[str]] = field(default_factory=list)
    compiled: int = 0
    unfinished: int = 0
    """Launches since the device was last waited for."""
    launched: list[str] = field(default_factory=list)
    seen: list[Any] | None = None
    """While a program is traced or runs: the launches so far, each with what it was given."""

    def initialize(self) -> None:
        if self.held:
            raise RuntimeError(
                "The PyTorch Neuron Runtime could not be initialized. Neuron Driver issues are logged to your "
                "system logs. See the Neuron Runtime's troubleshooting guide for help on this topic."
            )
        alone = os.environ.get("NEURON_RT_NUM_CORES") == "1" or "NEURON_RT_VISIBLE_CORES" in os.environ
        check(alone, "a runtime that is told nothing takes every core")
        self.begun = True

    def set_default_neuron_cores(self, start_nc: int, nc_count: int) -> None:
        check(self.begun and (start_nc, nc_count) == (0, 1), "the only core")

    def allocate(self, size: int) -> None:
        if not self.begun:
            self.initialize()
        self.allocated_bytes += size
        self.most_bytes = max(self.most_bytes, self.allocated_bytes)
        if self.allocated_bytes > self.memory_bytes:
            raise RuntimeError("Could not load the model status=4 message=Allocation Failure")

    def free(self, size: int) -> None:
        self.allocated_bytes -= size

    def finish(self) -> None:
        self.unfinished = 0

    def execute(self) -> None:
        self.calls += 1
        if self.calls > self.lost_after:
            raise RuntimeError("Failed to execute the model status=6 message=Hardware Error")


class Tensor:
    """A tensor of ``neuron:0``. What is not here, the device's tensors are not asked for."""

    def __init__(self, chip: Chip, data: torch.Tensor, state: bool = False) -> None:
        size = data.numel() * data.element_size()
        chip.allocate(size)
        weakref.finalize(self, chip.free, size)
        self._chip, self.data, self._state = chip, data, state

    @property
    def shape(self) -> torch.Size:
        return self.data.shape

    def reshape(self, shape: tuple[int, ...]) -> Tensor:
        return Tensor(self._chip, self.data.reshape(shape))

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> torch.Tensor:
        return self.data.clone()

    def copy_(self, source: torch.Tensor) -> None:
        check(self._state, "only a program's states are documented to be written in place")
        check(type(source) is torch.Tensor, "from a tensor of the host")
        check(source.shape == self.shape and source.dtype == self.data.dtype, "another shape or type")
        self.data = source.clone()


def to_numpy(tensor: torch.Tensor) -> Any:
    tensor = tensor.detach().contiguous()
    return (
        tensor.view(torch.int16).numpy().view(BFLOAT16) if tensor.dtype == torch.bfloat16 else tensor.numpy()
    )


def to_torch(numbers: Any) -> torch.Tensor:
    numbers = np.ascontiguousarray(numbers)
    bits = numbers.view(np.int16) if numbers.dtype == BFLOAT16 else numbers
    tensor = torch.from_numpy(bits.copy())
    return tensor.view(torch.bfloat16) if numbers.dtype == BFLOAT16 else tensor


# --- kernels --------------------------------------------------------------------------------------


def kernel_call(chip: Chip, target: str) -> Callable[..., Any]:
    """What calling a ``nki.jit`` kernel does: the simulator's work, on tensors of the graph or of the device."""

    def call(kernel: Any, *given: Any) -> Any:
        name = kernel.function.__name__
        if name == chip.unsuited:
            raise TypeError(f"Failed to infer tile from local tensor: in {name}\n  and a long story")
        tracing = chip.seen is not None
        wanted = torch.Tensor if tracing and target == "nki" else Tensor
        check(all(isinstance(one, wanted) for one in given), f"{name}: takes tensors of its graph")
        tensors = [one.data if isinstance(one, Tensor) else one for one in given]
        if chip.seen is not None:
            launch = (name, *(one.data_ptr() for one in tensors))
            check(
                launch not in [one for one, _ in chip.seen],
                f"{name}: two launches on the same tensors are one",
            )
            chip.seen.append((launch, tensors))
        chip.launched.append(name)
        chip.unfinished += target != "nki"
        results = simulate(target, kernel, [to_numpy(one).copy() for one in tensors])
        found = [to_torch(one) for one in (results if isinstance(results, tuple) else (results,))]
        if name == chip.wrong:
            found = [one + 1 for one in found]
        if target != "nki":
            found = [Tensor(chip, one) for one in found]
        return tuple(found) if isinstance(results, tuple) else found[0]

    return call


def refuse_what_is_no_number(tensors: Sequence[torch.Tensor]) -> None:
    if any(one.is_floating_point() and not bool(torch.isfinite(one.float()).all()) for one in tensors):
        raise RuntimeError("Failed to execute the model status=1003 message=Numerical Error")


# --- torch_neuronx.trace --------------------------------------------------------------------------


class Program:
    """A traced module, as ``torch.jit.load`` gives it: its states are on the host until it is moved."""

    def __init__(self, chip: Chip, module: Any, forms: list[Any], states: int) -> None:
        self.chip, self.module, self.forms, self.state_count = chip, module, forms, states
        self.states: list[Any] = [one.detach().clone() for one in module.states]
        self.moved = False

    def parameters(self) -> list[Any]:
        check(self.moved, "the states that are moved to the device are others than those before")
        return self.states

    def __call__(self, *given: Any) -> list[Tensor]:
        chip = self.chip
        check(self.moved, "a program whose states are on the host moves them with every call")
        check(all(isinstance(one, Tensor) for one in given), "one input of the host brings all outputs there")
        check([form_of(one.data) for one in given] == self.forms, "other shapes or types than were traced")
        chip.execute()
        with torch.no_grad():
            for parameter, state in zip(self.module.states, self.states, strict=True):
                parameter.copy_(state.data)
            found = run_graph(chip, self.module, [one.data for one in given])
        refuse_what_is_no_number(found)
        outputs = [Tensor(chip, one) for one in found[: len(found) - self.state_count]]
        for state, new in zip(self.states, found[len(outputs) :], strict=True):
            state.data = new
        return [*outputs, *self.states]


def form_of(tensor: torch.Tensor) -> tuple[Any, Any]:
    return tuple(tensor.shape), tensor.dtype


def run_graph(chip: Chip, module: Any, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    chip.seen = []
    try:
        found = module(*inputs)
    finally:
        chip.seen = None
    check(isinstance(found, list), "a module gives a list")
    return list(found)


def tracer(chip: Chip) -> Callable[..., Program]:
    def trace(
        func: Any, example_inputs: Any, *,
        input_output_aliases: dict[Any, int], compiler_workdir: str, compiler_args: list[str],
    ) -> Program:  # fmt: skip
        check(isinstance(func, torch.nn.Module), "aliases are of a module's parameters")
        check(all(type(one) is torch.Tensor for one in example_inputs), "examples are tensors of the host")
        check(len({id(one) for one in example_inputs}) == len(example_inputs), "an input given twice is one")
        check(Path(compiler_workdir).is_dir(), "the compiler works in a folder")
        check({"--auto-cast=none", "-O1"} <= set(compiler_args), "f32 must stay f32")
        parameters = {id(one): one for one in func.parameters()}
        for state in input_output_aliases:
            check(id(state) in parameters and bool(torch.equal(state, state)), "a state is a parameter")
        found = run_graph(chip, func, example_inputs)
        for state, place in input_output_aliases.items():
            check(form_of(found[place]) == form_of(state), "a state's new contents have its shape and type")
        names = chip.launched[-len(func._calls) :]
        if chip.refused in names:
            (log,) = [one.removeprefix("--logfile=") for one in compiler_args if one.startswith("--logfile=")]
            Path(log).write_text(
                "INFO: begins\nERROR [NCC_ITEN404] no lowering of a tile\nERROR later\n", "utf-8"
            )
            raise RuntimeError("neuronx-cc failed with 70")
        chip.traced.append(names)
        return Program(chip, func, [form_of(one) for one in example_inputs], len(input_output_aliases))

    return trace


def move_trace_to_device(trace: Program, device_id: int) -> None:
    check(device_id == 0 and not trace.moved, "once, to the process's only core")
    trace.states = [Tensor(trace.chip, one, state=True) for one in trace.states]
    trace.moved = True


class Saved:
    """``torch.jit.save`` and ``torch.jit.load``: what is loaded shares nothing with what was saved."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def save(self, program: Any, place: Any) -> None:
        check(isinstance(program, Program) and not program.moved, "what was traced is saved")
        self.programs.append(program)
        place.write(str(len(self.programs) - 1).encode())

    def load(self, place: Any) -> Program:
        one = self.programs[int(place.read())]
        return Program(one.chip, one.module, one.forms, one.state_count)


# --- torch.compile --------------------------------------------------------------------------------


def compiler(chip: Chip) -> Callable[..., Any]:
    codes: list[Any] = []

    def compile(program: Any, *, backend: str, fullgraph: bool, dynamic: bool) -> Callable[..., Any]:
        check((backend, fullgraph, dynamic) == ("neuron", True, False), "one static graph for the device")
        check(
            all(program.__code__ is not one for one in codes), "PyTorch keeps eight graphs of a code, no more"
        )
        codes.append(program.__code__)
        forms: list[Any] = []

        def run(*given: Any) -> Any:
            check(all(isinstance(one, Tensor) for one in given), "tensors of the device")
            traced = [form_of(one.data) for one in given]
            chip.compiled += not forms
            forms[:] = forms or traced
            check(forms == traced, "another shape or type compiles another graph")
            chip.execute()
            chip.seen = []
            try:
                found = program(*given)
            finally:
                chip.seen = None
            refuse_what_is_no_number([one.data for one in found])
            return found

        return run

    return compile


# --- installed ------------------------------------------------------------------------------------


def install(patch: Patch, root: Path, device: str = "Trainium1", instance: str = "trn1.2xlarge") -> Chip:
    """A machine with the device and its SDK, as the runner sees it; ``patch`` sets attributes."""
    chip, saved, move = Chip(), Saved(), torch.Tensor.to
    make_machine(patch, root, device, instance)
    fake = ModuleType("torch_neuronx")
    fake.__spec__ = ModuleSpec("torch_neuronx", None)
    fake.__dict__.update(trace=tracer(chip), move_trace_to_device=move_trace_to_device)
    sys.modules["torch_neuronx"] = fake
    patch(neuron_machine, "PYTHON", (3, 12))
    patch(neuron_machine, "find_spec", lambda name: name)
    patch(neuron_machine, "version", version)

    def to(tensor: torch.Tensor, *where: Any, **how: Any) -> Any:
        return Tensor(chip, tensor.clone()) if where == ("neuron:0",) else move(tensor, *where, **how)

    patch(torch.Tensor, "to", to)
    patch(torch.classes, "neuron", SimpleNamespace(Runtime=lambda: chip))
    patch(torch.jit, "save", saved.save)
    patch(torch.jit, "load", saved.load)
    patch(torch, "compile", compiler(chip))
    patch(torch, "neuron", SimpleNamespace(synchronize=chip.finish))
    for target, package in (("nki", "neuronxcc.nki"), ("nki-trn2", "nki")):
        patch(import_module(package).Kernel, "__call__", kernel_call(chip, target))
    return chip


def make_machine(patch: Patch, root: Path, device: str, instance: str) -> None:
    """The files of the driver and the firmware; without a device there are none."""
    (root / "dev").mkdir(parents=True, exist_ok=True)
    files = {
        "devices/virtual/neuron_device/neuron0/info/architecture/device_name": f"{device}\n",
        "class/dmi/id/product_name": f"{instance}\n",
        "module/neuron/version": "2.25.4.0\n",
    }
    for name, text in files.items() if device else ():
        (root / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "sys" / name).write_text(text, "utf-8")
        (root / "dev" / "neuron0").touch()
    patch(neuron_machine, "SYSTEM", root / "sys")
    patch(neuron_machine, "DEVICES", root / "dev")


def version(package: str) -> str:
    if package not in VERSIONS:
        raise PackageNotFoundError(package)
    return VERSIONS[package]
