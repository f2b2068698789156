"""Names that could be taken for others', and what a machine tells of its owner."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.submission.judged import asked_once, judged, passed, refused, refused_once
from tests.submissions import DEVICE, RUN, Data, Repository, refusals

OLD = f"{DEVICE}-f16-20260131t120000z"
PLACE = f"data/results/{DEVICE}/{RUN}.json"


@pytest.fixture
def with_ann(repository: Repository) -> Repository:
    """A record with a row of Ann Miller's."""
    repository.submit(
        repository.row(OLD, slower=1.01, submitter="Ann Miller", measured_at="2026-01-31T12:10:00Z")
    )
    repository.commit()
    return repository


@pytest.mark.parametrize("name", ["Ann Miller", "Ann Mill", "Bob", "Анна", "李雷", "José Miller"])
def test_a_name_of_its_own_passes(with_ann: Repository, name: str) -> None:
    row = with_ann.row(f"{DEVICE}-f16-20260202t120000z", submitter=name, measured_at="2026-02-02T12:10:00Z",
                       decode_depth_tokens=9)  # fmt: skip
    asked_once(judged(with_ann, row), "another-depth")


@pytest.mark.parametrize(
    "name", ["ann miller", "AnnMiller", "Ann  Miller.", "Ann Mi11er", "Änn Miller", "Ann MiIler"]
)
def test_a_name_that_reads_as_another_persons_is_refused(with_ann: Repository, name: str) -> None:
    line = refused_once(judged(with_ann, with_ann.row(submitter=name)), "own-names")
    assert line == (
        f"{PLACE}: submitter: looks like another name (got '{name}'); write 'Ann Miller', if that is meant"
    )


@pytest.mark.parametrize("name", ["@octocat", "https://example.org", 'A" onclick="x', "{{ 7 * 6 }}", "a|b"])
def test_what_is_no_name_is_refused(repository: Repository, name: str) -> None:
    line = refused_once(judged(repository, repository.row(submitter=name)), "own-names")
    assert ": submitter: is no name (got '" in line


def test_a_name_in_two_scripts_is_refused(with_ann: Repository) -> None:
    lines = refused(judged(with_ann, with_ann.row(submitter="\u0410nn Miller")), "own-names")
    assert "submitter: looks like another name" in lines[0]
    assert "mixes letters of several scripts in a word (got '\\u0410nn Miller')" in lines[1]


def test_two_new_rows_do_not_share_a_look(repository: Repository) -> None:
    repository.submit(repository.row(submitter="Ann Miller"))
    other = repository.row(f"{DEVICE}-f16-20260202t120000z", slower=1.01, submitter="ANN MILLER",
                           measured_at="2026-02-02T12:10:00Z")  # fmt: skip
    assert "write 'Ann Miller', if that is meant" in refused_once(judged(repository, other), "own-names")


def test_a_stack_that_reads_as_another_one_is_refused(with_ann: Repository) -> None:
    row = with_ann.row(stack=with_ann.row()["stack"] | {"name": "decode board"})
    with_ann.submit(row)
    found = refusals(with_ann.check())
    assert set(found) == {"own-names", "runner"}
    assert (
        "stack.name: looks like another name (got 'decode board'); write 'Decode Board'"
        in found["own-names"][0]
    )
    assert "stack.name: does not fit a contender (got 'decode board')" in found["runner"][0]


def test_a_publication_may_have_written_a_stack_otherwise(repository: Repository) -> None:
    stack = repository.row()["stack"] | {"name": "decode board"}
    repository.reported("page-c", "gpu-a", 6.0, stack=stack)
    repository.commit()
    passed(judged(repository, repository.row()))


def test_a_machine_whose_name_mixes_scripts_is_refused(repository: Repository) -> None:
    row = repository.row()
    row["environment"]["device_name"] = "D\u0435vice gpu-a"
    assert "environment.device_name: mixes letters" in " ".join(refused(judged(repository, row), "own-names"))


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": "DEVICE GPU-A"}, "name"),
        ({"name": "Device \u0261pu-a"}, "name"),
        ({"aliases": ["gpua"]}, "aliases[0]"),
    ],
)
def test_a_device_that_reads_as_another_one_is_refused(
    repository: Repository, facts: Data, field: str
) -> None:
    repository.device("npu-c", **facts)
    lines = refused(repository.check(), "own-names")
    assert any(line.startswith(f"data/devices/npu-c.md: {field}: looks like another name") for line in lines)


def test_a_device_whose_id_reads_as_another_ones_is_refused(repository: Repository) -> None:
    repository.device("gpua", name="Another one")
    line = refused_once(repository.check(), "own-names")
    assert (
        line
        == "data/devices/gpua.md: id: looks like another name (got 'gpua'); write 'gpu-a', if that is meant"
    )


def test_a_device_of_its_own_passes(repository: Repository) -> None:
    repository.device("npu-c", aliases=["npu-c-max"])
    asked_once(repository.check(), "new-device")


# --- private --------------------------------------------------------------------------------------


def put(row: Data, field: str, text: str) -> Data:
    *parts, last = field.split(".")
    inner: Any = row
    for part in parts:
        inner = inner[int(part) if part.isdecimal() else part]
    inner[last] = text
    return row


@pytest.mark.parametrize(
    ("field", "text", "got"),
    [
        ("environment.command", "python -m runners.example --weights /home/ann/model", "/home/"),
        ("environment.command", "python -m runners.example --weights /models/ann/r1", "/models/"),
        ("environment.command", "python -m runners.example --weights=/lustre/ann/r1", "/lustre/"),
        ("environment.command", "python -m runners.example --weights ~/model", "~/"),
        ("environment.command", "python -m runners.example --weights ~ann/model", "~ann/"),
        ("environment.command", "python -m runners.example --weights C:\\Users\\ann", "C:\\"),
        ("environment.os", "Linux ann@laptop", "ann@laptop"),
        ("environment.driver", "built in /Users/ann/driver", "/Users/"),
        ("environment.cpu_model", "of ann@example.org", "ann@example"),
        ("environment.runner_version", "1 (/root/board)", "/root/"),
        ("environment.toolchain.0.version", "12.1 \\\\server\\share", "\\\\s"),
        ("environment.toolchain.0.name", "/home/ann/bin/cc", "/home/"),
        ("stack.toolchain", "cc of /home/ann/bin", "/home/"),
        ("kernels.timings.0.implementation", "see /home/ann/kernel", "/home/"),
        ("notes", "See /mnt/ann/log.", "/mnt/"),
        ("notes", "Ask ann.miller@example.org", "ann.miller@example"),
    ],
)
def test_what_tells_of_a_person_is_refused(repository: Repository, field: str, text: str, got: str) -> None:
    line = refused_once(judged(repository, put(repository.row(), field, text)), "nothing-private")
    assert f": tells a path, a user or an address (got '{got}…'); measure again without it" in line
    assert "ann/model" not in line


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("environment.command", "python -m runners.example --weights models/r1 --threads 8"),
        ("environment.command", "python -m runners.example --cc /usr/bin/cc"),
        ("environment.os", "Linux 6.1 / glibc 2.36"),
        ("environment.cpu_model", "Example CPU @ 2.20GHz"),
        ("environment.cpu_model", "Example CPU 7B12@2.2GHz"),
        ("notes", "Ran at ~8 % less, 12 tok/s and/or 80 GB/s, see https://example.org/home/page."),
        ("kernels.timings.0.implementation", "tile/row/column"),
    ],
)
def test_what_tells_of_a_machine_passes(repository: Repository, field: str, text: str) -> None:
    passed(judged(repository, put(repository.row(), field, text)))
