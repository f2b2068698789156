"""What a reader is told to type is what the programs take: in the README, the pages, the notebooks and the tasks."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from generator import __main__ as site
from runners import __main__ as several
from runners import registry
from runners.command import command
from runners.devices import known_devices
from runners.guide import DATA, ROOT
from runners.kernels import __main__ as kernels
from schemas.load import load
from schemas.records import Reproduce, serving

INDEX = load(DATA / "reproduce/index.json", DATA)
TOLD = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "site_src/pages").glob("*.md"), DATA / "README.md",
        *(DATA / "reproduce").glob("*.*")]  # fmt: skip
PROGRAM = re.compile(r"python -m ((?:runners|generator)(?:\.[a-z_]+)*)( [^\n`|#]*)?")
STANDS_FOR = {"$OPTIONS": "", "$SUBMITTER": "Somebody", "[PATHS]": "data", "ID,ID": "nvidia-t4"}


def texts(path: Path) -> list[str]:
    """The texts of a file: those of a notebook's cells or of JSON's strings, or the whole of it."""
    if path.suffix not in {".ipynb", ".json"}:
        return [path.read_text("utf-8")]
    found: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            look(one)

    look(json.loads(path.read_text("utf-8")))
    return found


def told(path: Path) -> list[tuple[str, list[str]]]:
    """The modules that a file tells to run, and the words after each."""
    found = [pair for text in texts(path) for pair in PROGRAM.findall(text)]
    return [(module, shlex.split(_filled(words))) for module, words in found]


def _filled(words: str) -> str:
    """With something in the place of what stands for anything."""
    for placeholder, value in STANDS_FOR.items():
        words = words.replace(placeholder, value)
    return words


def parse(program: click.Command, words: list[str]) -> None:
    """click's error where a command does not take these words; nothing is run."""
    parent = None
    if isinstance(program, click.Group) and words:
        name, *words = words
        parent = click.Context(program, **program.context_settings)  # else it forgets its group's options
        found = program.get_command(parent, name)
        assert found, name
        program = found
    if words != ["--help"]:
        program.make_context("told", words, parent)


def judge(module: str, words: list[str]) -> None:
    """An error where ``python -m module`` would refuse these words."""
    programs = {"runners": several.program, "runners.kernels": kernels.main, "generator": site.main}
    runner = module.removeprefix("runners.")
    if runner in registry.RUNNERS:
        parse(command(runner), words)
    elif module in programs:
        parse(programs[module], words)
    else:
        assert find_spec(module), f"{module}: there is no such program"


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_that_is_told_is_one_that_its_program_takes(path: Path) -> None:
    for module, words in told(path):
        judge(module, words)


def test_commands_are_found_in_every_kind_of_text() -> None:
    found = {path.relative_to(ROOT).as_posix().removeprefix("data/reproduce/"): told(path) for path in TOLD}
    assert ("runners.cpu", ["--dtype", "f32", "--threads", "8"]) in found["README.md"]
    assert ("runners", ["fleet", "--devices", "nvidia-t4"]) in found["site_src/pages/contribute.md"]
    run = ["--output", "/content/decode-board-results", "--submitter", "Somebody"]
    assert ("runners.cuda", run) in found["nvidia-t4.ipynb"]
    assert ("runners.stacks.neuron.machine", []) in found["aws-trainium1.sky.yaml"]
    assert ("runners.ascend", ["--quick"]) in found["index.json"]


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("runners.cpu", ["--thread", "8"]),
        ("runners.cuda", ["--dtype", "f8"]),
        ("runners", ["lst"]),
        ("runners", ["fleet", "--device", "nvidia-t4"]),
        ("runners.kernels", ["emit", "--kernels", "gelu"]),
        ("runners.gpu", []),
    ],
)
def test_a_command_that_no_program_takes_is_found(module: str, words: list[str]) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        judge(module, words)


def test_what_a_published_row_did_otherwise_is_an_option_of_its_runner() -> None:
    assert isinstance(INDEX, Reproduce)
    devices = [one for one in known_devices(DATA).values() if one.reproduction and one.reproduction.options]
    assert devices
    for device in devices:
        assert device.reproduction
        parse(command(serving(device, INDEX.runners)[0].id), (device.reproduction.options or "").split())
