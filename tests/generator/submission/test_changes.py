"""What may change beside what: results, devices and entries of the ledger come, and all else stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.generator.submission.conftest import OLD
from tests.generator.submission.judged import asked, asked_once, judge_committed, passed, refused_once
from tests.submissions import DEVICE, PROTOCOL, RUN, SOURCE, Repository, questions, refusals

RULE = "allowed-changes"


def place(run: str) -> str:
    return f"data/results/{DEVICE}/{run}.json"


def test_a_row_alone_is_allowed(repository: Repository) -> None:
    repository.submit(repository.row())
    passed(repository.check())


@pytest.mark.parametrize("committed", [False, True])
def test_a_result_on_file_is_not_edited(with_old: Repository, committed: bool) -> None:
    row = with_old.row(OLD, slower=0.99, submitter="B. Person", measured_at="2026-01-31T12:10:00Z")
    with_old.submit(row)
    found = judge_committed(with_old, committed)
    assert list(found) == [RULE]
    assert found[RULE] == [
        f"{place(OLD)}: file: was changed (got another version); leave it as it is; a wrong row is withdrawn by an "
        "entry in data/retracted.yml"
    ]


@pytest.mark.parametrize("committed", [False, True])
def test_a_result_on_file_is_not_deleted(with_old: Repository, committed: bool) -> None:
    (with_old.root / place(OLD)).unlink()
    found = judge_committed(with_old, committed)
    assert list(found) == [RULE]
    assert f"{place(OLD)}: file: was deleted (got another version)" in found[RULE][0]


@pytest.mark.parametrize("committed", [False, True])
def test_a_result_on_file_is_not_renamed(with_old: Repository, committed: bool) -> None:
    renamed = with_old.row(slower=1.01, submitter="B. Person")
    (with_old.root / place(OLD)).unlink()
    with_old.submit(renamed)
    found = judge_committed(with_old, committed)
    assert list(found) == [RULE]
    assert [line.partition(" (")[0] for line in found[RULE]] == [f"{place(OLD)}: file: was deleted"]


@pytest.mark.parametrize("committed", [False, True])
def test_a_published_row_on_file_is_not_edited(repository: Repository, committed: bool) -> None:
    repository.reported("page-b", "gpu-b", 13.0)
    found = judge_committed(repository, committed)
    assert list(found) == [RULE]
    assert found[RULE][0].startswith("data/reported/page/page-b.json: file: was changed")


@pytest.mark.parametrize("committed", [False, True])
def test_a_link_is_no_row(repository: Repository, committed: bool, tmp_path: Path) -> None:
    file = repository.submit(repository.row())
    file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    found = judge_committed(repository, committed)
    assert set(found) == {RULE, "valid", "seen"}
    assert found[RULE][0].startswith(f"{place(RUN)}: file: is no plain file (got a link,")
    assert "put the file itself there, with mode 644" in found[RULE][0]


@pytest.mark.parametrize("committed", [False, True])
def test_an_executable_row_is_refused(repository: Repository, committed: bool) -> None:
    repository.submit(repository.row()).chmod(0o755)
    found = judge_committed(repository, committed)
    assert list(found) == [RULE]
    assert "one that can be executed" in found[RULE][0]


@pytest.mark.parametrize("committed", [False, True])
def test_another_repository_in_the_place_of_rows_is_refused(repository: Repository, committed: bool) -> None:
    inner = Repository(repository.data / "results/inner")
    inner.root.mkdir(parents=True)
    (inner.root / "row.json").write_text("{}")
    inner.git("init", "--quiet")
    inner.commit()
    found = judge_committed(repository, committed)
    assert found[RULE][0].startswith("data/results/inner")
    assert "a folder of another repository" in " ".join(found[RULE])


@pytest.mark.parametrize(
    "other",
    [
        "README.md",
        SOURCE,
        "data/README.md",
        "data/models/tiny.yml",
        "data/kernels/norm.md",
        "data/emitted/index.json",
        "data/reproduce/index.json",
        ".gitattributes",
        ".gitmodules",
        ".github/workflows/validate.yml",
        "data/resultsx/a.json",
    ],
)
def test_nothing_else_comes_beside_a_row(repository: Repository, other: str) -> None:
    repository.submit(repository.row())
    path = repository.root / other
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b"\n")
    line = refused_once(repository.check(), RULE)
    assert line.startswith(f"{other}: file: is no part of a submission (got a file ")
    assert "propose it in a pull request of its own" in line


def test_a_device_on_file_is_not_edited_beside_a_row(repository: Repository) -> None:
    repository.submit(repository.row())
    repository.device("gpu-b", notes="faster than they say")
    assert refused_once(repository.check(), RULE) == (
        "data/devices/gpu-b.md: file: was changed beside new rows (got another version); propose it in a pull "
        "request of its own, or do not commit it; this one adds to the record"
    )


def test_a_device_on_file_that_is_edited_alone_is_no_submission(repository: Repository) -> None:
    repository.device("gpu-b", notes="faster than they say")
    assert repository.check()["verdict"] == "nothing submitted"


@pytest.mark.parametrize("kind", ["attributes", "modules"])
def test_what_steers_git_is_no_row(repository: Repository, kind: str) -> None:
    path = repository.data / f"results/.git{kind}"
    path.parent.mkdir(parents=True)
    path.write_text("* -text\n")
    found = refusals(repository.check())
    assert set(found) == {RULE, "valid", "seen"}
    assert "has a name that not every system keeps (got '.' in it)" in found[RULE][0]


@pytest.mark.parametrize(
    "name",
    [
        "Data/Results/gpu-a/x.json",
        "data/RESULTS/gpu-a/x.json",
        "data/results/GPU-A/x.json",
        "data/results/gpu-a/X.json",
        "data/results/gpu-a/x.JSON",
        "data/Reported/page/x.json",
        "data/Retracted.yml",
        "data/Devices/gpu-c.md",
        "data/re\u017fults/gpu-a/x.json",
        "data/results/gpu-a/x\n.json",
        "data/results/gpu-a/x\x1b[31m.json",
        "data/results/gpu-a/\u202ejson.x",
        "data/results/gpu-a/x y.json",
        os.fsdecode(b"data/results/gpu-a/\xff\xfe.json"),
        os.fsdecode(b"data/devices/\xff.md"),
    ],
)
def test_a_name_that_some_system_cannot_keep_is_refused(repository: Repository, name: str) -> None:
    path = repository.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    report = repository.check()
    (line,) = refusals(report)[RULE]
    assert "has a name that not every system keeps" in line
    assert line.isprintable()
    assert line.isascii() or "\u017f" in line


@pytest.mark.parametrize(("count", "allowed"), [(40, True), (41, False)])
def test_forty_files_are_as_many_as_one_looks_at(repository: Repository, count: int, allowed: bool) -> None:
    for number in range(count):
        repository.device(f"new-{number}", name=f"Xn {'abcdefghjk'[number % 10]}{'qwertzupmy'[number // 10]}")
    report = repository.check()
    if allowed:
        assert refusals(report) == {}
    else:
        assert "are too many to look at (got 41); submit at most 40 at once" in refused_once(report, RULE)


def test_of_too_many_rows_none_is_read(repository: Repository) -> None:
    for number in range(41):
        repository.put(f"results/{DEVICE}/{number}.json", {})
    report = repository.check()
    assert "(got 41)" in refused_once(report, RULE)
    assert report["previews"] == []


# --- what a person looks at -----------------------------------------------------------------------


def test_a_new_device_is_for_a_person(repository: Repository) -> None:
    repository.device("npu-c")
    line = asked_once(repository.check(), "new-device")
    assert line.startswith("data/devices/npu-c.md: peak_bandwidth: is new (got 300 GB/s by https://")


def test_a_new_device_without_bandwidth_ranks_no_row(repository: Repository) -> None:
    run = "npu-c-f16-20260201t120000z"
    repository.device("npu-c", peak_bandwidth=None)
    row = repository.row(run, device="npu-c")
    repository.submit(row | {"environment": row["environment"] | {"device_name": "Device npu-c"}})
    report = repository.check()
    assert "(got none, so its rows carry no rank)" in asked_once(report, "new-device")
    (preview,) = report["previews"]
    assert preview["unranked"] == "nobody has filed its device's bandwidth"
    assert (preview["after"], preview["mbu_percent"]) == (None, None)


def test_a_published_figure_is_for_a_person(repository: Repository) -> None:
    repository.reported("page-c", "gpu-a", 6.0)
    line = asked_once(repository.check(), "published-figure")
    assert line == (
        "data/reported/page/page-c.json: source.url: is a publication's (got table 2, row 3); compare it with "
        "https://example.org/page?x=1#table-2"
    )


def test_a_change_that_is_no_row_submits_nothing(repository: Repository) -> None:
    (repository.root / SOURCE).write_text("better")
    report = repository.check()
    assert report["verdict"] == "nothing submitted"
    assert (report["changes"], report["rules"], report["previews"]) == (1, [], [])


def test_no_change_submits_nothing(repository: Repository) -> None:
    assert repository.check()["verdict"] == "nothing submitted"


def test_several_rows_are_judged_at_once(repository: Repository) -> None:
    repository.submit(repository.row())
    other = f"{DEVICE}-f16-20260202t120000z"
    repository.submit(
        repository.row(
            other, slower=1.01, submitter="B. Person", measured_at="2026-02-02T12:10:00Z", quick=True
        )
    )
    repository.reported("page-c", "gpu-a", 6.0)
    report = repository.check()
    assert list(refusals(report)) == ["not-quick"]
    assert list(questions(report)) == ["published-figure", "several-submitters"]
    assert [preview["run"] for preview in report["previews"]] == ["page-c", RUN, other]


def test_a_new_device_may_bring_what_strangers_type_there(repository: Repository) -> None:
    repository.device("npu-c").instructions("npu-c", protocol=PROTOCOL)
    access, _ = asked(repository.check(), "new-device")
    assert access.startswith("data/devices/npu-c.md: access: tells strangers what to type")


def test_beside_a_row_what_strangers_type_and_the_protocol_stay(repository: Repository) -> None:
    repository.submit(repository.row())
    repository.device("npu-c").instructions("npu-c", protocol=PROTOCOL | {"repetitions": 1})
    lines = refusals(repository.check())[RULE]
    assert [line.split(":")[0] for line in lines] == [
        "data/reproduce/index.json",
        "data/reproduce/npu-c.ipynb",
        "data/reproduce/npu-c.sky.yaml",
    ]
