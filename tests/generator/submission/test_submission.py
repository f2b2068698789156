"""What is read of a submission and of the record: enough to judge, and nothing that leads elsewhere or never ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import FrameType

import pytest

from generator.submission.submission import Submission, read_submission
from tests.generator.submission.judged import passed, refused, refused_once
from tests.submissions import DEVICE, RUN, Repository, refusals

TODAY = date(2026, 6, 1)


def read(repository: Repository, base: str = "HEAD") -> Submission:
    return read_submission(repository.root, base, TODAY)


@pytest.fixture
def in_time() -> Iterator[None]:
    """A reader that waits for what never comes fails, and does not hang."""

    def late(_: int, __: FrameType | None) -> None:
        raise AssertionError("still reading after 30 s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_new_rows_are_read_with_what_they_stand_beside(repository: Repository) -> None:
    repository.submit(repository.row())
    submission = read(repository)
    assert [new.path for new in submission.new] == [f"data/results/{DEVICE}/{RUN}.json"]
    assert set(submission.filed) == {"page-a", "page-b"}
    assert set(submission.dataset.runs) == {RUN}
    assert set(submission.dataset.devices) == {"gpu-a", "gpu-b"}
    assert submission.problems == ()
    assert list(submission.unread) == []


def test_measured_and_decoded_rows_are_told_apart(repository: Repository) -> None:
    repository.submit(repository.row())
    repository.submit(repository.row(f"{DEVICE}-20260202t120000z", decode=None))
    repository.reported("page-c", "gpu-a", 6.0)
    submission = read(repository)
    assert len(submission.new) == 3
    assert [new.result.id for new in submission.measured] == [f"{DEVICE}-20260202t120000z", RUN]
    assert [new.result.id for new in submission.decoded] == [RUN]


def test_a_row_that_cannot_be_read_is_told_to_be_judged_by_no_other_rule(repository: Repository) -> None:
    path = repository.submit(repository.row())
    path.write_bytes(path.read_bytes()[:-1])
    report = repository.check()
    assert "is not JSON" in refused_once(report, "valid")
    (seen,) = refusals(report)["seen"]
    assert seen.startswith(
        f"data/results/{DEVICE}/{RUN}.json: file: is judged by no rule on rows, and not shown"
    )
    assert report["previews"] == []


def test_an_id_that_is_taken_is_refused_for_both(repository: Repository) -> None:
    other = repository.data / "reported/other/page-a.json"
    other.parent.mkdir()
    other.write_bytes((repository.data / "reported/page/page-a.json").read_bytes())
    lines = refused(repository.check(), "valid")
    taken = [line.split(":")[0] for line in lines if ": id: is taken" in line]
    assert taken == ["data/reported/other/page-a.json", "data/reported/page/page-a.json"]


def test_a_row_in_the_folder_of_another_device_is_refused(repository: Repository) -> None:
    repository.submit(repository.row(), f"results/gpu-b/{RUN}.json")
    (line,) = refused(repository.check(), "valid")
    assert "device: differs from its folder (got 'gpu-a')" in line


def test_the_submission_starts_where_its_branch_left_the_base(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "submission")
    repository.submit(repository.row())
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.reported("page-a", "gpu-a", 5.5)
    repository.commit()
    repository.git("checkout", "--quiet", "submission")
    passed(repository.check("main"))


def test_a_merge_is_judged_against_its_first_parent(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "submission")
    repository.submit(repository.row())
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.reported("page-c", "gpu-a", 5.5)
    repository.commit()
    repository.git("merge", "--quiet", "--no-ff", "--message", "merge", "submission")
    report = repository.check("HEAD^1")
    passed(report)
    assert [preview["run"] for preview in report["previews"]] == [RUN]


def test_a_base_far_behind_takes_all_since_for_the_submission(repository: Repository) -> None:
    base = repository.git("rev-parse", "HEAD")
    (repository.root / "elsewhere.py").write_text("x")
    repository.commit()
    repository.submit(repository.row(), sealed=True)
    found = refusals(repository.check(base))
    assert set(found) == {"allowed-changes", "revision"}
    assert "elsewhere.py: file: is no part of a submission" in found["allowed-changes"][0]


def test_the_ledger_of_the_base_is_read_as_it_was(repository: Repository) -> None:
    repository.retract("page-a")
    repository.commit()
    repository.retract("page-a", "page-b")
    before = read(repository).ledger_before
    assert before
    assert [entry.result for entry in before.retractions] == ["page-a"]


def test_a_ledger_that_the_base_does_not_have_has_no_entries(repository: Repository) -> None:
    repository.git("rm", "--quiet", "data/retracted.yml")
    repository.commit()
    repository.retract("page-b")
    submission = read(repository)
    assert submission.ledger_before is None
    assert list(submission.dataset.retractions) == ["page-b"]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("place", ["results/gpu-a", "reported/page", "devices"])
def test_a_pipe_does_not_stop_the_reader(repository: Repository, place: str) -> None:
    (repository.data / place).mkdir(parents=True, exist_ok=True)
    os.mkfifo(repository.data / place / f"pipe{'.md' if place == 'devices' else '.json'}")
    repository.submit(repository.row())
    report = repository.check()
    assert [preview["run"] for preview in report["previews"]] == [RUN]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    "place", ["results/gpu-a/loop", "results/loop", "devices/loop", "reported/page/loop.json"]
)
def test_a_link_to_its_own_folder_does_not_stop_the_reader(repository: Repository, place: str) -> None:
    repository.submit(repository.row())
    (repository.data / place).symlink_to("..")
    report = repository.check()
    assert f"data/{place}: file: is no plain file" in " ".join(refusals(report)["allowed-changes"])
    assert [preview["run"] for preview in report["previews"]] == [RUN]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("folder", ["results", "reported", "devices", "retracted.yml", ""])
def test_a_record_that_leads_elsewhere_is_not_read(
    repository: Repository, tmp_path: Path, folder: str
) -> None:
    place = repository.data / folder
    if not place.exists():
        place.mkdir()
    place.rename(tmp_path / "elsewhere")
    place.symlink_to("/" if folder == "results" else tmp_path / "elsewhere")
    assert set(refusals(repository.check())) - {"seen"} == {"allowed-changes"}
    submission = read(repository)
    assert (submission.new, submission.filed, submission.dataset.devices) == ((), {}, {})


@pytest.mark.usefixtures("in_time")
def test_a_file_too_large_to_be_a_row_is_not_read(repository: Repository) -> None:
    path = repository.data / f"results/{DEVICE}/{RUN}.json"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(50_000_000_000)
    lines = refused(repository.check(), "valid")
    assert "file: is too large (got 50,000,000,000 bytes); a result file may have 8,000,000" in lines[0]


@pytest.mark.usefixtures("in_time")
def test_thousands_of_changes_are_counted_and_not_read(repository: Repository) -> None:
    for number in range(3_000):
        repository.put(f"results/{DEVICE}/{number}.json", {})
    report = repository.check()
    assert report["changes"] == 3_000
    (line,) = refused(report, "allowed-changes")
    assert "are too many to look at (got 3,000)" in line


def test_a_row_nested_beyond_any_record_is_refused(repository: Repository) -> None:
    path = repository.data / f"results/{DEVICE}/{RUN}.json"
    path.parent.mkdir(parents=True)
    path.write_text("[" * 100_000)
    assert "is nested too deeply" in refused_once(repository.check(), "valid")
