"""One case of a SIMT kernel on the simulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runners.kernels.emit import Emitted
from tests.runners.kernels.cases import Case
from tests.runners.kernels.text_runs import Run
from tests.simulators.simt import Sanitized, Simulator
from tests.simulators.simt.languages import LANGUAGES


def fitting(case: Case, target: str) -> Case:
    """The case with a cache as large as the language's simulator wants it."""
    return replace(case, capacity=max(case.capacity, LANGUAGES[target].least_dynamic))


def on(simulator: Simulator | Sanitized, emitted: Emitted, case: Case) -> Run:
    """The run of the case on a simulator."""

    def run(arrays: dict[str, Any], reverse: bool) -> None:
        simulator.run(emitted, arrays, capacity=case.capacity, reverse=reverse)

    return run
