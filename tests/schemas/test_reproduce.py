"""Who measures what: the one answer of the list of runners and of the site."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from schemas.records import Device, LanguageUse, RunnerFacts, serving
from tests.schemas import examples

DEVICE = msgspec.convert(examples.device(), Device)
FACTS = msgspec.convert(examples.reproduce()["runners"][0], RunnerFacts)
CUDA = replace(FACTS, id="cuda", kind="GPU", targets=("cuda",))
METAL = replace(FACTS, id="metal", kind="GPU", targets=("metal", "metal-mlx"))
CPU = replace(FACTS, id="cpu", kind="CPU", targets=("c",))
RUNNERS = (CPU, CUDA, METAL)


def device(kind: str, *targets: str) -> Device:
    uses = tuple(LanguageUse(target, ()) for target in targets)
    return replace(DEVICE, type=kind, languages=uses)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "served"),
    [
        (device("GPU", "cuda"), ["cuda"]),
        (device("GPU", "metal-mlx"), ["metal"]),
        (device("NPU", "cuda", "c"), ["cpu", "cuda"]),
        (device("CPU", "cuda"), ["cuda"]),
        (device("NPU", "pto"), []),
    ],
)
def test_a_device_is_measured_by_whoever_takes_its_languages(one: Device, served: list[str]) -> None:
    assert [runner.id for runner in serving(one, RUNNERS)] == served


@pytest.mark.parametrize(("kind", "served"), [("CPU", ["cpu"]), ("GPU", []), ("TPU", [])])
def test_a_device_without_a_language_is_measured_by_the_only_runner_of_its_type(
    kind: str, served: list[str]
) -> None:
    assert [runner.id for runner in serving(device(kind), RUNNERS)] == served
