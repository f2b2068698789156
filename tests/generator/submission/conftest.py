"""A record to submit to: made once a worker, copied for each test, as git takes its time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import submissions
from tests.submissions import DEVICE, Repository

OLD = f"{DEVICE}-f16-20260131t120000z"


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scratch repository that no test changes."""
    return submissions.repository(tmp_path_factory.mktemp("record") / "board").root


@pytest.fixture
def repository(record: Path, tmp_path: Path) -> Repository:
    """A checkout of the test's own."""
    return Repository(shutil.copytree(record, tmp_path / "board", symlinks=True))


@pytest.fixture
def with_old(repository: Repository) -> Repository:
    """A record with a measured row, :data:`OLD`, of B. Person's."""
    repository.submit(
        repository.row(OLD, slower=1.01, submitter="B. Person", measured_at="2026-01-31T12:10:00Z")
    )
    repository.commit()
    return repository
