"""Rows and names that pass for others."""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.base import NEW, ON_FILE, Case, Scratch, also, device, ledger, named, published, row
from tests.submissions import RUN


def _in_two_folders(scratch: Scratch) -> None:
    scratch.submit(scratch.valid(device="gpu-b"))


def _samples_on_file(scratch: Scratch) -> None:
    data = scratch.valid()
    data["decode"]["samples"] = json.loads((scratch.root / ON_FILE).read_text())["decode"]["samples"]
    scratch.submit(data)


def _own_samples(scratch: Scratch) -> None:
    data = scratch.valid()
    repetitions = data["decode"]["samples"]["repetitions"]
    repetitions[4] = repetitions[0]
    scratch.submit(data)


def _sorted_samples(scratch: Scratch) -> None:
    data, theirs = scratch.valid(), json.loads((scratch.root / ON_FILE).read_text())
    for ours, one in zip(_repetitions(data), _repetitions(theirs), strict=True):
        ours["step_ns"] = sorted(one["step_ns"])
    scratch.submit(data)


def _moved_borders(scratch: Scratch) -> None:
    data, theirs = scratch.valid(), json.loads((scratch.root / ON_FILE).read_text())
    steps = [time for one in _repetitions(theirs) for time in one["step_ns"]]
    length = len(steps) // len(_repetitions(data))
    for turn, ours in enumerate(_repetitions(data)):
        ours["step_ns"] = (steps[1:] + steps[:1])[length * turn : length * (turn + 1)]
    scratch.submit(data)


def _repetitions(row: Any) -> Any:
    return row["decode"]["samples"]["repetitions"]


def _device_twice(scratch: Scratch) -> None:
    scratch.write("data/devices/more/gpu-a.md", (scratch.data / "devices/gpu-a.md").read_bytes())


CASES = (
    Case("an id in two folders", also(_in_two_folders), "valid", "id"),
    Case("an id on file, of another device", named(RUN, device="gpu-b"), "valid", "id"),
    Case("an id of a published row", named("page-a"), "valid", "id"),
    Case("samples on file", _samples_on_file, "new-samples", "decode.samples.repetitions[0]", builds=True),
    Case("samples twice in a row", _own_samples, "new-samples", "decode.samples.repetitions[4]", builds=True),
    Case("samples on file, sorted", _sorted_samples, "new-samples", "decode.samples.repetitions[0]", builds=True),
    Case("samples on file, begun a step later", _moved_borders, "new-samples", "decode.samples", builds=True),
    Case("a name in other case", row(("submitter", "a. person")), "own-names", "submitter", builds=True),
    Case("a name with another dot", row(("submitter", "A Person")), "own-names", "submitter", builds=True),
    Case("a name in another script", row(("submitter", "\u0410. Person")), "own-names", "submitter", builds=True),
    Case("a name with an accent", row(("submitter", "A. Pérson")), "own-names", "submitter", builds=True),
    Case("a name with a digit", row(("submitter", "A. Pers0n")), "own-names", "submitter", builds=True),
    Case("a name in wide letters", row(("submitter", "\uff21. Person")), "own-names", "submitter", builds=True),
    Case("a device's alias that is another's id", device(("aliases", ["gpu-b"])), "valid", "aliases[0]"),
    Case("a device's alias that looks like another", device(("aliases", ["gpu.a"])), "own-names", "aliases[0]",
         builds=True),
    Case("a device's name that looks like another's", device(("name", "DEVICE GPU A")), "own-names", "name",
         builds=True),
    Case("a device's name that is another's", device(("name", "Device gpu-a")), "own-names", "name", builds=True),
    Case("a device twice", _device_twice, "valid", "id"),
    Case("a device that nobody filed", named(NEW, device="gpu-z"), "valid", "device"),
    Case("a model that nobody filed", row(("decode.model", "huge")), "valid", "decode.model"),
    Case("a kernel that nobody filed", row(("kernels.timings.0.kernels", ["magic"])), "valid",
         "kernels.timings[0].kernels[0]"),
    Case("a second withdrawal of a row", ledger(("result", "gone")), "valid", "retractions[1].result"),
    Case("a withdrawal of a row that is not there", ledger(("result", "nothing")), "valid", "retractions[1].result"),
    Case("a baseline of nothing", row(("role", "baseline")), "valid", "decode.baseline_of"),
    Case("a baseline of another device's row", row(("role", "baseline"), ("decode.baseline_of", "page-b")), "valid",
         "decode.baseline_of"),
    Case("a figure under a measured row's name", published(("provenance", "measured")), "valid", "environment"),
)  # fmt: skip
