"""What stands beside the pages is written once for the same data and code, and linked from then on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator import side_files as module
from generator.kept import all_code_digest
from generator.side_files import MAKERS, side_files, write_side_files
from generator.tables import Board
from tests.generator.examples import Folder


def written(folder: Folder, name: str) -> dict[str, bytes]:
    """All files below ``name``, written with a cache that all names share."""
    site = folder.root / name
    write_side_files(folder.board(), folder.data, site, folder.root / "cache")
    return read(site)


def read(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }


def kept(folder: Folder) -> list[Path]:
    return list((folder.root / "cache/files").iterdir())


def test_what_is_written_is_what_was_made(whole: Folder) -> None:
    made = dict(side_files(whole.board(), whole.data))
    assert written(whole, "site") == made
    write_side_files(whole.board(), whole.data, whole.root / "other")
    assert read(whole.root / "other") == made


def test_every_kind_of_file_is_there(whole: Folder) -> None:
    found = written(whole, "site")
    assert {
        "api/v1/index.json",
        "api/v1/decode.parquet",
        "rows/top/badge.svg",
        "devices/gpu-a/badge.svg",
    } < found.keys()
    for make in MAKERS:
        mine = dict(make(whole.board()))
        assert mine, make
        assert mine.keys() <= found.keys()


def test_files_of_known_data_come_from_the_cache(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(whole, "first")
    monkeypatch.setattr(module, "side_files", None)
    assert written(whole, "second") == first
    same = ["first/api/v1/decode.json", "second/api/v1/decode.json"]
    assert len({(whole.root / name).stat().st_ino for name in same}) == 1


def test_files_of_other_data_do_not(whole: Folder) -> None:
    first = written(whole, "first")
    second = written(whole.reported("another", "gpu-a", 7.0), "second")
    assert b"another" in second["api/v1/decode.json"]
    assert second["api/v1/kernels.csv"] == first["api/v1/kernels.csv"]
    assert len(kept(whole)) == 1


def test_files_of_other_code_do_not(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(whole, "first")
    before = kept(whole)
    monkeypatch.setattr(module, "all_code_digest", lambda: "another")
    assert written(whole, "second") == first
    assert kept(whole) != before


def test_the_digest_of_the_code_covers_packages_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart or the API is code of these files too, which a digest of top-level modules would not see."""
    code = all_code_digest.__wrapped__
    before, read_bytes = code(), Path.read_bytes
    for name in ("catalogue.py", "roofline.py", "decode.schema.json", "badge.py"):
        with monkeypatch.context() as patch:
            patch.setattr(
                Path,
                "read_bytes",
                lambda path, name=name: b"#" + read_bytes(path) if path.name == name else read_bytes(path),
            )
            assert code() != before, name
    assert code() == before


def test_files_that_were_cut_short_are_not_used(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(board: Board, data_folder: Path) -> Iterator[tuple[str, bytes]]:
        yield next(side_files(board, data_folder))
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "side_files", short)
        with pytest.raises(OSError, match="disk full"):
            written(whole, "first")
    assert "api/v1/decode.csv" in written(whole, "second")


def test_two_files_of_one_address_are_an_error(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAKERS", (*MAKERS, MAKERS[0]))
    with pytest.raises(ValueError, match="two files"):
        written(whole, "first")
    with pytest.raises(FileExistsError):
        write_side_files(whole.board(), whole.data, whole.root / "second")


def test_a_page_is_never_written_over(whole: Folder) -> None:
    """It may be another name of a file in a cache."""
    page = whole.root / "site/rows/top/badge.svg"
    page.parent.mkdir(parents=True)
    page.write_text("a page")
    with pytest.raises(FileExistsError):
        written(whole, "site")
    assert page.read_text() == "a page"


def test_where_nothing_can_be_linked_it_is_copied(whole: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(whole, "first")

    def refuse(*_: str) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    shutil.rmtree(whole.root / "first")
    (whole.root / "first/api/v1").mkdir(parents=True)
    assert written(whole, "first") == first
