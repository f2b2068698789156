"""One case of a PTO kernel on the simulator: on one core, and on several that run from the last to the first."""

from __future__ import annotations

from typing import Any

from runners.kernels.emit import Emitted
from runners.kernels.emit.pto import emit
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from tests.runners.kernels.cases import Case
from tests.runners.kernels.text_runs import Run
from tests.simulators.pto import Simulator

TOOL = "PTO simulator, on one core, and on several from the last to the first"
SEVERAL = 3


def emitted_for(case: Case, storage: Storage) -> Emitted:
    """The text for the case's sizes."""
    return emit(KERNELS[case.kernel], case.sizes, storage)


def on(emitted: Emitted, case: Case, several: int = SEVERAL) -> Run:
    """The run of the case: forward it is on one core, in reverse on ``several``."""
    simulator = Simulator([emitted])

    def run(arrays: dict[str, Any], reverse: bool) -> None:
        blocks = several if reverse else 1
        simulator.run(emitted, arrays, case.capacity, blocks=blocks, reverse=reverse)

    return run
