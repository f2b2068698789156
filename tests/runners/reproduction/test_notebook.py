"""The committed notebooks: valid, without outputs, and of cells that a machine of Colab's can run in their order."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from runners.guide import DATA, ROOT

PATHS = sorted((DATA / "reproduce").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path) -> dict[str, str]:
    """The code cells by their id."""
    return {
        cell["id"]: "".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"
    }


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def shell(text: str) -> str | None:
    """The script of a cell that bash runs; None for Python."""
    first, _, rest = text.partition("\n")
    return rest if first == "%%bash" else None


def test_there_are_notebooks() -> None:
    assert [path.stem for path in PATHS] == ["google-tpu-v5e-1", "nvidia-t4"]


@every_notebook
def test_a_notebook_is_valid_and_has_no_outputs(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


@every_notebook
def test_every_cell_is_code_that_its_language_reads(path: Path) -> None:
    for name, text in cells(path).items():
        script = shell(text)
        if script is None:
            assert not [line for line in text.splitlines() if line.startswith(("%", "!"))], name
            ast.parse(text)
        else:
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607
            before, stops, _ = script.partition("set -eo pipefail\n")
            assert stops, f"{name} would go on after an error"
            assert all(re.match(r'[A-Z]+="', line) for line in before.splitlines()), name


@every_notebook
def test_the_cells_go_from_the_accelerator_to_the_result(path: Path) -> None:
    assert list(cells(path)) == ["accelerator", "clone", "install", "quick", "run", "download"]


def asked(text: str, said: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The cell that asks for the accelerator, where whoever it asks says ``said``."""
    for name in ("nvidia-smi", "python3"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
        program.chmod(0o755)
    place = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", text], env=place, capture_output=True, text=True, check=False
    )


@every_notebook
def test_another_runtime_is_refused_in_one_line(path: Path, tmp_path: Path) -> None:
    runtime = {"nvidia-t4": "T4 GPU", "google-tpu-v5e-1": "v5e-1 TPU"}[path.stem]
    for said, shown in (("Other X1\\n", "Other X1"), ("", "no accelerator")):
        done = asked(cells(path)["accelerator"], said, tmp_path)
        remedy = f"Choose {runtime} under Runtime > Change runtime type, and run all again."
        assert (done.returncode, done.stderr) == (1, f"This runtime has {shown}. {remedy}\n")


@pytest.mark.parametrize(
    ("device", "said"), [("nvidia-t4", "Tesla T4\\n"), ("google-tpu-v5e-1", "TPU v5 lite\\n")]
)
def test_the_right_runtime_is_told(device: str, said: str, tmp_path: Path) -> None:
    done = asked(cells(DATA / "reproduce" / f"{device}.ipynb")["accelerator"], said, tmp_path)
    assert (done.returncode, done.stdout) == (0, said.replace("\\n", "\n"))


@every_notebook
def test_colab_opens_a_notebook_on_its_runtime(path: Path) -> None:
    metadata = read(path)["metadata"]
    assert (metadata["accelerator"], metadata["colab"]["gpuType"]) == {
        "nvidia-t4": ("GPU", "T4"), "google-tpu-v5e-1": ("TPU", "V5E1"),
    }[path.stem]  # fmt: skip


@every_notebook
def test_the_packages_of_colab_stay_as_they_are(path: Path) -> None:
    install = cells(path)["install"].splitlines()
    entered = install.index("source .venv/bin/activate")
    assert [line for line in install if "pip install" in line] == install[entered + 1 :]
    assert not [line for line in install if "venv" in line and "-m venv" in line], "Colab has no ensurepip"


def test_a_machine_with_an_older_driver_compiles_by_what_that_runs() -> None:
    last = cells(DATA / "reproduce/nvidia-t4.ipynb")["install"].splitlines()[-1]
    assert (
        last == "pip uninstall -y nvidia-cuda-nvrtc && pip install 'cuda-bindings<13' nvidia-cuda-nvrtc-cu12"
    )
    remedy = (ROOT / "runners/stacks/cuda/versions.py").read_text()
    assert last in remedy, "it is the runner's own remedy"


@every_notebook
def test_only_a_baseline_that_is_there_anyway_is_measured_too(path: Path) -> None:
    run = cells(path)["run"].splitlines()[-1]
    assert ("--baseline all" in run) == (path.stem == "google-tpu-v5e-1")
    assert "--device" not in run
    assert run.endswith(' $OPTIONS --output /content/decode-board-results --submitter "$SUBMITTER"')


@every_notebook
def test_whoever_runs_it_may_be_named_and_may_measure_as_a_row_was(path: Path) -> None:
    told = cells(path)["run"].splitlines()
    assert told[1:3] == ['SUBMITTER="anonymous"  # who is credited on the board', 'OPTIONS=""']
    words = {
        cell["id"]: "".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "markdown"
    }
    assert "`anonymous`" in words["about"]
    assert "`OPTIONS`" in words["run-words"]
    assert words["run-words"].startswith("## The measurement\n"), "the first cell names it"
    assert '"The measurement"' in words["about"]
