"""A data folder in memory, and the cache that spares work without changing what is said."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from generator import dataset
from generator.dataset import code_digest, data_files, read_dataset
from generator.rules import cross_file_problems
from schemas import load
from tests.generator.examples import TODAY, Folder, samples, timing, timings


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the result files that are parsed from now on."""
    names: list[str] = []
    parse = load.parse

    def counting(raw: bytes, kind: Any, shown: str, stem: str) -> Any:
        if kind.name == "result":
            names.append(stem)
        return parse(raw, kind, shown, stem)

    monkeypatch.setattr(dataset, "parse", counting)
    return names


@pytest.fixture
def rows(basic: Folder) -> Folder:
    """Two rows, one of each provenance."""
    basic.reported("old", "gpu-a", kernels=timings(timing("norm", us=3)))
    return basic.measured("new", "gpu-a", samples([1000, 1001]))


def cached(folder: Folder) -> Path:
    return folder.root / "cache" / "rows.pickle"


def read(folder: Folder) -> dataset.Dataset:
    data, problems = read_dataset(folder.data, folder.root / "cache")
    assert not problems
    return data


def test_records_are_found_by_id_and_their_files_are_known(rows: Folder) -> None:
    data = rows.retract("old").dataset()
    assert set(data.devices) == {"gpu-a", "gpu-b"}
    assert set(data.models) == {"tiny"}
    assert set(data.kernels) == {"norm", "proj", "attend", "soft", "gemm"}
    assert set(data.runs) == {"old", "new"}
    assert set(data.retractions) == {"old"}
    assert data.paths["run", "new"] == "data/results/gpu-a/new.json"
    assert data.paths["device", "gpu-b"] == "data/devices/gpu-b.md"


def test_an_empty_folder_is_an_empty_dataset(folder: Folder) -> None:
    data, problems = folder.read()
    assert (problems, data.runs, data.devices) == ([], {}, {})


def test_a_folder_that_does_not_exist_is_an_empty_dataset(tmp_path: Path) -> None:
    data, problems = read_dataset(tmp_path / "nowhere")
    assert (problems, data.runs) == ([], {})


def test_notes_for_people_and_emitted_sources_are_no_records(rows: Folder) -> None:
    (rows.data / "README.md").write_text("# Data\n")
    (rows.data / "emitted" / "c").mkdir(parents=True)
    (rows.data / "emitted" / "c" / "norm.c").write_text("int x;\n")
    assert not rows.problems()
    assert not [path for path in data_files(rows.data) if path.suffix == ".c"]


def test_problems_of_all_files_are_found_at_once(rows: Folder) -> None:
    rows.device("gpu-c", type="toaster").reported("bad", "gpu-a", role="hero")
    (rows.data / "reported" / "page" / "broken.json").write_text("{")
    assert [problem.path for problem in rows.read()[1]] == [
        "data/devices/gpu-c.md", "data/reported/page/bad.json", "data/reported/page/broken.json",
    ]  # fmt: skip


def test_one_id_in_two_folders_is_refused_with_both_places(rows: Folder) -> None:
    rows.reported("old", "gpu-a", folder="other")
    text = (rows.data / "reported/page/old.json").read_text()
    (rows.data / "reported/zine").mkdir()
    (rows.data / "reported/zine/old.json").write_text(text)
    page, zine = "data/reported/page/old.json", "data/reported/zine/old.json"
    for path, other in ((page, zine), (zine, page)):
        taken = f"id: is taken (got 'old', which {other} has); choose another id for one of them"
        assert f"{path}: {taken}" in rows.problems()


def test_a_measured_row_may_not_take_the_id_of_a_reported_one(rows: Folder) -> None:
    rows.measured("old", "gpu-a", samples([1000]))
    both = sorted(line.partition(" (got")[0] for line in rows.problems())
    assert both == ["data/reported/page/old.json: id: is taken", "data/results/gpu-a/old.json: id: is taken"]


def test_two_devices_of_one_id(rows: Folder) -> None:
    (rows.data / "devices" / "more").mkdir()
    (rows.data / "devices/more/gpu-a.md").write_bytes((rows.data / "devices/gpu-a.md").read_bytes())
    first, second = sorted(rows.problems())
    assert first.startswith(
        "data/devices/gpu-a.md: id: is taken (got 'gpu-a', which data/devices/more/gpu-a.md"
    )
    assert second.startswith(
        "data/devices/more/gpu-a.md: id: is taken (got 'gpu-a', which data/devices/gpu-a.md"
    )


def test_a_link_is_refused(rows: Folder) -> None:
    (rows.data / "devices" / "linked.md").symlink_to(rows.data / "devices" / "gpu-a.md")
    (line,) = rows.problems()
    assert line.startswith("data/devices/linked.md: file: is not a regular file")


def test_a_file_with_another_ending_is_refused(rows: Folder) -> None:
    (rows.data / "devices" / "gpu-c.txt").write_text("x")
    (line,) = rows.problems()
    assert line.startswith("data/devices/gpu-c.txt: file: has the wrong ending")


def test_a_file_from_elsewhere_joins_the_folder(rows: Folder, tmp_path: Path) -> None:
    source = rows.data / "reported/page/old.json"
    outside = tmp_path / "elsewhere" / "third.json"
    outside.parent.mkdir()
    outside.write_text(source.read_text().replace('"id": "old"', '"id": "third"'))
    data, problems = read_dataset(rows.data, extra=[outside])
    assert not problems
    assert set(data.runs) == {"old", "new", "third"}
    assert data.paths["run", "third"] == "elsewhere/third.json"


def test_each_file_is_announced_once(rows: Folder) -> None:
    seen: list[str] = []

    def progress(files: Iterable[Path], count: int) -> Iterable[Path]:
        listed = list(files)
        assert len(listed) == count
        seen.extend(path.name for path in listed)
        return listed

    read_dataset(rows.data, progress=progress)
    assert sorted(seen) == sorted(path.name for path in data_files(rows.data))
    assert len(seen) == 10


def test_the_digest_follows_the_content(rows: Folder) -> None:
    before = rows.dataset().digest
    assert rows.dataset().digest == before
    assert rows.device("gpu-b", tdp_w=1).dataset().digest != before


def test_an_unchanged_file_is_not_parsed_again(rows: Folder, parsed: list[str]) -> None:
    first = read(rows)
    assert sorted(parsed) == ["new", "old"]
    parsed.clear()
    second = read(rows)
    assert not parsed
    assert second == first


def test_a_changed_file_is_parsed_again(rows: Folder, parsed: list[str]) -> None:
    read(rows)
    parsed.clear()
    rows.reported("old", "gpu-a", tok_per_s=50.0)
    decode = read(rows).runs["old"].decode
    assert parsed == ["old"]
    assert decode is not None
    assert decode.tpot_ns == 2e7


def test_a_moved_file_is_parsed_again(rows: Folder, parsed: list[str]) -> None:
    """A row carries its path, so the same bytes elsewhere are another row."""
    read(rows)
    parsed.clear()
    (rows.data / "reported/page").rename(rows.data / "reported/paper")
    assert read(rows).runs["old"].run.path == "data/reported/paper/old.json"
    assert parsed == ["old"]


def test_without_a_cache_folder_nothing_is_kept(rows: Folder, parsed: list[str]) -> None:
    read_dataset(rows.data)
    read_dataset(rows.data)
    assert sorted(parsed) == ["new", "new", "old", "old"]
    assert not (rows.root / "cache").exists()


def test_an_invalid_file_is_never_cached(rows: Folder) -> None:
    rows.reported("bad", "gpu-a", decode_baseline_of=None, role="baseline")
    for _ in range(2):
        _, problems = read_dataset(rows.data, rows.root / "cache")
        assert [problem.field for problem in problems] == ["decode.baseline_of"]


def test_rules_across_files_still_judge_cached_rows(rows: Folder, parsed: list[str]) -> None:
    assert not cross_file_problems(read(rows), TODAY)
    parsed.clear()
    (rows.data / "devices/gpu-a.md").unlink()
    problems = cross_file_problems(read(rows), TODAY)
    assert not parsed
    assert {problem.path for problem in problems} == {
        "data/reported/page/old.json",
        "data/results/gpu-a/new.json",
    }


def test_a_row_that_is_gone_leaves_the_cache(rows: Folder) -> None:
    read(rows)
    (rows.data / "reported/page/old.json").unlink()
    read(rows)
    (kept,) = pickle.loads(cached(rows).read_bytes())["rows"].values()  # noqa: S301 - written a line above
    assert pickle.loads(kept).run.run == "new"  # noqa: S301


def test_a_cache_of_other_code_is_ignored(
    rows: Folder, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(rows)
    parsed.clear()
    monkeypatch.setattr(dataset, "code_digest", lambda: "other code")
    read(rows)
    assert sorted(parsed) == ["new", "old"]
    parsed.clear()
    read(rows)
    assert not parsed


def test_the_code_digest_is_one_of_content() -> None:
    code_digest.cache_clear()
    first = code_digest()
    code_digest.cache_clear()
    assert code_digest() == first
    assert len(first) == 64


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no pickle at all",
        pickle.dumps(["a", "list"]),
        pickle.dumps({"rows": {}}),
        pickle.dumps({"code": code_digest()}),
        pickle.dumps({"code": code_digest(), "rows": 7}),
        b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ],
    ids=["empty", "text", "a list", "no code", "no rows", "rows are a number", "a length beyond all memory"],
)
def test_a_damaged_cache_is_ignored_and_replaced(rows: Folder, parsed: list[str], damage: bytes) -> None:
    good = read(rows)
    parsed.clear()
    cached(rows).write_bytes(damage)
    assert read(rows) == good
    assert sorted(parsed) == ["new", "old"]
    parsed.clear()
    assert read(rows) == good
    assert not parsed


def test_a_cache_cut_short_never_stops_a_build(rows: Folder) -> None:
    good = read(rows)
    whole = cached(rows).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        cached(rows).write_bytes(whole[:place])
        assert read(rows) == good, place


def test_nothing_temporary_is_left_beside_the_cache(rows: Folder) -> None:
    read(rows)
    rows.reported("old", "gpu-a", tok_per_s=50.0)
    read(rows)
    assert [path.name for path in cached(rows).parent.iterdir()] == ["rows.pickle"]


def test_a_broken_device_is_one_problem_and_not_one_for_each_of_its_rows(rows: Folder) -> None:
    (rows.data / "devices/gpu-a.md").write_text("no front matter")
    (line,) = rows.problems()
    assert line.startswith("data/devices/gpu-a.md: file: has no front matter")


def test_a_name_that_is_not_utf_8_is_one_problem(basic: Folder) -> None:
    basic.reported("r", "gpu-a")
    old = basic.data / "reported/page/r.json"
    old.rename(old.with_name(os.fsdecode(b"\xe9.json")))
    _, problems = basic.read()
    assert [problem.field for problem in problems] == ["id"]
    assert str(problems[0]).startswith(r"data/reported/page/\udce9.json: id: differs from the file's name ")
