"""Reproduction's index with the notebooks and tasks that it names: read whole, or refused with their remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.examples import NOTEBOOK, TASK, Folder

INDEX = "data/reproduce/index.json"
REMEDY = "run `python -m runners reproduce`"


@pytest.fixture
def told(basic: Folder) -> Folder:
    """Two devices, of which one has a notebook and a task."""
    return basic.device("gpu-a", languages=[]).instructions("gpu-a")


def test_the_files_are_read_with_their_index(told: Folder) -> None:
    found = told.dataset().instructions
    assert found.index
    assert found.index.runners[0].id == "example"
    assert found.texts == {"gpu-a.ipynb": NOTEBOOK, "gpu-a.sky.yaml": TASK}


def test_a_folder_without_instructions_has_none(basic: Folder) -> None:
    found = basic.dataset().instructions
    assert (found.index, dict(found.texts)) == (None, {})


def test_a_missing_file_is_told_with_its_place(told: Folder) -> None:
    (told.data / "reproduce/gpu-a.ipynb").unlink()
    (line,) = told.problems()
    assert line.startswith(f"{INDEX}: notebooks[0]: gpu-a.ipynb cannot be read")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "gpu-a.sky.yaml is not UTF-8"),
        ("run: a\u202eb".encode(), "gpu-a.sky.yaml holds what nobody sees (got U+202E)"),
        (b"a" * 70_000, "gpu-a.sky.yaml is too large"),
    ],
)
def test_a_file_that_no_page_should_show_is_refused(told: Folder, content: bytes, said: str) -> None:
    (told.data / "reproduce/gpu-a.sky.yaml").write_bytes(content)
    (line,) = told.problems()
    assert line.startswith(f"{INDEX}: tasks[0]: {said}")


def test_a_link_is_no_file(told: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = told.data / "reproduce/gpu-a.ipynb"
    path.unlink()
    path.symlink_to(secret)
    (line,) = told.problems()
    assert "gpu-a.ipynb is not a regular file" in line


def test_instructions_for_a_device_that_is_gone_are_told(told: Folder) -> None:
    (told.data / "devices/gpu-a.md").unlink()
    assert [line.split(" (")[0] for line in told.problems()] == [
        f"{INDEX}: notebooks[0]: is unknown",
        f"{INDEX}: tasks[0]: is unknown",
    ]


def test_a_file_beside_counts_for_what_is_known(told: Folder) -> None:
    before = told.dataset().digest
    assert told.dataset().digest == before
    (told.data / "reproduce/gpu-a.ipynb").write_text(NOTEBOOK + " ")
    assert told.dataset().digest != before
