"""The leaderboard's own files, where they lie beside the repository: every row is accounted for.

The folder is no part of the project, so that these tests run only where somebody put it.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from generator.dataset import read_dataset
from generator.importers import Import, importer
from tests.generator.examples import REPOSITORY
from tests.generator.importers.boards import counts, notes

FILES = REPOSITORY.parent / "shared" / "leaderboard-csv"
UNKNOWN = {"conv1d-dilated"}

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason="the leaderboard's files do not lie beside the repository"
)


@pytest.fixture(scope="module")
def found() -> Import:
    """An import of all files into the record as it is."""
    data, _ = read_dataset(REPOSITORY / "data")
    return importer("purs")(sorted(FILES.iterdir()), data, REPOSITORY / "data", "2026-11-23")


def stated() -> dict[str, list[dict[str, str]]]:
    """The rows of every CSV, as the csv module reads them."""
    return {
        path.name: list(csv.DictReader(path.read_text("utf-8").splitlines()))
        for path in sorted(FILES.glob("*.csv"))
    }


def test_every_row_of_every_file_has_a_fate(found: Import) -> None:
    rows = {name: len(lines) for name, lines in stated().items()}
    rows["leaderboard.json"] = len(json.loads((FILES / "leaderboard.json").read_text()))
    assert {Path(path).name: found.accounts.counts(path)["read"] for path in found.accounts.files} == rows
    assert counts(found)["read"] == sum(rows.values()) == 3469


def test_only_the_kernels_that_nobody_defined_are_refused(found: Import) -> None:
    said = [re.search(r"\(got '([^']+)'\)", why.problem) for why in found.accounts.told("refused")]
    assert {name[1] for name in said if name} == UNKNOWN
    entries = json.loads((FILES / "leaderboard.json").read_text())
    rows = [row for lines in stated().values() for row in lines] + entries
    assert len(said) == sum(row["kernel_id"] in UNKNOWN for row in rows)


def test_the_98_figures_on_file_are_recognised(found: Import) -> None:
    """Every figure that the record has of these files is held against its rows, and none is imported again."""
    data, _ = read_dataset(REPOSITORY / "data")
    entries = [entry for entry in data.runs.values() if "leaderboard" in (entry.run.source_url or "")]
    assert sum(len(entry.kernels) for entry in entries) >= 98
    held = sum(row.values or 0 for entry in entries for row in entry.kernels)
    of_files = [path for path in found.accounts.files if path.endswith(".csv")]
    assert sum(found.accounts.counts(path)["on_file"] for path in of_files) == held


def test_the_pooled_entries_of_the_aggregate_are_told(found: Import) -> None:
    pooled = [said for said in notes(found) if "which pools implementations" in said]
    assert len(pooled) == 14


def test_a_second_source_is_never_a_second_figure(found: Import) -> None:
    assert found.accounts.counts(str(FILES / "leaderboard.json"))["imported"] == 0
