"""What is stale is found by the check for it and by no other; what is history or fresh is left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from generator.doctor import CHECKS, Examined, examine
from tests.generator.examples import (
    Folder,
    check,
    kernel_source,
    samples,
    sha256,
    timing,
    timings,
)
from tests.schemas import examples

SOURCE = "kernels/source.py"
DAY = date(2024, 6, 1)  # three months after that of the examples


@pytest.fixture
def fresh(folder: Folder) -> Folder:
    """A record of which only the reproduction is missing: one device, one model, one measured row."""
    page = {"title": "t", "url": "https://example.org"}
    folder.device("gpu-a", sources=[page]).model().kernel("norm").emitted({("norm", "lang-a"): "now\n"})
    folder.proof("norm", "lang-a", "now\n", check())
    (folder.root / "kernels").mkdir()
    (folder.root / SOURCE).write_text("source\n")
    return measured(folder, "row")


def measured(
    folder: Folder, name: str, text: str = "now\n", source: str = "source\n", **changes: Any
) -> Folder:
    ran = timings(timing("norm", ns=[900, 950], emitted_sha256=sha256(text)))
    made_of = kernel_source(None, sha256(source)) | {"path": SOURCE}
    facts: dict[str, Any] = {"kernel_source": made_of, "decode_depth_tokens": 4, "submitter": "one"}
    return folder.measured(name, changes.pop("device", "gpu-a"), samples([30_000]), ran, **(facts | changes))


def found(folder: Folder, today: date = DAY) -> Mapping[str, list[str]]:
    """The findings of each check that has some."""
    checked = examine(Examined(folder.board(), folder.root, today))
    return {one.id: [str(finding) for finding in findings] for one, findings in checked if findings}


def others(folder: Folder, today: date = DAY) -> Mapping[str, list[str]]:
    """The same without rows that nobody has reproduced."""
    return {name: lines for name, lines in found(folder, today).items() if name != "not-reproduced"}


def test_a_fresh_record_has_nothing_but_what_others_must_do(fresh: Folder) -> None:
    assert list(found(fresh)) == ["not-reproduced"]


def test_an_empty_record_has_no_finding(folder: Folder) -> None:
    assert found(folder) == {}


def test_checks_have_ids_of_their_own() -> None:
    assert len({one.id for one in CHECKS}) == len({one.title for one in CHECKS}) == len(CHECKS)


def test_a_row_of_a_text_that_is_emitted_no_more(fresh: Folder) -> None:
    measured(fresh, "old", "then\n", submitter="two")
    (line,) = others(fresh)["changed-texts"]
    assert line.startswith(
        "data/results/gpu-a/old.json: kernels.timings: ran texts that are emitted no more "
    )
    assert "(got 1 of 1: norm); measure again: `" in line
    assert list(others(fresh)) == ["changed-texts"]


def test_a_text_of_another_model_s_size_is_of_no_known_age(fresh: Folder) -> None:
    fresh.emitted({("norm", "lang-a"): "now\n"}, model="other").model("other")
    measured(fresh, "old", "then\n", submitter="two")
    assert "changed-texts" not in others(fresh)


def test_a_row_of_an_older_kernel_source(fresh: Folder) -> None:
    measured(fresh, "old", source="older\n", submitter="two")
    (line,) = others(fresh)["changed-source"]
    now, then = sha256("source\n")[:12], sha256("older\n")[:12]
    assert (
        f"kernel_source.sha256: is not that of {SOURCE} any more (got {then}, now {now}); measure again"
        in line
    )
    assert list(others(fresh)) == ["changed-source"]


@pytest.mark.parametrize("path", ["../outside.py", "/etc/hostname", "gone.py", "kernels", None])
def test_only_a_file_of_the_checkout_is_compared(fresh: Folder, path: str | None) -> None:
    (fresh.root.parent / "outside.py").write_text("outside")
    measured(fresh, "row", kernel_source=kernel_source(None, sha256("x")) | {"path": path})
    assert others(fresh) == {}


def test_a_source_that_states_a_revision_alone_is_not_compared(fresh: Folder) -> None:
    measured(fresh, "row", kernel_source=kernel_source("0123abc") | {"path": SOURCE})
    assert others(fresh) == {}


def test_proofs_of_texts_that_are_emitted_no_more_are_one_line_a_language(fresh: Folder) -> None:
    fresh.proof("norm", "lang-a", "then\n", check())
    assert others(fresh) == {
        "old-proofs": [
            "data/emitted/proof.json: proofs: are of other texts in 'lang-a' than the index has (got 1: norm); "
            "run `python -m pytest tests/runners/kernels --write-proof`"
        ]
    }


def test_facts_without_a_source(fresh: Folder) -> None:
    fresh.device("gpu-a", sources=[], memory_gb=24, tdp_w=None)
    (line,) = others(fresh)["no-source"]
    assert line.startswith("data/devices/gpu-a.md: sources: state memory_gb without a source (got none); ")
    fresh.device("gpu-a", sources=[], memory_gb=None, tdp_w=None)
    assert "no-source" not in others(fresh), "its bandwidth has a source of its own"


def test_a_device_of_which_nobody_says_anything(fresh: Folder) -> None:
    nothing: dict[str, Any] = {
        "sources": [],
        "memory_gb": None,
        "tdp_w": None,
        "peak_bandwidth": None,
        "reproduction": None,
    }
    fresh.device("gpu-b", **nothing).reported("r", "gpu-b", 9)
    (line,) = others(fresh)["no-source"]
    assert line.startswith("data/devices/gpu-b.md: sources: state nothing that has a source (got none); ")


def test_a_device_whose_rows_are_not_ranked(fresh: Folder) -> None:
    fresh.device("gpu-b", peak_bandwidth=None).reported("r", "gpu-b", 9)
    (line,) = others(fresh)["no-bandwidth"]
    said = "is unknown, so that none of its rows is ranked (got null, 1 contender)"
    assert line.startswith(f"data/devices/gpu-b.md: peak_bandwidth: {said}; ")


def test_a_device_that_others_are_only_divided_by_needs_no_bandwidth(fresh: Folder) -> None:
    fresh.device("gpu-b", peak_bandwidth=None).reported("r", "gpu-b", 9, role="reference")
    assert others(fresh) == {}


def test_a_row_that_nobody_has_reproduced_says_what_to_run(fresh: Folder) -> None:
    (line,) = found(fresh)["not-reproduced"]
    assert line == (
        "data/results/gpu-a/row.json: submitter: is the only one who measured this (got 'one'); "
        "ask somebody who has one: `python -m runners list`"
    )
    runner = examples.reproduce()["runners"][0] | {"id": "example-runner"}
    fresh.instructions(runners=[runner])
    (line,) = found(fresh)["not-reproduced"]
    assert line.endswith("; ask somebody who has one: `python -m runners.example --baseline all`")


def test_a_reproduced_row_is_no_finding_and_a_contradicted_one_is(fresh: Folder) -> None:
    fresh.measured("twin", "gpu-a", samples([30_100]), decode_depth_tokens=4, submitter="two")
    assert found(fresh) == {}
    fresh.measured("twin", "gpu-a", samples([40_000]), decode_depth_tokens=4, submitter="two")
    lines = found(fresh)["not-reproduced"]
    assert ["is contradicted by 1 other, all more than 5 % off (got 'one')" in line for line in lines] == [
        True,
        False,
    ]


def test_a_device_without_a_row(fresh: Folder) -> None:
    fresh.device("gpu-b", sources=[{"title": "t", "url": "https://example.org"}])
    (line,) = others(fresh)["idle-devices"]
    assert line == (
        "data/devices/gpu-b.md: file: has no row (got 'Device gpu-b'); "
        "draft a published figure: `python -m generator new-result --reported`"
    )
    fresh.instructions()
    assert "; measure it (`" in others(fresh)["idle-devices"][0]


def test_a_model_without_a_row(fresh: Folder) -> None:
    fresh.model("other")
    assert list(others(fresh)) == ["idle-models"]
    assert others(fresh)["idle-models"][0].startswith(
        "data/models/other.yml: file: has no row (got 'other'); "
    )


def test_a_model_with_kernels_alone_has_a_row(fresh: Folder) -> None:
    fresh.model("other").reported("k", "gpu-a", None, timings(timing("norm", us=3), model="other"))
    assert others(fresh) == {}


def test_a_publication_is_one_line_however_many_its_rows_and_its_last_reading_counts(fresh: Folder) -> None:
    source = {"title": "t", "url": "https://example.org/p", "locator": "l", "published": None}
    for name, day in (("a", "2026-01-01"), ("b", "2026-02-01")):
        fresh.reported(name, "gpu-a", 9, source=source | {"retrieved": day})
    assert "old-publications" not in others(fresh, date(2027, 2, 1))
    (line,) = others(fresh, date(2027, 2, 2))["old-publications"]
    assert line.startswith(
        "data/reported/page/: source.retrieved: is more than a year ago (got 2026-02-01, 2 files); "
    )
    assert "https://example.org/p" in line


def test_a_measurement_of_more_than_a_year_ago(fresh: Folder) -> None:
    measured(fresh, "row", measured_at="2026-01-01T00:00:00Z")
    assert "old-measurements" not in others(fresh, date(2027, 1, 1))
    (line,) = others(fresh, date(2027, 1, 2))["old-measurements"]
    assert line.startswith(
        "data/results/gpu-a/row.json: measured_at: is more than a year ago (got 2026-01-01, "
    )
    assert "; measure again: `" in line


def stale(folder: Folder, name: str, **changes: Any) -> Folder:
    """A row that three checks would find."""
    return measured(folder, name, "then\n", "older\n", measured_at="2026-01-01T00:00:00Z", **changes)


def test_three_checks_find_a_row_that_is_stale_in_three_ways(fresh: Folder) -> None:
    stale(fresh, "old", submitter="two")
    lines = {
        name: rows
        for name, rows in others(fresh, date(2027, 2, 1)).items()
        if any("old.json" in row for row in rows)
    }
    assert list(lines) == ["changed-texts", "changed-source", "old-measurements"]


@pytest.mark.parametrize("kind", ["superseded", "retracted", "quick", "baseline"])
def test_what_is_history_or_stands_beside_another_row_is_left_alone(fresh: Folder, kind: str) -> None:
    fresh = measured(fresh, "row", measured_at="2026-05-01T00:00:00Z")
    if kind == "superseded":
        stale(fresh, "old")
    elif kind == "retracted":
        stale(fresh, "old", submitter="two").retract("old")
    elif kind == "quick":
        stale(fresh, "old", submitter="two", quick=True)
    else:
        stale(fresh, "old", role="baseline", decode_baseline_of="row")
    assert not [
        line for lines in found(fresh, date(2027, 3, 1)).values() for line in lines if "old.json" in line
    ]


def test_a_withdrawn_figure_makes_no_publication_old(fresh: Folder) -> None:
    fresh.reported("r", "gpu-a", 9).retract("r")
    assert "old-publications" not in others(fresh, date(2030, 1, 1))


def test_a_linked_source_outside_of_the_checkout_is_not_read(fresh: Folder, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("other")
    (fresh.root / SOURCE).unlink()
    (fresh.root / SOURCE).symlink_to(outside)
    assert hashlib.sha256(b"other").hexdigest() not in str(found(fresh))
    assert others(fresh) == {}
