"""Files that are kept in the cache and linked into each site made from the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.kept import kept_file, link, write_kept


def made(*files: tuple[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield from files


def never() -> Iterator[tuple[str, bytes]]:
    raise AssertionError("what is kept is not made again")
    yield


def test_files_of_a_known_digest_are_linked_not_made(tmp_path: Path) -> None:
    write_kept(tmp_path / "kept", "a", lambda: made(("deep/one", b"1"), ("two", b"2")), tmp_path / "first")
    write_kept(tmp_path / "kept", "a", never, tmp_path / "second")
    for name, content in (("deep/one", b"1"), ("two", b"2")):
        assert (tmp_path / "second" / name).read_bytes() == content
        assert (tmp_path / "first" / name).samefile(tmp_path / "second" / name)


def test_another_digest_makes_them_anew_and_forgets_the_old(tmp_path: Path) -> None:
    for digest in "ab":
        write_kept(tmp_path / "kept", digest, lambda: made(("one", b"1")), tmp_path / digest)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["b"]


def test_two_files_of_one_address_are_an_error_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 addresses have two files"):
        write_kept(tmp_path / "kept", "a", lambda: made(("one", b"1"), ("one", b"2")), tmp_path / "site")
    assert not (tmp_path / "kept/a").exists()


def test_what_stands_is_not_written_over(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    with pytest.raises(FileExistsError):
        link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "two"


def test_a_file_is_made_once_and_leaves_nothing_unfinished(tmp_path: Path) -> None:
    path, contents = tmp_path / "deep" / "one.svg", iter([b"first", b"second"])
    assert kept_file(path, lambda: next(contents)) == b"first"
    assert kept_file(path, lambda: next(contents)) == b"first"
    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [("one.svg", b"first")]
