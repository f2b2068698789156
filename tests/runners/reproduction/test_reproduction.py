"""What data/reproduce holds is what the runners and the device files say, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runners import registry
from runners.device import RunnerError
from runners.devices import known_devices
from runners.guide import DATA
from runners.options import DEFAULT_DEPTH_TOKENS
from runners.reproduction import instructions as reproduction
from schemas.load import load
from schemas.names import slug
from schemas.records import Reproduce, serving
from tests.runners import runs

FOLDER = DATA / "reproduce"


@pytest.fixture(scope="module")
def index() -> Reproduce:
    found = load(FOLDER / "index.json", DATA)
    assert isinstance(found, Reproduce)
    return found


def test_what_is_committed_is_what_would_be_written() -> None:
    there = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert there == reproduction.texts(), "run `python -m runners reproduce`"


def test_every_runner_of_the_registry_is_there(index: Reproduce) -> None:
    assert [one.id for one in index.runners] == list(registry.RUNNERS)


def test_every_device_of_the_board_is_measured_by_one_runner(index: Reproduce) -> None:
    for device in known_devices(DATA).values():
        assert len(serving(device, index.runners)) == 1, device.id


@pytest.mark.parametrize(
    ("device", "runner"),
    [
        ("cpu-reference", "cpu"),
        ("apple-m4", "metal"),
        ("aws-trainium2", "trainium"),
        ("huawei-ascend-910b2", "ascend"),
        ("nvidia-h100-sxm", "cuda"),
        ("google-tpu-v6e-1", "tpu"),
    ],
)
def test_a_device_is_measured_by_its_stack(index: Reproduce, device: str, runner: str) -> None:
    assert [one.id for one in serving(known_devices(DATA)[device], index.runners)] == [runner]


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("Tesla T4", "nvidia-t4"),
        ("NVIDIA H200", "nvidia-h200-sxm"),
        ("NVIDIA A100-SXM4-80GB", "nvidia-a100-80gb-sxm"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-sxm"),
        ("TPU v2-8", "google-tpu-v2-8"),
        ("TPU v5e-1", "google-tpu-v5e-1"),
        ("TPU v6e-1", "google-tpu-v6e-1"),
        ("Trainium1 (trn1.2xlarge)", "aws-trainium1"),
        ("Trainium2 (trn2.3xlarge)", "aws-trainium2"),
        ("Ascend910B2", "huawei-ascend-910b2"),
        ("Apple M2 Max", "apple-m2-max"),
        ("Apple M4", "apple-m4"),
    ],
)
def test_what_a_machine_calls_itself_leads_to_its_device(name: str, device: str) -> None:
    owners = {alias: one.id for one in known_devices(DATA).values() for alias in (one.id, *one.aliases)}
    assert owners[slug(name)] == device


def test_no_machine_calls_itself_the_reference() -> None:
    """Its CPU is not stated, so no run may be filed as it: no alias leads there, and no command names a device."""
    reference = known_devices(DATA)["cpu-reference"]
    assert not reference.aliases
    assert not [path.name for path in FOLDER.iterdir() if re.search(r"--device\b", path.read_text("utf-8"))]


def test_the_protocol_is_the_commands_own(index: Reproduce) -> None:
    told = index.protocol
    assert (told.depth_tokens, told.steps, told.warmup_repetitions) == (DEFAULT_DEPTH_TOKENS, 64, 2)
    assert (told.repetitions, told.seconds, told.tolerance_percent) == (5, 30, 5)


def test_the_repositorys_address_is_one_fact(index: Reproduce, tmp_path: Path) -> None:
    fork = tmp_path / "pyproject.toml"
    fork.write_text('[project.urls]\nRepository = "https://example.com/me/fork/"\n')
    assert reproduction.repository(fork) == "https://example.com/me/fork"
    for path in FOLDER.iterdir():
        found = re.findall(r"https://github\.com/[\w-]+/decode-board", path.read_text("utf-8"))
        assert set(found) == {index.repository}, path.name


def test_a_repository_elsewhere_has_no_place_on_colab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "repository", lambda: "https://example.com/me/fork")
    told = reproduction.index((), ())
    assert (told.notebooks_open_at, told.setup[:2]) == (
        None,
        ("git clone https://example.com/me/fork.git", "cd fork"),
    )


def test_a_runner_that_cannot_be_imported_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "RUNNERS", {"gone": "runners.gone:GoneDevice"})
    with pytest.raises(
        RunnerError, match=r"^gone: cannot be imported \(got ModuleNotFoundError: .*runners\.gone"
    ):
        reproduction.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_writing_mends_what_differs_and_only_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "RUNNERS", {"null": "tests.runners.runs:TriedDevice"})
    data = tmp_path / "data"
    runs.make_data(data)
    folder = data / "reproduce"
    monkeypatch.setattr(reproduction, "runner_facts", lambda _: _facts())
    runs.add_device(data, RENTED, "rented")
    assert [path.name for path in reproduction.write(data)] == [
        "index.json",
        "rented.ipynb",
        "rented.sky.yaml",
    ]
    assert reproduction.write(data) == []
    (folder / "rented.ipynb").write_text("edited by hand")
    (folder / "old.sky.yaml").write_text("of a device that is gone")
    assert sorted(path.name for path in reproduction.write(data)) == ["old.sky.yaml", "rented.ipynb"]
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "rented.ipynb", "rented.sky.yaml"]


RENTED = runs.KNOWN_DEVICE.replace("id: tried", "id: rented").replace("type: CPU", "type: GPU").replace(
    "reproduction: null\n",
    'reproduction: null\naccess:\n  colab: {runtime: T4 GPU, accelerator: T4, seen_as: Tesla T4}\n'
    '  skypilot: {accelerators: "T4:1"}\n',
)  # fmt: skip


def _facts() -> object:
    import msgspec

    from schemas.records import RunnerFacts
    from tests.schemas import examples

    return msgspec.convert(examples.reproduce()["runners"][0], RunnerFacts)
