"""The list of runners: every device of the board stands in it, whatever one runner's module does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from runners import __main__ as command
from runners import registry
from runners.devices import known_devices
from runners.guide import DATA, ROOT
from runners.kernels.emit import TARGETS
from runners.reproduction import instructions as reproduction


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.main(["list", *arguments]) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(listed(capsys, "--format", "json"))
    return found


def test_every_device_of_the_board_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(listed(capsys).split())
    found = as_json(capsys)
    shown = [name for one in found["runners"] for name in one["devices"]]
    assert sorted([*shown, *found["unserved"]]) == sorted(known_devices(DATA))
    for device in known_devices(DATA).values():
        assert text.count(device.name) >= 1, device.name


def test_every_runner_and_every_language_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    text = listed(capsys)
    for name in registry.RUNNERS:
        assert f"run      python -m runners.{name}\n" in text
    forms = {target.form_of for target in TARGETS.values()} - {None}
    assert forms
    for target in TARGETS.values():
        assert (target.name in text) == (target.form_of is None), "another form is its language"


def test_the_processor_of_the_reference_stands_for_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert "CPU reference (measure your own CPU)" in " ".join(listed(capsys).split())


def test_no_path_and_no_option_is_broken_at_a_hyphen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for lacking in range(1, 40):
        words = "x" * lacking + " /usr/local/a-toolkit-of-a-vendor/set-env.sh"
        monkeypatch.setattr(registry.device_class("cpu"), "lacking", classmethod(lambda _, said=words: said))
        assert "/usr/local/a-toolkit-of-a-vendor/set-env.sh\n" in listed(capsys)


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_longer_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = listed(capsys).splitlines()
    assert max(map(len, lines)) <= columns
    assert max(map(len, lines)) > columns - 20, "the terminal's width is used"
    assert all(re.match(r"\S|  \S| {11}\S|$", line) for line in lines), "words go on below themselves"


def test_a_broken_runner_breaks_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {**registry.RUNNERS, "cuda": "runners.gone:GoneDevice"}
    monkeypatch.setattr(registry, "RUNNERS", broken)
    text = " ".join(listed(capsys).split())
    assert "cuda: its module cannot be imported here because ModuleNotFoundError: No module named" in text
    assert "run python -m runners.cpu" in text
    unserved = text.partition("Measured by none of these devices")[2]
    assert "Tesla T4 (Colab)" in unserved
    assert as_json(capsys)["broken"] == {"cuda": "ModuleNotFoundError: No module named 'runners.gone'"}


def test_what_this_machine_lacks_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = registry.device_class("cpu")
    for lacking, said in ((None, "here     ready\n"), ("no compiler; install one", "here     no compiler;")):
        monkeypatch.setattr(stack, "lacking", classmethod(lambda _, lacking=lacking: lacking))
        assert said in listed(capsys)


def test_the_list_loads_no_vendors_package() -> None:
    asked = "import sys; from runners.__main__ import main; main(['list']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in re.findall(r"'([\w.]+)'", done.stderr)}
    assert "runners" in loaded
    assert not loaded & {
        "cuda",
        "jax",
        "mlx",
        "torch",
        "torch_neuronx",
        "neuronxcc",
        "acl",
        "Metal",
        "objc",
        "sky",
    }


def test_the_instructions_are_written_again_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproduction, "write", lambda _: [ROOT / "README.md", DATA / "reproduce/gone.ipynb"])
    assert command.main(["reproduce"]) == 0
    assert capsys.readouterr().out.splitlines() == ["wrote README.md", "removed data/reproduce/gone.ipynb"]


@pytest.mark.parametrize("arguments", [["lst"], ["list", "--format", "xml"], ["fleet"]])
def test_what_is_mistyped_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert command.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
