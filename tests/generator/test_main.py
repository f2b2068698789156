"""The command line: exit codes, what goes where, and no traceback for wrong data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generator import __main__ as cli
from generator import layout
from generator.commands import console
from tests.generator.examples import REPOSITORY, Folder, mark_as_site


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def build(folder: Folder) -> Result:
    return run(
        "build", "--data-dir", folder.data, "--site-dir", folder.layout.site, "--work-dir", folder.layout.work
    )


@pytest.fixture
def bad(basic: Folder) -> Folder:
    """Three problems in two files."""
    return basic.reported("a", "gpu-x", decode_model="huge").reported("b", "gpu-y")


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cache of a validation goes to a folder of the test's own."""
    (tmp_path / "root").mkdir()
    for name in ("mkdocs.yml", "site_src"):
        (tmp_path / "root" / name).symlink_to(REPOSITORY / name)
    monkeypatch.setattr(layout, "ROOT", tmp_path / "root")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["build", "serve", "validate"]),
        (["build"], ["--data-dir", "--site-dir", "site/ stays"]),
        (["serve"], ["--port", "8000"]),
        (["validate"], ["PATHS", "exit code 1"]),
    ],
)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(command: list[str], words: list[str], flag: str) -> None:
    result = run(*command, flag)
    assert result.exit_code == 0
    for word in words:
        assert word in " ".join(result.stdout.split())


def test_an_unknown_command_is_refused() -> None:
    result = run("polish")
    assert result.exit_code == 2
    assert "No such command 'polish'" in result.stderr


@pytest.mark.parametrize("command", ["build", "validate", "serve"])
def test_a_data_folder_that_does_not_exist_is_refused(command: str, tmp_path: Path) -> None:
    result = run(command, "--data-dir", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_valid_data_has_no_problems(basic: Folder) -> None:
    result = run("validate", "--data-dir", basic.reported("r", "gpu-a").data)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no problems\n")


def test_problems_go_to_stdout_one_a_line_and_the_count_to_stderr(bad: Folder) -> None:
    result = run("validate", "--data-dir", bad.data)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == bad.problems()
    assert len(bad.problems()) == 3
    assert result.stderr == "3 problems in 2 files\n"


def test_one_problem_is_counted_as_one(basic: Folder) -> None:
    result = run("validate", "--data-dir", basic.reported("r", "gpu-x").data)
    assert result.stderr == "1 problem in 1 file\n"


def test_validation_of_a_path(bad: Folder) -> None:
    result = run("validate", bad.data / "reported/page/b.json", "--data-dir", bad.data)
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["data/reported/page/b.json"]


def test_validation_of_a_missing_path(basic: Folder) -> None:
    result = run("validate", basic.root / "nowhere.json", "--data-dir", basic.data)
    assert result.exit_code == 1
    assert result.stdout.startswith("nowhere.json: file: cannot be read")


def test_a_build_says_what_it_did(basic: Folder) -> None:
    result = build(basic.reported("r", "gpu-a"))
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    said = [line.split(":")[0].strip() for line in result.stderr.splitlines()]
    assert said[:2] == ["read data and render pages", "build the site"]
    assert "site/ is built (" in said[-1]
    assert (basic.layout.site / "index.html").exists()


def test_a_build_of_wrong_data_leaves_the_site_and_raises_nothing(bad: Folder) -> None:
    mark_as_site(bad.layout.site)
    (bad.layout.site / "index.html").write_text("old")
    result = build(bad)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout.splitlines() == bad.problems()
    assert result.stderr.splitlines()[-1].startswith("3 problems in 2 files; ")
    assert result.stderr.splitlines()[-1].endswith("site/ is unchanged")
    assert {path.name for path in bad.layout.site.iterdir()} == {"api", "index.html"}
    assert (bad.layout.site / "index.html").read_text() == "old"


def test_serving_wrong_data_is_refused_before_a_port_is_taken(bad: Folder) -> None:
    result = run("serve", "--data-dir", bad.data)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == bad.problems()
    assert "3 problems in 2 files; nothing is served" in result.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_does_not_exist_is_refused(basic: Folder, port: str) -> None:
    assert run("serve", "--data-dir", basic.data, "--port", port).exit_code == 2


def test_a_progress_bar_is_for_people(basic: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files come through all the same; a bar is drawn for many files on a terminal only."""
    files = [basic.root / "a", basic.root / "b"]
    assert list(console.bar(files, 500)) == files
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(console.bar(files, 499)) == files
    assert list(console.bar(files, 500)) == files


def test_the_module_runs_as_a_command(bad: Folder) -> None:
    command = [sys.executable, "-m", "generator", "build", "--data-dir", str(bad.data)]
    command += ["--site-dir", str(bad.layout.site), "--work-dir", str(bad.layout.work)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout.splitlines() == bad.problems()
    assert "Traceback" not in done.stderr
    assert not bad.layout.site.exists()
