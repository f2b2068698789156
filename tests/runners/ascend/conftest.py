"""The machine, and a tiny step on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runners.ascend import AscendDevice
from runners.device import Contents
from runners.kernels.emit import emit
from runners.kernels.sizes import step_sizes
from runners.kernels.source import KERNELS
from runners.step import Step, decode_step
from runners.weights import Synthetic, first_contents
from tests.runners.fakes.ascend import Machine, installed
from tests.runners.kernels.executors import EXECUTORS, Call
from tests.runners.runs import ROWS
from tests.runners.tiny import tiny_model


@pytest.fixture(scope="session")
def cann(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CANN's folder."""
    return installed(tmp_path_factory.mktemp("ascend"))


@pytest.fixture(scope="session")
def executors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Call]:
    """What runs the tiny model's texts in each language, compiled once for all tests."""
    sizes, folder = step_sizes(tiny_model()), tmp_path_factory.mktemp("texts")
    return {
        target: EXECUTORS[target](
            [emit(one, target, sizes.get(one.name, ROWS), "bf16") for one in KERNELS.values()], folder
        )
        for target in ("ascendc", "pto")
    }


@pytest.fixture
def machine(cann: Path, executors: dict[str, Call], monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The fake, which knows every text that a device emits; at the end it must have nothing to complain about."""
    monkeypatch.setenv("ASCEND_HOME_PATH", str(cann))
    monkeypatch.setenv("PATH", str(cann / "bin"), prepend=":")
    for name, value in {"SOC": "Ascend910B2", "DEVICES": "1", "FREE_BYTES": str(60 << 30)}.items():
        monkeypatch.setenv(f"FAKE_{name}", value)
    made = Machine(cann, executors)
    own = AscendDevice.emit
    monkeypatch.setattr(AscendDevice, "emit", lambda *given: made.knows(own(*given)))
    yield made
    assert not made.faults


@pytest.fixture
def step() -> Step:
    return decode_step(tiny_model(), "bf16", 9)


@pytest.fixture
def contents(step: Step) -> Contents:
    return first_contents(tiny_model(), step, Synthetic(2, "bf16"), 5, 2)
