"""PyTorch on Neuron, both of them: graphs compiled by ``torch_neuronx.trace`` (Trainium1) or ``torch.compile``.

On Trainium1 and Inferentia2 a graph is traced and compiled ahead; it keeps its caches, as parameters whose
new contents take the place of the old ones, and every other tensor is an input. As all of these are in the
device's memory, its outputs stay there. On Trainium2 and newer, a graph is a function that the ``neuron`` device
compiles when it is called first. Import this only where PyTorch for Neuron is installed.
"""

from __future__ import annotations

import atexit
import importlib.util
import io
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import ml_dtypes
import numpy as np
import torch

from runners.device import Numbers, RunnerError
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.stacks.neuron.graph import Form, Graph, Tensor, apply
from runners.stacks.neuron.step import Built, Tensors

DEVICE = "neuron:0"
FLAGS = ("--auto-cast=none", "-O1")
"""f32 stays f32; and the kernels are compiled as they are written, so that a higher level finds nothing to do."""
_TYPES: dict[Any, Any] = {
    np.dtype(ml_dtypes.bfloat16): torch.bfloat16,
    np.dtype(np.float16): torch.float16,
    np.dtype(np.float32): torch.float32,
    np.dtype(np.int32): torch.int32,
}
_NUMPY = {kind: dtype for dtype, kind in _TYPES.items()}
_FAULTS = ("ERROR", "[NCC_", "Error:")


class NeuronTensors:
    """What both stacks share: texts' functions, and numbers from and to one NeuronCore."""

    def __init__(self) -> None:
        self.neuron = import_module("torch_neuronx")  # makes the device known to PyTorch
        self.functions: dict[str, Callable[..., Any]] = {}

    def load_texts(self, kernels: Sequence[Emitted]) -> None:
        """A text becomes a module of a file, as NKI reads the source of a function."""
        for kernel in kernels:
            if kernel.sha256 not in self.functions:
                path = _folder_of_texts() / f"{kernel.kernel.name}_{kernel.sha256[:16]}.py"
                path.write_text(kernel.text, "utf-8")
                spec = importlib.util.spec_from_file_location(path.stem, path)
                assert spec
                assert spec.loader
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                self.functions[kernel.sha256] = getattr(module, kernel.kernel.name)

    def upload(self, numbers: Numbers) -> Tensor:
        return on_host(numbers).to(DEVICE)

    def write(self, state: Tensor, numbers: Numbers) -> None:
        with torch.no_grad():
            state.copy_(on_host(numbers))

    def download(self, tensor: Tensor) -> Numbers:
        found = tensor.detach().cpu()
        dtype = _NUMPY[found.dtype]
        return (found.view(torch.int16) if dtype.itemsize == 2 else found).numpy().view(dtype)


@cache
def _folder_of_texts() -> Path:
    """There for as long as this process: a compiler may come back to a text at any time."""
    folder = Path(tempfile.mkdtemp(prefix="decode-board-nki-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def on_host(numbers: Numbers) -> Tensor:
    """The same numbers as a tensor of the host; NumPy's bfloat16 goes as its bits."""
    kind = _TYPES[numbers.dtype]
    bits = np.ascontiguousarray(numbers)
    return torch.from_numpy(bits.view(np.int16) if kind.itemsize == 2 else bits).view(kind)


class Traced(NeuronTensors):
    """``torch_neuronx.trace``. A program that was compiled before serves every graph of the same form.

    A process executes one program at a time and a call returns when it has run, as long as nobody asks the
    runtime for asynchronous execution.
    """

    def __init__(self) -> None:
        super().__init__()
        runtime = torch.classes.neuron.Runtime()
        runtime.initialize()
        runtime.set_default_neuron_cores(0, 1)
        self._saved: dict[Any, bytes] = {}
        self._shared: dict[Any, Any] = {}

    def build(self, graph: Graph) -> Built:
        self.load_texts(graph.texts)
        if graph.key not in self._saved:
            self._saved[graph.key] = self._compiled(graph)
        program = self._shared.get(graph.key) or self._loaded(graph)
        inputs, outputs = graph.inputs, graph.outputs  # found once: a step has no time for it

        def run(tensors: Tensors) -> Tensors:
            found = program(*[tensors[name] for name in inputs])
            return dict(zip(outputs, found, strict=False))  # its states' new contents follow

        return Built(run, dict(zip(graph.states, program.parameters(), strict=True)))

    def _loaded(self, graph: Graph) -> Any:
        """The program on the device, with states of its own; without any, one serves all."""
        program = torch.jit.load(io.BytesIO(self._saved[graph.key]))
        self.neuron.move_trace_to_device(program, 0)
        if not graph.states:
            self._shared[graph.key] = program
        return program

    def _compiled(self, graph: Graph) -> bytes:
        module = _Module(graph, self.functions)
        states = {state: len(graph.outputs) + place for place, state in enumerate(module.states)}
        with tempfile.TemporaryDirectory(prefix="decode-board-neuron-") as folder:
            log = Path(folder) / "log-neuron-cc.txt"
            try:
                traced = self.neuron.trace(
                    module,
                    tuple(_zeros(graph.forms[name]) for name in graph.inputs),
                    input_output_aliases=states,
                    compiler_workdir=folder,
                    compiler_args=[*FLAGS, f"--logfile={log}"],
                )
            except Exception as error:
                raise _refused(error, log) from error
        saved = io.BytesIO()
        torch.jit.save(traced, saved)
        return saved.getvalue()


class _Module(torch.nn.Module):  # type: ignore[misc]
    """A graph as a module: its caches are parameters, and come last among what it returns."""

    def __init__(self, graph: Graph, functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__()
        self._graph, self._calls = graph, graph.calls(functions)
        self.states = torch.nn.ParameterList(
            torch.nn.Parameter(_zeros(graph.forms[name]), requires_grad=False) for name in graph.states
        )

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        graph = self._graph
        values = dict(zip((*graph.inputs, *graph.states), (*inputs, *self.states), strict=True))
        apply(self._calls, values)
        return [values[name] for name in (*graph.outputs, *graph.states)]


def _zeros(form: Form) -> Tensor:
    return torch.zeros(form.shape, dtype=_TYPES[form.dtype])


def _refused(error: Exception, log: Path) -> RunnerError:
    """What the compiler said first, where its log has it: its exception has but the exit status."""
    lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
    fault = next((one for one in lines if any(mark in one for mark in _FAULTS)), "")
    said = ": ".join(filter(None, (line(str(error)) or type(error).__name__, line(fault))))
    return RunnerError(
        f"neuronx-cc: refuses a graph (got '{said}'); "
        "see whether the SDK is the one that python -m runners.stacks.neuron.machine names; if so, report it"
    )


class Compiled(NeuronTensors):
    """``torch.compile`` for the ``neuron`` device, which keeps what it compiled from one run to the next."""

    def build(self, graph: Graph) -> Built:
        self.load_texts(graph.texts)
        names, given_back = (*graph.inputs, *graph.states), (*graph.outputs, *graph.states)
        calls = graph.calls(self.functions)

        def program(*tensors: Tensor) -> tuple[Tensor, ...]:
            values = dict(zip(names, tensors, strict=True))
            apply(calls, values)
            return tuple(values[name] for name in given_back)

        alone = len(graph.launches) == 1
        ready = (
            program
            if alone
            else torch.compile(_own(program), backend="neuron", fullgraph=True, dynamic=False)
        )

        def run(tensors: Tensors) -> Tensors:
            found = ready(*[tensors[name] for name in names])
            torch.neuron.synchronize()
            return dict(zip(given_back, found, strict=True))

        return Built(run)


def _own(program: Callable[..., Any]) -> Callable[..., Any]:
    """The function with code of its own: PyTorch keeps what it compiles with the code, and only so much of it."""
    assert isinstance(program, FunctionType)
    code = program.__code__.replace(co_name=f"graph_{id(program):x}")
    return FunctionType(code, program.__globals__, code.co_name, None, program.__closure__)
