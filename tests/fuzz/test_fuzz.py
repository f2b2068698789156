"""A stranger's file is a record, rows, or lines that print, in bounded time and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.attempt import Finding, Journal, TooSlow, attempt, limited
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import MOST_BYTES, TARGETS, Run, joined
from tests.generator.examples import REPOSITORY

FOUND = Path(__file__).parent / "found"
EXAMPLES = {"load": 400, "dataset": 120, "import": 100}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Each target, prepared once."""
    made: dict[str, Run] = {}

    def of(name: str) -> Run:
        if name not in made:
            made[name] = TARGETS[name].make(tmp_path_factory.mktemp(name))
        return made[name]

    return of


def holds(run: Run, name: str, body: bytes) -> None:
    with limited():
        found = attempt(run, name, body)
    assert found is None, found.told


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_holds(runs: Callable[[str], Run], target: str) -> None:
    inputs = [TARGETS[target].parts(raw) for raw in TARGETS[target].inputs()]
    assert len(inputs) >= len(TARGETS[target].names)
    for parts in inputs:
        assert parts
        holds(runs(target), *parts)


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_made_of_a_valid_one_holds(runs: Callable[[str], Run], target: str) -> None:
    inputs = TARGETS[target].inputs()
    bodies = [raw.partition(b"\n")[2] for raw in inputs]

    @settings(derandomize=True, database=None, deadline=None, max_examples=EXAMPLES[target])
    @given(raw=st.sampled_from(inputs), seed=st.integers(0, 2**32))
    def holds_whatever_is_changed(raw: bytes, seed: int) -> None:
        name, _, body = raw.partition(b"\n")
        other = mutated(name.decode(), body, bodies, Random(seed))  # noqa: S311 - no secret
        holds(runs(target), name.decode(), other[:MOST_BYTES])

    holds_whatever_is_changed()


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.name)
def test_what_was_found_once_holds_now(runs: Callable[[str], Run], path: Path) -> None:
    target = TARGETS[path.name.partition("-")[0]]
    parts = target.parts(path.read_bytes())
    assert parts, "its first line is no name that the target knows"
    holds(runs(target.name), *parts)


# --- the command ----------------------------------------------------------------------------------


def _forever(_: str, __: bytes) -> None:
    while True:
        pass


def _greedy(_: str, __: bytes) -> None:
    assert bytearray(600_000_000)


def _wrong(_: str, body: bytes) -> None:
    raise KeyError(body)


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (_forever, TooSlow),
        pytest.param(
            _greedy,
            MemoryError,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory"),
        ),
        (_wrong, KeyError),
    ],
)
def test_what_takes_too_much_or_raises_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, kind: type
) -> None:
    monkeypatch.setattr("tests.fuzz.attempt.MOST_SECONDS", 0.2)
    with limited():
        found = attempt(run, "a.csv", b"body")
        again = attempt(run, "a.csv", b"another")
    assert found
    assert again
    assert found.raw == joined("a.csv", b"body")
    assert kind.__name__ in found.told
    assert [found.save(tmp_path, "import"), again.save(tmp_path, "import")] == [True, False]
    (kept,) = [path for path in tmp_path.iterdir() if path.suffix != ".txt"]
    assert kept.read_bytes() == found.raw


def test_the_input_that_kills_a_process_is_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.begin(b"first, and longer")
    journal.begin(b"second")
    assert (Journal(tmp_path / "journal").count, Journal(tmp_path / "journal").last) == (2, b"second")


def test_a_run_without_atheris_tells_what_it_did(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--minutes", "0.05", "--target", "load", "--plain"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)], capture_output=True, check=False, cwd=REPOSITORY, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "minutes by plain, 0 findings" in done.stdout
    assert Journal(tmp_path / "load.journal").count > 0


def test_a_finding_is_kept_once_for_each_mistake(tmp_path: Path) -> None:
    saved = [Finding(sign, "told \ud800", b"a.csv\n").save(tmp_path, "import") for sign in ("a", "b", "a")]
    assert saved == [True, True, False]
