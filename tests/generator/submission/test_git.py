"""git as far as a submission goes: what changed, what was there, and no word of the checkout's own that could run."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.submission.git import Change, Git, NoHistory
from tests.submissions import SOURCE, SOURCE_TEXT, Repository


def changes(repository: Repository, base: str = "HEAD") -> list[Change]:
    return Git(repository.root, base).changes()


def write(repository: Repository, place: str, text: str = "x") -> Path:
    path = repository.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nothing_changed(repository: Repository) -> None:
    assert changes(repository) == []


def test_a_change_is_told_whether_it_is_committed_or_not(repository: Repository) -> None:
    base = repository.git("rev-parse", "HEAD")
    write(repository, "committed")
    repository.commit()
    write(repository, "staged")
    repository.git("add", "staged")
    write(repository, "untracked")
    write(repository, SOURCE, "edited")
    (repository.data / "devices/gpu-b.md").unlink()
    assert changes(repository, base) == [
        Change("committed", "added", True),
        Change("data/devices/gpu-b.md", "deleted", False),
        Change(SOURCE, "changed", True),
        Change("staged", "added", True),
        Change("untracked", "added", True),
    ]


def test_a_renamed_file_is_one_that_was_deleted_and_one_that_was_added(repository: Repository) -> None:
    repository.git("mv", SOURCE, "elsewhere.py")
    assert changes(repository) == [Change("elsewhere.py", "added", True), Change(SOURCE, "deleted", False)]


@pytest.mark.parametrize("staged", [True, False])
def test_links_and_executables_are_no_regular_files(repository: Repository, staged: bool) -> None:
    (repository.root / "link").symlink_to(SOURCE)
    write(repository, "program").chmod(0o755)
    write(repository, "text")
    if staged:
        repository.git("add", "--all")
    assert [(one.path, one.regular) for one in changes(repository)] == [
        ("link", False),
        ("program", False),
        ("text", True),
    ]


def test_a_file_that_became_a_link_is_no_regular_one(repository: Repository) -> None:
    (repository.root / SOURCE).unlink()
    (repository.root / SOURCE).symlink_to("/etc/hostname")
    assert changes(repository) == [Change(SOURCE, "changed", False)]


@pytest.mark.parametrize("staged", [True, False])
def test_another_repository_inside_is_no_regular_file(repository: Repository, staged: bool) -> None:
    inner = Repository(repository.root / "inner")
    write(inner, "file")
    inner.git("init", "--quiet")
    inner.commit()
    if staged:
        repository.git("add", "inner")
    (change,) = changes(repository)
    assert (change.path.rstrip("/"), change.kind, change.regular) == ("inner", "added", False)


@pytest.mark.parametrize("name", [b"a\nb", b"a\tb", b'"a"', b"\xff\xfe", b"\xe2\x80\xae", b":!a", b"-a"])
def test_a_name_is_taken_byte_by_byte(repository: Repository, name: bytes) -> None:
    path = os.fsencode(repository.root) + b"/" + name
    Path(os.fsdecode(path)).write_text("x")
    assert changes(repository) == [Change(os.fsdecode(name), "added", True)]


def test_a_file_that_git_ignores_is_no_change(repository: Repository) -> None:
    write(repository, ".git/info/exclude", "ignored\n")
    write(repository, "ignored")
    assert changes(repository) == []


def test_what_came_to_the_base_since_is_no_change(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "submission")
    write(repository, "mine")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    write(repository, "theirs")
    repository.commit()
    repository.git("checkout", "--quiet", "submission")
    assert changes(repository, "main") == [Change("mine", "added", True)]


def test_a_commit_of_the_branch_that_it_goes_to_is_published_even_if_it_is_newer_than_its_start(
    repository: Repository,
) -> None:
    repository.git("checkout", "--quiet", "-b", "submission")
    write(repository, "mine")
    mine = repository.commit()
    repository.git("checkout", "--quiet", "main")
    write(repository, "theirs")
    theirs = repository.commit()
    repository.git("checkout", "--quiet", "submission")
    git = Git(repository.root, "main")
    assert git.is_published(git.base)
    assert git.is_published(theirs)
    assert not git.is_published(mine)


def test_a_file_is_read_as_it_was_committed(repository: Repository) -> None:
    git = Git(repository.root, "HEAD")
    write(repository, SOURCE, "edited")
    assert git.file_at(git.base, SOURCE) == SOURCE_TEXT.encode()
    assert git.file_at(git.base[:7], SOURCE) == SOURCE_TEXT.encode()


@pytest.mark.parametrize("path", ["", "nowhere", "data", "../board", "/etc/hostname", "a\0b"])
def test_what_is_no_file_has_no_bytes(repository: Repository, path: str) -> None:
    git = Git(repository.root, "HEAD")
    assert git.file_at(git.base, path) is None


@pytest.mark.parametrize("revision", ["", "HEAD", "main", "--help", "0" * 40, "abcdef", "HEAD~1", "F" * 40])
def test_a_revision_is_a_hash_that_is_known(repository: Repository, revision: str) -> None:
    git = Git(repository.root, "HEAD")
    assert git.file_at(revision, SOURCE) is None
    assert git.committed(revision) is None
    assert not git.is_published(revision)


def test_a_commit_has_a_time(repository: Repository) -> None:
    git = Git(repository.root, "HEAD")
    assert git.committed(git.base) == datetime(2026, 1, 15, tzinfo=UTC)


def no_history(root: Path, base: str) -> str:
    with pytest.raises(NoHistory) as caught:
        Git(root, base)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_folder_that_is_no_checkout(tmp_path: Path) -> None:
    assert "is not the top of a git checkout" in no_history(tmp_path, "HEAD")


def test_a_folder_within_a_checkout(repository: Repository) -> None:
    assert "is not the top of a git checkout" in no_history(repository.data, "HEAD")


@pytest.mark.parametrize(
    "base", ["origin/main", "", "--all", "--output=/tmp/x", "main\nmain", "a\0b", "HEAD^2"]
)
def test_a_base_that_nobody_knows(repository: Repository, base: str) -> None:
    assert no_history(repository.root, base).startswith("--base: names no revision here (got '")


def test_a_base_without_common_history(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit()
    assert "shares no history" in no_history(repository.root, "main")


def test_a_checkout_without_a_commit(tmp_path: Path) -> None:
    empty = Repository(tmp_path)
    empty.git("init", "--quiet")
    assert "names no revision here (got 'HEAD')" in no_history(tmp_path, "HEAD")


def test_a_shallow_clone_is_told_how_to_be_whole(repository: Repository, tmp_path: Path) -> None:
    write(repository, "more")
    repository.commit()
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(tmp_path / "shallow"))
    assert "git fetch --unshallow" in no_history(tmp_path / "shallow", "HEAD")


def test_a_repository_that_a_hook_was_told_is_not_judged_in_its_place(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    Repository(tmp_path / "other").git("init", "--quiet")
    write(repository, "mine")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert changes(repository) == [Change("mine", "added", True)]


@pytest.mark.parametrize("setting", ["core.fsmonitor", "diff.external", "core.pager", "pager.show"])
def test_no_program_that_the_checkout_names_is_run(
    repository: Repository, tmp_path: Path, setting: str
) -> None:
    trace, program = tmp_path / "trace", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    program.chmod(0o755)
    repository.git("config", setting, str(program))
    write(repository, SOURCE, "edited")
    git = Git(repository.root, "HEAD")
    git.changes()
    git.committed(git.base)
    assert not trace.exists()


def test_a_git_that_does_not_answer_is_no_history(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = Git(repository.root, "HEAD")

    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("git", 60)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(NoHistory, match="git cannot compare"):
        git.changes()
