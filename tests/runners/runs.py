"""The command on a tiny model through the null device: the measured work is nothing, all around it is real.

``python -m tests.runners.runs ROOT ARGUMENT...`` is the same in a process of its own, for signals and terminals.
"""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml

from runners import command, filing, guide, journal, latencies, options, registry, session
from runners.baselines import stacks
from runners.device import Identity, Numbers, Ran, Setting
from runners.kernels.emit import Emitted
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.measure import Plan
from runners.null import NullDevice
from schemas.load import load
from schemas.records import Result
from tests.runners.tiny import tiny_model

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS = Sizes({"rows": 3, "cols": 20})
TINY = ("--depth", "4")
KNOWN_DEVICE = """\
---
schema: decode-board/device/1
id: tried
name: Tried device
vendor: null
type: CPU
memory_gb: null
tdp_w: null
peak_bandwidth: {gb_per_s: 1000, what: all, source: {title: Made up, url: "https://example.com/"}}
other_bandwidths: []
aliases: [null-device]
languages: []
sources: []
reproduction: null
---
Made up.
"""


class TriedDevice(NullDevice):
    """The null device as a runner. In the stage ``pause`` it says so on standard error, and waits to be stopped."""

    pause: ClassVar[str] = ""
    device_name: ClassVar[str] = "Null device"
    runs: ClassVar[int] = 0

    settings: ClassVar[tuple[Setting, ...]] = (Setting("threads", "Threads.", "one"),)

    def __init__(self, threads: int | None = None) -> None:
        super().__init__()
        self.threads = threads or 1

    def language_of(self, emitted: Emitted) -> str:
        del emitted
        return "NumPy"

    def open(self) -> Identity:
        return Identity(self.device_name, 1, None, super().open().toolchain)

    def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
        return Emitted(kernel, "reference", sizes, storage, "", {})

    def call(self, kernel: Emitted, arrays: Any, capacity: int) -> None:
        self.reached("check")
        super().call(kernel, arrays, capacity)

    def run(self, steps: int) -> Ran:
        type(self).runs += steps > 1  # a step's check runs single ones
        self.reached({1: "warm-up", 3: "repetition"}.get(type(self).runs, ""))
        return Ran([2_000_000] * steps, super().run(steps).tokens)  # a noisy row would need a note

    def trace(self, steps: int) -> list[list[int]]:
        self._arrays.setdefault("position", np.zeros((), np.int32))  # a microbenchmark has none
        return super().trace(steps)

    def read_bandwidth(self) -> float | None:
        return 20.0

    def reached(self, stage: str) -> None:
        """A run has come to ``stage``."""
        if stage and stage == self.pause:
            print(f"reached {stage}", file=sys.stderr, flush=True)
            time.sleep(60)


def prepare(root: Path, patch: Any = setattr) -> Path:
    """A data folder below ``root``, and everything of the runners pointed there; ``patch`` sets attributes."""
    data = root / "data"
    make_data(data)
    for module in (command, guide, options):
        patch(module, "DATA", data)
    patch(guide, "ROOT", root)
    patch(journal, "FOLDER", root / "build" / "runs")
    patch(registry, "RUNNERS", {"null": "tests.runners.runs:TriedDevice", **registry.RUNNERS})
    beside = {name: replace(one, runners=(*one.runners, "null")) for name, one in stacks.STACKS.items()}
    patch(stacks, "STACKS", beside)
    patch(options, "DEFAULT_MODEL", "tiny")
    patch(options, "FULL", Plan(4, 1, 5, 0.0, 60.0))
    patch(options, "QUICK", Plan(3, 1, 2, 0.0, 60.0))
    for module in (session, filing):
        patch(module, "MICROBENCHMARK", ROWS)
    patch(latencies, "ROTATED_BYTES", 1)
    for module in (session, latencies):
        patch(module, "TRACED_STEPS", 2)
    patch(session, "TRACED_TOGETHER", 1)
    patch(TriedDevice, "runs", 0)
    return data


def make_data(data: Path) -> None:
    """The real kernels, the tiny model, no device and no row."""
    if data.exists():
        return
    shutil.copytree(REPOSITORY / "data" / "kernels", data / "kernels")
    for folder in ("models", "devices"):
        (data / folder).mkdir()
    model = asdict(tiny_model())
    (data / "models" / "tiny.yml").write_text(yaml.safe_dump(model), "utf-8")
    (data / "retracted.yml").write_text("schema: decode-board/retracted/1\nretractions: []\n", "utf-8")


def add_device(data: Path, text: str = KNOWN_DEVICE, name: str = "tried") -> None:
    """A device file."""
    (data / "devices" / f"{name}.md").write_text(text, "utf-8")


def files(root: Path) -> list[str]:
    """All files below ``root`` but the data that were there at first, hidden ones too."""
    at_first = ("data/kernels/", "data/models/", "data/retracted.yml")
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return [path for path in found if not path.startswith(at_first)]


def filed(root: Path) -> Result:
    """The one contender's result below ``root``."""
    found = [load(path, root / "data") for path in sorted(root.rglob("*.json"))]
    contenders = [result for result in found if isinstance(result, Result) and result.role == "contender"]
    assert len(contenders) == 1, found
    return contenders[0]


def spoiled(numbers: Numbers) -> None:
    """Make ``numbers`` wrong."""
    numbers[...] = numbers + 1


if __name__ == "__main__":
    sys.modules["tests.runners.runs"] = sys.modules["__main__"]  # the one class that the command finds
    place, stage, *arguments = sys.argv[1:]
    prepare(Path(place))
    TriedDevice.pause = stage
    sys.exit(command.main("null", arguments))
