"""All drafts are written or none, and nothing is ever replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from generator.importers.drafts import Draft, written
from generator.importers.filing import NotFiled, file_all
from schemas.parse import parse_json

DRAFTS = [Draft("devices/a.md", "one\n"), Draft("reported/b/c.json", "two é\n")]


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_every_draft_lies_at_its_place(tmp_path: Path) -> None:
    file_all(DRAFTS, tmp_path)
    assert everything(tmp_path) == ["devices", "devices/a.md", "reported", "reported/b", "reported/b/c.json"]
    assert (tmp_path / "reported/b/c.json").read_text("utf-8") == "two é\n"
    assert (tmp_path / "devices/a.md").stat().st_mode & 0o777 == 0o644


def test_a_name_that_is_taken_keeps_its_file_and_stops_all(tmp_path: Path) -> None:
    (tmp_path / "reported" / "b").mkdir(parents=True)
    (tmp_path / "reported" / "b" / "c.json").write_text("mine")
    with pytest.raises(NotFiled, match=r"c\.json: is there already; nothing was written"):
        file_all(DRAFTS, tmp_path)
    assert everything(tmp_path) == ["reported", "reported/b", "reported/b/c.json"]
    assert (tmp_path / "reported" / "b" / "c.json").read_text() == "mine"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    real, calls = os.link, list[str]()

    def link(source: str, target: Path) -> None:
        calls.append(str(target))
        if len(calls) == 2:
            raise error
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(NotFiled if isinstance(error, OSError) else KeyboardInterrupt):
        file_all(DRAFTS, tmp_path)
    assert everything(tmp_path) == []


def test_a_place_that_is_a_file_stops_all(tmp_path: Path) -> None:
    (tmp_path / "reported").write_text("")
    with pytest.raises(NotFiled):
        file_all(DRAFTS, tmp_path)
    assert everything(tmp_path) == ["reported"]


def test_records_are_written_with_what_fits_on_one_line() -> None:
    value = {"a": 1, "b": {"c": [1, 2]}, "long": [{"x": "y" * 60}, {"x": "z" * 60}], "none": [], "é": None}
    text = written(value)
    assert parse_json(text.encode()) == value
    assert text.splitlines()[:4] == ["{", '  "a": 1,', '  "b": {"c": [1, 2]},', '  "long": [']
    assert max(map(len, text.splitlines())) <= 110
