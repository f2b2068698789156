"""What ``python -m runners reproduce`` writes: dataclasses of ``data/reproduce/index.json``, and who serves whom.

A part of :mod:`schemas.records`, which exports these names; import them from there. The runners list by
:func:`serving` what a machine can be measured by, and the site tells by it what to type: one answer for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.facts import Device, Dtype


@dataclass(frozen=True, slots=True)
class Beside:
    """A baseline that a runner can measure in turns with its own step, and the command that installs it."""

    name: str
    install: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option of one runner's command: what it sets, and in words what holds without it."""

    name: str
    help: str
    default: str


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """What a stranger must know of a runner. ``targets`` holds its languages with all forms of each.

    ``storages`` are the types of weights that it takes, the first by default; ``install`` the commands in a
    fresh checkout's virtual environment; a whole run takes about ``minutes_least`` to ``minutes_most``.
    """

    id: str
    name: str
    kind: Literal["CPU", "GPU", "NPU", "TPU"]
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    storages: tuple[Dtype, ...]
    machine: str
    install: tuple[str, ...]
    quick: str
    run: str
    minutes_least: int
    minutes_most: int
    baselines: tuple[Beside, ...]
    options: tuple[Option, ...]

    @property
    def apart(self) -> tuple[Beside, ...]:
        """The baselines that take more than the runner itself installs."""
        return tuple(one for one in self.baselines if one.install not in self.install)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a run without options measures, and how near another run must come to count as the same."""

    model: str
    depth_tokens: int
    steps: int
    warmup_repetitions: int
    repetitions: int
    seconds: float
    tolerance_percent: float


@dataclass(frozen=True, slots=True)
class Reproduce:
    """All runners, and the devices that a notebook or a SkyPilot task is written for.

    ``notebooks_open_at``, a slash and a notebook's file name make the address at which Colab opens it; None where
    it cannot open those of ``repository``.
    """

    schema: str
    id: str
    repository: str
    branch: str
    notebooks_open_at: str | None
    setup: tuple[str, ...]
    protocol: Protocol
    runners: tuple[RunnerFacts, ...]
    notebooks: tuple[str, ...]
    tasks: tuple[str, ...]


def notebook_name(device: str) -> str:
    """The file of a device's notebook."""
    return f"{device}.ipynb"


def task_name(device: str) -> str:
    """The file of a device's SkyPilot task."""
    return f"{device}.sky.yaml"


def serving(device: Device, runners: Sequence[RunnerFacts]) -> tuple[RunnerFacts, ...]:
    """The runners that measure ``device``: those that take a language which its file names.

    A file that names none says too little of the machine; then its type decides, where only one runner is
    for machines of that type.
    """
    named = {use.target for use in device.languages}
    if named:
        return tuple(one for one in runners if named & set(one.targets))
    of_type = tuple(one for one in runners if one.kind == device.type)
    return of_type if len(of_type) == 1 else ()
