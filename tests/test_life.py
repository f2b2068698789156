"""The life of a row: measured, mended, judged, merged, reproduced by one, missed by another, and withdrawn.

The null device on a tiny model stands for a device; its clock is the one thing made up, so that a second
submitter can be 4 % slower, and a third 20 %. All else is what a contributor, the checks and the site run.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from click.testing import CliRunner

from generator.__main__ import main
from runners import command, environment, latencies, registry, session
from runners.device import Ran
from runners.kernels import __main__ as kernels
from runners.kernels.emit import TARGETS, Emitted
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage
from schemas.contract import KERNEL_SOURCE
from tests.runners import runs
from tests.runners.runs import ROWS, TINY, TriedDevice, add_device
from tests.schemas import examples
from tests.submissions import Repository, questions, refusals

PROTOCOL = {
    "model": "tiny",
    "depth_tokens": 4,
    "steps": 4,
    "warmup_repetitions": 1,
    "repetitions": 5,
    "seconds": 0,
}


class ClockedDevice(TriedDevice):
    """The null device with texts that the repository knows, whose steps take ``step_ns`` and a little more each."""

    step_ns: ClassVar[int] = 2_000_000
    ticks: ClassVar[int] = 0

    def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
        return TARGETS["c"].emit(kernel, sizes, storage)

    def run(self, steps: int) -> Ran:
        tokens = super().run(steps).tokens
        return Ran([self.step_ns + self._tick() for _ in range(steps)], tokens)

    def trace(self, steps: int) -> list[list[int]]:
        return [[30_000 + self._tick() % 997 for _ in times] for times in super().trace(steps)]

    def _tick(self) -> int:
        type(self).ticks += 1
        return (type(self).ticks * 7919) % 1009


@dataclass(frozen=True)
class Board(Repository):
    """The repository of a board: its people measure, check, merge and build."""

    def measure(self, submitter: str, slower: float = 1.0) -> Path:
        """What ``submitter``'s run of ``python -m runners.null`` files, on a branch of their own."""
        self.git("switch", "--quiet", "--create", submitter.replace(" ", "-"))
        before = set((self.data / "results").rglob("*.json"))
        ClockedDevice.step_ns, ClockedDevice.runs = int(2_000_000 * slower), 0
        assert command.main("null", [*TINY, "--submitter", submitter, "--dtype", "f32"]) == 0
        (filed,) = set((self.data / "results").rglob("*.json")) - before
        return filed

    def merge(self, branch: str) -> None:
        self.commit(f"Measured by {branch}")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "Merge", branch.replace(" ", "-"))

    def text(self, *options: str) -> str:
        return (
            CliRunner()
            .invoke(main, ["check-submission", "--root", str(self.root), "--base", "main", *options])
            .output
        )

    def built(self) -> str:
        """The text of the decode page of the site that is built of what lies here."""
        places = [
            "--data-dir",
            self.data,
            "--site-dir",
            self.root / "site",
            "--work-dir",
            self.root / "build",
        ]
        done = CliRunner().invoke(main, ["build", *map(str, places)])
        assert done.exit_code == 0, done.output
        return (self.root / "site/decode/index.html").read_text("utf-8")


class _Rows(HTMLParser):
    """The texts of the table rows of a page, with the markup of each beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append("")
            self.inside = True
        if self.inside:
            said = " ".join(value or "" for name, value in attrs if name in {"href", "title", "class"})
            self.rows[-1] += f" <{tag} {said}> "

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "tr"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1] += data


def row_of(page: str, run: str) -> str:
    """The one row of the page's tables that links to a run's file."""
    parser = _Rows()
    parser.feed(page)
    found = [row for row in parser.rows if f"rows/{run}/" in row]
    assert found, run
    return re.sub(r"\s+", " ", found[0])


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """A board with one device, no row, and the texts of every kernel at the tiny model's sizes."""
    made = Board(tmp_path)
    runs.prepare(tmp_path, monkeypatch.setattr)
    add_device(made.data)
    monkeypatch.setitem(registry.RUNNERS, "null", "tests.test_life:ClockedDevice")
    monkeypatch.setattr(kernels, "MICROBENCHMARK", ROWS)
    for module in (session, latencies):
        monkeypatch.setattr(module, "TRACED_STEPS", 10)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / KERNEL_SOURCE).parent.mkdir(parents=True)
    shutil.copyfile(runs.REPOSITORY / KERNEL_SOURCE, tmp_path / KERNEL_SOURCE)
    kernels.write(made.data / "emitted", kernels.published(kernels.model_sizes(made.data, "tiny"), "tiny"))
    protocol = examples.reproduce()["protocol"] | PROTOCOL
    runner = examples.reproduce()["runners"][0] | {"id": "null", "kind": "CPU", "targets": ["c"]}
    made.instructions(protocol=protocol, runners=[runner])
    (tmp_path / ".gitignore").write_text("/build/\n/site/\n")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("A board without a row")
    return made


def test_the_life_of_a_row(board: Board) -> None:
    ann = board.measure("Ann Example")

    # The contributor mends a sample by hand, and is told that it shows.
    written = ann.read_bytes()
    data: Any = json.loads(written)
    data["decode"]["samples"]["repetitions"][0]["step_ns"][0] -= 1
    ann.write_text(json.dumps(data))
    refused = refusals(board.check("main"))
    assert "integrity" in refused
    assert "only its notes may be edited" in refused["integrity"][0]

    # As the runner wrote it, it passes, and takes the first place.
    ann.write_bytes(written)
    report = board.check("main")
    assert (refusals(report), questions(report)) == ({}, {})
    assert "1 of 1; its device has no ranked row today" in board.text()
    assert "nobody else has measured this" in board.text("--format", "markdown")
    board.merge("Ann Example")
    assert "badge-measured" in row_of(board.built(), ann.stem)

    # Somebody else comes within 5 %: both rows are reproduced.
    ben = board.measure("Ben Example", slower=1.04)
    (preview,) = board.check("main")["previews"]
    assert [(drift["by"], drift["within"], round(drift["percent"])) for drift in preview["drifts"]] == [
        ("Ann Example", True, 4)
    ]
    assert (preview["after"]["rank"], preview["above"]["run"]) == (2, ann.stem)
    board.merge("Ben Example")
    page = board.built()
    assert "badge-reproduced" in row_of(page, ann.stem)
    assert "Ben Example" in row_of(page, ann.stem)
    assert "badge-reproduced" in row_of(page, ben.stem)

    # A third one does not: the row stands, unreproduced, and takes nothing from the others.
    cyd = board.measure("Cyd Example", slower=1.2)
    assert "no: nobody is within 5 %" in re.sub(r"\s+", " ", board.text())
    board.merge("Cyd Example")
    page = board.built()
    assert "badge-reproduced" not in row_of(page, cyd.stem)
    assert "badge-reproduced" in row_of(page, ann.stem)

    # The first is withdrawn, for a reason that a person judges: it stays, unranked, and confirms nobody.
    board.git("switch", "--quiet", "--create", "withdraw")
    entry = {
        "result": ann.stem,
        "date": "2026-01-31",
        "reason": "the clock was wrong",
        "by": "the maintainers",
    }
    ledger = {"schema": "decode-board/retracted/1", "retractions": [entry]}
    (board.data / "retracted.yml").write_text(yaml.safe_dump(ledger))
    report = board.check("main")
    assert (refusals(report), list(questions(report))) == ({}, ["withdrawal"])
    board.merge("withdraw")
    page = board.built()
    assert "withdrawn" in row_of(page, ann.stem)
    assert "badge-gone" in row_of(page, ann.stem)
    assert "badge-gone" not in row_of(page, ben.stem)
    assert "badge-reproduced" not in row_of(page, ben.stem)
    withdrawn = row_of((board.root / "site/ledger/index.html").read_text("utf-8"), ann.stem)
    assert "the clock was wrong" in withdrawn
    assert "Ann Example" in withdrawn
