"""The list of runners: every device of the board stands in it, whatever one runner's module does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from runners import __main__ as command
from runners import registry, standing
from runners.devices import known_devices
from runners.guide import DATA, ROOT
from runners.kernels.emit import TARGETS
from runners.options import DEFAULT_MODEL
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
    shown = [one["id"] for each in found["runners"] for one in each["devices"]]
    assert sorted([*shown, *(one["id"] for one in found["unserved"])]) == sorted(known_devices(DATA))
    for device in known_devices(DATA).values():
        assert text.count(device.name) >= 1, device.name


def test_every_device_is_a_line_that_ends_with_its_best_row(capsys: pytest.CaptureFixture[str]) -> None:
    lines, best = listed(capsys).splitlines(), standing.best(DATA, DEFAULT_MODEL)
    assert 0 < len(best) < len(known_devices(DATA))
    for device in known_devices(DATA).values():
        (line,) = [
            one for one in lines if one[11:].startswith(device.name) and ("tok/s" in one or "no row" in one)
        ]
        row = best.get(device.id)
        said = f" {row.tok_per_s:.1f} tok/s, {row.provenance}" if row else " no row yet"
        assert line.endswith(said), line
    assert len({line.index("tok/s") for line in lines if line.startswith("  ") and "tok/s, " in line}) == 1
    assert " ".join(lines[-2:]) == f"tok/s: the best row on file of a whole decode step of {DEFAULT_MODEL}"


def test_a_best_row_is_told_to_programs_with_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys)
    rows = {one["id"]: one["best"] for each in found["runners"] for one in each["devices"]}
    assert rows["nvidia-t4"] == {
        "result": "pu-rs-decode-nvidia-t4", "tok_per_s": 53.7, "provenance": "reported", "role": "contender",
    }  # fmt: skip
    assert found["model"] == DEFAULT_MODEL
    names = {one["id"]: one["name"] for each in found["runners"] for one in each["devices"]}
    assert names["nvidia-t4"] == "Tesla T4 (Colab)"
    assert {name for name, row in rows.items() if row} == set(standing.best(DATA, DEFAULT_MODEL))


def test_a_device_of_a_long_name_and_a_rate_below_one_keep_to_the_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    t4 = known_devices(DATA)["nvidia-t4"]
    longest = replace(t4, name="A device whose name says " + "all there is to say of it " * 3 + "and more")
    others = {"nvidia-h100-sxm": known_devices(DATA)["nvidia-h100-sxm"], t4.id: longest}
    monkeypatch.setattr(command, "known_devices", lambda _: others)
    monkeypatch.setattr(
        standing, "best", lambda *_: {t4.id: standing.Best("x", 0.0123, "measured", "contender")}
    )
    text = listed(capsys)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^  devices  H100 SXM {30,} no row yet$", text, re.MULTILINE)
    assert f"{longest.name} 0.012 tok/s, measured" in " ".join(text.split())


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


@pytest.mark.parametrize("columns", [1, 20, 60])
def test_a_narrow_terminal_breaks_lines_between_a_device_and_its_row_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = listed(capsys).splitlines()
    assert max(map(len, lines)) <= 60
    row = re.compile(r" (\d+\.\d tok/s, (reported|measured)|no row yet)$")
    assert len(list(filter(row.search, lines))) == len(known_devices(DATA))


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


def test_a_folder_that_takes_no_instructions_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device", str(DATA / "reproduce/index.json"))

    monkeypatch.setattr(reproduction, "write", full)
    assert command.main(["reproduce"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "error: data/reproduce/index.json: cannot be written (got 'No space left on device'); "
    )


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    said, errors = capsys.readouterr()
    assert (said.startswith("Usage: python -m runners "), errors) == (True, "")


def test_the_help_says_whole_sentences_of_each_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command.main(["--help"])
    listed_commands = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed_commands] == ["fleet", "list", "reproduce"]
    assert all(line.endswith(".") and not line.endswith("...") for line in listed_commands)


def test_a_runner_taken_for_a_command_is_told_with_the_command_to_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["cuda", "--quick"]) == 1
    assert capsys.readouterr().err == (
        "error: cuda: is a runner, not a command; run: python -m runners.cuda --quick\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lst"], "error: No such command 'lst'. Did you mean 'list'? See --help."),
        (["list", "more"], "error: Got unexpected extra argument (more). See --help."),
        (["fleet"], "error: Missing option '--devices'. See --help."),
    ],
)
def test_an_error_ends_as_sentences_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert command.main(arguments) == 1
    assert capsys.readouterr().err == f"{said}\n"


@pytest.mark.parametrize("arguments", [["lst"], ["list", "--format", "xml"], ["fleet"]])
def test_what_is_mistyped_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert command.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
