"""What a device must do to be measured: compile, load, run, and say what it is. One module a stack fills this.

The protocol (:mod:`runners.check`, :mod:`runners.measure`) is written once against it, and never against a
device. A vendor's package is imported inside the methods of its own module only, when the runner starts.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import ml_dtypes
import numpy as np

from runners.kernels.emit import TARGETS, Emitted, emit
from runners.kernels.expr import Element, Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.step import Buffer, Step
from schemas.records import Execution, Package

Numbers = Any
Contents = Callable[[Buffer, int, int], Numbers]
"""(buffer, first row, last row) -> these rows of its first contents, in the storage's NumPy type."""


class RunnerError(Exception):
    """Something that the person can mend; the message says what is wrong and how."""


class KernelError(RunnerError):
    """What is wrong with one kernel: it has failed, and the others may go on without it."""

    def __init__(self, kernel: str, message: str) -> None:
        super().__init__(message)
        self.kernel = kernel


def element_type(element: Element, storage: Storage) -> np.dtype[Any]:
    """The NumPy type of an array's elements."""
    stored: dict[Storage, Any] = {"bf16": ml_dtypes.bfloat16, "f16": np.float16, "f32": np.float32}
    types: dict[Element, Any] = {"stored": stored[storage], "f32": np.float32, "i32": np.int32}
    found: np.dtype[Any] = np.dtype(types[element])
    return found


@dataclass(frozen=True, slots=True)
class Identity:
    """What the machine says the device is."""

    name: str
    count: int
    driver: str | None
    toolchain: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A whole number that the person may choose for one stack: an option of its command.

    ``default`` says in words what holds where nothing is chosen.
    """

    name: str
    help: str
    default: str
    least: int = 1
    most: int = 1024


@dataclass(frozen=True, slots=True)
class About:
    """What a stranger must know before a run: the catalogue, the help and the reproduction pages say it.

    ``name`` is the stack's; ``kind`` the type of its devices, ``machine`` what the run needs, as a sentence;
    ``install`` the commands that, in a fresh checkout's virtual environment, make the run possible, and
    ``minutes`` about how long a whole run takes, (least, most).
    """

    name: str
    kind: Literal["CPU", "GPU", "NPU", "TPU"]
    machine: str
    install: tuple[str, ...]
    minutes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run of n steps gave: each step's time in ns, and each step's token id."""

    step_ns: list[int]
    tokens: list[int]


def timed_steps(steps: int, step: Callable[[], int]) -> Ran:
    """So many calls of ``step``, each timed until the token that it gives is on the host."""
    ran = Ran([], [])
    for _ in range(steps):
        started_ns = time.perf_counter_ns()
        token = step()
        ran.step_ns.append(time.perf_counter_ns() - started_ns)
        ran.tokens.append(token)
    return ran


class Device(ABC):
    """One device and its stack. Made without touching the device; :meth:`open` may fail with RunnerError.

    ``targets`` are the languages that the stack takes, the first by default; of those, ``target`` is the one
    that this device takes, and ``languages`` those kernels that it takes in another (the device's file says
    which). ``executions`` names the kernels that are not run as emitted; ``ways`` are those that the stack knows.
    ``decided`` is what loading a step has found out by measuring: the result's toolchain says it.
    """

    runner: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]
    storages: ClassVar[tuple[Storage, ...]]
    about: ClassVar[About]
    settings: ClassVar[tuple[Setting, ...]] = ()
    ways: ClassVar[tuple[Execution, ...]] = ("emitted",)

    target: str
    languages: Mapping[str, str] = {}
    executions: Mapping[str, Execution] = {}
    decided: tuple[Package, ...] = ()

    @classmethod
    @abstractmethod
    def lacking(cls) -> str | None:
        """What this machine lacks, with its remedy; None where nothing is missing. Imports no vendor's package."""

    def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
        """The kernel's text for this device."""
        return emit(kernel, self.languages.get(kernel.name, self.target), sizes, storage)

    def language_of(self, emitted: Emitted) -> str:
        """The language of an emitted kernel, as people call it."""
        return TARGETS[emitted.target].name

    def implementation(self, kernel: str) -> str | None:
        """What runs a kernel that is not run as emitted: the vendor's operator, or the host's library."""
        del kernel
        return None

    @abstractmethod
    def open(self) -> Identity:
        """Find the device and its toolchain, or raise :class:`RunnerError` saying what to install."""

    @abstractmethod
    def compile(self, kernels: Sequence[Emitted]) -> float:
        """Compile the texts; the seconds it took. What was compiled before may be kept.

        :class:`KernelError` for a text that the compiler refuses: then it is asked for the others again.
        """

    @abstractmethod
    def call(self, kernel: Emitted, arrays: Mapping[str, Numbers], capacity: int) -> None:
        """Run one compiled kernel once on host arrays, writing its outputs in place: for the check."""

    @abstractmethod
    def load(self, step: Step, kernels: Mapping[str, Emitted], contents: Contents) -> float:
        """Make the step's buffers, fill all but activations with ``contents``, and prepare its launches.

        The seconds that compiling or tracing the step took, which is not loading weights; 0 where it needs none.
        """

    @abstractmethod
    def write(self, buffer: str, numbers: Numbers) -> None:
        """Host to device, for small buffers and caches, in the logical shape."""

    @abstractmethod
    def read(self, buffer: str) -> Numbers:
        """Device to host, for activations, caches and state, in the logical shape."""

    @abstractmethod
    def run(self, steps: int) -> Ran:
        """Run the loaded step so often, each synchronised and timed; ``position`` moves on with each."""

    @abstractmethod
    def trace(self, steps: int) -> list[list[int]]:
        """Run the step so often, each launch timed alone: for each launch its latencies in ns.

        Where a launch cannot be timed alone for what it costs to start it, all of a kernel's launches run
        together: their mean is the first one's latency, and the others have none.
        """

    def read_bandwidth(self) -> float | None:
        """What the memory delivers at this moment, read by this device, in GB/s; None where it costs much."""
        return None

    def energy_j(self) -> float | None:
        """The energy that the device has used so far, in J from any start; None where nothing tells it."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Free the loaded step."""
