"""The committed SkyPilot tasks, as SkyPilot's own loader understands them; nothing is launched and no cloud asked."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runners.devices import known_devices
from runners.guide import DATA, ROOT

FOLDER = DATA / "reproduce"
PATHS = sorted(FOLDER.glob("*.sky.yaml"))
RESOURCES: dict[str, tuple[str | None, dict[str, int] | None, str | None]] = {
    "aws-trainium1": (None, None, "trn1.2xlarge"),
    "google-tpu-v2-8": ("GCP", {"tpu-v2-8": 1}, None),
    "google-tpu-v5e-1": ("GCP", {"tpu-v5litepod-1": 1}, None),
    "google-tpu-v6e-1": ("GCP", {"tpu-v6e-1": 1}, None),
    "nvidia-a100-80gb-sxm": ("GCP", {"A100-80GB": 1}, None),
    "nvidia-h100-sxm": ("GCP", {"H100": 1}, None),
    "nvidia-h200-sxm": (None, {"H200": 1}, None),
    "nvidia-t4": (None, {"T4": 1}, None),
}


def judged(paths: list[Path], home: Path) -> list[dict[str, Any]]:
    """What SkyPilot says of each file, by the interpreter of its own environment."""
    interpreter = ROOT / ".venv/skypilot/bin/python"
    if not interpreter.exists():
        pytest.skip("no SkyPilot: `make test` sets up .venv/skypilot")
    place = {"HOME": str(home), "PATH": os.environ["PATH"], "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    command = [str(interpreter), str(ROOT / "tests/skypilot/load.py"), *map(str, paths)]
    done = subprocess.run(command, env=place, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The committed tasks by device, and one that is misspelt."""
    home = tmp_path_factory.mktemp("home")
    wrong = home / "misspelt.sky.yaml"
    wrong.write_text((FOLDER / "nvidia-t4.sky.yaml").read_text().replace("accelerators:", "accelerator:"))
    paths = [*PATHS, wrong]
    found = judged(paths, home)
    return {path.name.removesuffix(".sky.yaml"): task for path, task in zip(paths, found, strict=True)}


@pytest.fixture
def tasks(everything: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The committed tasks by device."""
    return {name: task for name, task in everything.items() if name != "misspelt"}


def test_there_is_a_task_for_each_device_that_is_lent() -> None:
    lent = [one.id for one in known_devices(DATA).values() if one.access and one.access.skypilot]
    assert sorted(lent) == sorted(RESOURCES) == [path.name.removesuffix(".sky.yaml") for path in PATHS]


def test_skypilot_takes_every_task(tasks: dict[str, dict[str, Any]]) -> None:
    assert {name: task["error"] for name, task in tasks.items() if "error" in task} == {}


def test_a_task_rents_the_machine_that_the_device_file_names(tasks: dict[str, dict[str, Any]]) -> None:
    found = {name: (one["cloud"], one["accelerators"], one["instance_type"]) for name, one in tasks.items()}
    assert found == RESOURCES
    versions = {name: (one["accelerator_args"] or {}).get("runtime_version") for name, one in tasks.items()}
    assert {name: version for name, version in versions.items() if version} == {
        "google-tpu-v2-8": "tpu-ubuntu2204-base",
        "google-tpu-v5e-1": "v2-alpha-tpuv5-lite",
        "google-tpu-v6e-1": "v2-alpha-tpuv6e",
    }


def test_a_task_sends_the_checkout_and_leaves_its_results_where_they_are_fetched(
    tasks: dict[str, dict[str, Any]],
) -> None:
    for name, task in tasks.items():
        assert (task["name"], task["workdir"], task["envs"]) == (
            f"decode-board-{name}", ".", {"SUBMITTER": "anonymous", "OPTIONS": ""},
        )  # fmt: skip
        last = task["run"].splitlines()[-1]
        assert ' $OPTIONS --output ~/decode-board-results --submitter "$SUBMITTER"' in last
        assert "--device" not in last


def test_a_rented_machine_is_brought_up_to_date_before_anything_is_installed() -> None:
    for device in known_devices(DATA).values():
        if device.access and device.access.skypilot and (first := device.access.skypilot.first):
            said = (FOLDER / f"{device.id}.sky.yaml").read_text().partition("setup: |\n")[2]
            assert said.splitlines()[1 : len(first) + 1] == [f"  {line}" for line in first]


def test_a_misspelt_task_would_be_refused(everything: dict[str, dict[str, Any]]) -> None:
    assert "accelerator" in everything["misspelt"]["error"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name.removesuffix(".sky.yaml"))
def test_every_script_is_one_that_bash_reads_and_stops_at_an_error_before_a_pipe_too(path: Path) -> None:
    import yaml

    task = yaml.safe_load(path.read_text())
    for name in ("setup", "run"):
        assert task[name].startswith("set -eo pipefail\n")
        subprocess.run(["bash", "-n"], input=task[name], text=True, check=True)  # noqa: S607


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name.removesuffix(".sky.yaml"))
def test_what_the_run_hands_to_the_runner_is_what_it_was_told(path: Path) -> None:
    import yaml

    last = yaml.safe_load(path.read_text())["run"].splitlines()[-1]
    program = f"python() {{ printf '%s\\n' \"$@\"; }}\n{last}"
    for options in ("", "--dtype f16"):
        told = {"SUBMITTER": "Somebody Else", "OPTIONS": options, "HOME": "/home/x"}
        done = subprocess.run(["bash", "-c", program], env=told, capture_output=True, text=True, check=True)  # noqa: S607
        given = done.stdout.splitlines()
        assert given[-4:] == ["--output", "/home/x/decode-board-results", "--submitter", "Somebody Else"]
        assert given[-4 - len(options.split()) : -4] == options.split()


def test_a_baseline_that_cannot_be_installed_does_not_stop_the_run() -> None:
    setup = (FOLDER / "nvidia-t4.sky.yaml").read_text().partition("run: |")[0].splitlines()
    entered = setup.index("  source .venv/bin/activate")
    own, *others = setup[entered + 1 :]
    assert "||" not in own
    assert others
    assert all(" || echo 'goes on without " in line for line in others)
    assert len(others) == len({line.partition(" || ")[0] for line in others}), "each is installed once"
