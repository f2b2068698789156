"""Proofs are gathered from passed tests only, count for the published text only, and are never stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from schemas.load import load
from schemas.records import Check, EmittedIndex, Proofs
from tests.proofs import DATA, REMEDY, Key, Record, write_proofs

ROOT = Path(__file__).resolve().parents[1]
SIMULATED = Key("rms_norm", "c", "simulated", "a simulator")


def index() -> EmittedIndex:
    found = load(DATA / "emitted/index.json", DATA)
    assert isinstance(found, EmittedIndex), found
    return found


PUBLISHED = next(text for text in index().kernels if (text.kernel, text.target) == ("rms_norm", "c"))


def stale(proofs: Proofs, found: EmittedIndex) -> list[str]:
    """A line for each proof of a text that is not the one on file."""
    now = {(text.kernel, text.target): text.sha256 for text in found.kernels}
    return [
        f"data/emitted/proof.json: {proof.kernel} in {proof.target}: is of another text "
        f"(got {proof.sha256[:8]}, the file has {now.get((proof.kernel, proof.target), 'none')[:8]}); {REMEDY}"
        for proof in proofs.proofs
        if now.get((proof.kernel, proof.target)) != proof.sha256
    ]


def test_every_proof_is_of_the_text_on_file() -> None:
    proofs = load(DATA / "emitted/proof.json", DATA)
    assert isinstance(proofs, Proofs), proofs
    assert stale(proofs, index()) == []


def test_every_kernel_was_executed_in_every_language() -> None:
    proofs = load(DATA / "emitted/proof.json", DATA)
    assert isinstance(proofs, Proofs), proofs
    executed = {
        (proof.kernel, proof.target)
        for proof in proofs.proofs
        for check in proof.checks
        if check.check == "simulated"
    }
    assert {(text.kernel, text.target) for text in index().kernels} - executed == set(), REMEDY


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the index and no proof yet."""
    (tmp_path / "emitted").mkdir()
    shutil.copyfile(DATA / "emitted/index.json", tmp_path / "emitted/index.json")
    return tmp_path


def written(data: Path, *records: Record) -> Proofs:
    write_proofs(data, records)
    found = load(data / "emitted/proof.json", data)
    assert isinstance(found, Proofs), found
    return found


def checks(proofs: Proofs) -> tuple[Check, ...]:
    (proof,) = proofs.proofs
    assert (proof.kernel, proof.target, proof.sha256) == ("rms_norm", "c", PUBLISHED.sha256)
    return proof.checks


def test_cases_of_one_check_are_counted_together(data: Path) -> None:
    other = Record(SIMULATED, "0" * 64, 1)
    assert checks(written(data, other, other)) == (Check("simulated", "a simulator", 2, False),)


@pytest.mark.parametrize("storage", PUBLISHED.hashes)
def test_the_published_text_among_the_cases_is_said_and_another_storage_types_is_not_it(
    data: Path, storage: str
) -> None:
    this = Record(SIMULATED, PUBLISHED.hashes[storage], 3)
    found = checks(written(data, Record(SIMULATED, "0" * 64, 1), this))
    assert found == (Check("simulated", "a simulator", 4, storage == PUBLISHED.storage),)


def test_a_later_run_replaces_its_own_checks_and_keeps_others(data: Path) -> None:
    compiled = Key("rms_norm", "c", "vendor-compiled", "a compiler")
    written(data, Record(SIMULATED, PUBLISHED.sha256, 5), Record(compiled, PUBLISHED.sha256, 3))
    found = checks(written(data, Record(SIMULATED, "0" * 64, 1)))
    assert [(check.check, check.cases, check.this_text) for check in found] == [
        ("simulated", 1, False), ("vendor-compiled", 3, True),
    ]  # fmt: skip


def test_what_was_proven_of_another_text_is_forgotten_and_would_be_an_error(data: Path) -> None:
    first = written(data, Record(SIMULATED, PUBLISHED.sha256, 5))
    path = data / "emitted/index.json"
    changed: Any = json.loads(path.read_text())
    for entry in changed["kernels"]:
        entry["sha256"] = entry["hashes"]["bf16"] = "0" * 64
    path.write_text(json.dumps(changed))
    found = load(path, data)
    assert isinstance(found, EmittedIndex)
    (line,) = stale(first, found)
    assert line.startswith("data/emitted/proof.json: rms_norm in c: is of another text (got ")
    assert line.endswith(REMEDY)
    assert written(data).proofs == ()


def test_a_kernel_that_is_not_published_has_no_proof(data: Path) -> None:
    assert written(data, Record(Key("no_kernel", "c", "simulated", "x"), "0" * 64, 1)).proofs == ()


INNER = """
import pytest
from tests.proofs import record_proof

@pytest.mark.parametrize("passes", [True, True, False][:{count}])
def test_one(passes):
    record_proof("rms_norm", "c", "{sha256}", "simulated", "a simulator")
    assert passes
"""


def run_inner(tmp_path: Path, data: Path, count: int, *options: str) -> str:
    """The output of a session of its own, whose ``--write-proof`` writes into ``data``."""
    import subprocess
    import sys

    inner = tmp_path / "inner"
    inner.mkdir()
    hooks = "pytest_addoption, pytest_configure, pytest_runtest_setup"
    conftest = f"from pathlib import Path\nfrom tests import proofs\nfrom tests.conftest import {hooks}\n"
    (inner / "conftest.py").write_text(f"{conftest}proofs.DATA = Path({str(data)!r})\n")
    (inner / "test_inner.py").write_text(INNER.format(count=count, sha256=PUBLISHED.sha256))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(inner),
        *options,
    ]
    return subprocess.run(
        [*command, str(inner)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    ).stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_session_writes_what_passed_in_all_its_workers(tmp_path: Path, data: Path, workers: str) -> None:
    said = run_inner(tmp_path, data, 2, "--write-proof", "-n", workers)
    assert "proof.json: written with 2 records of this run" in said
    found = load(data / "emitted/proof.json", data)
    assert isinstance(found, Proofs), found
    assert checks(found) == (Check("simulated", "a simulator", 2, True),)


def test_a_session_with_a_failure_writes_nothing(tmp_path: Path, data: Path) -> None:
    said = run_inner(tmp_path, data, 3, "--write-proof")
    assert "proof.json: not written, because not every test passed" in said
    assert not (data / "emitted/proof.json").exists()


def test_without_the_option_nothing_is_written(tmp_path: Path, data: Path) -> None:
    assert "2 passed" in run_inner(tmp_path, data, 2)
    assert not (data / "emitted/proof.json").exists()
