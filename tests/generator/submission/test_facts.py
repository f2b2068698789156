"""A preview in words."""

from __future__ import annotations

import pytest

from generator.submission.facts import excerpt, facts, place
from tests.generator.submission.reports import drift, neighbour, place_of, preview
from tests.submissions import Data


def said(about: str, **changes: object) -> list[str]:
    return [text for name, text in facts(preview(**changes)) if name == about]


@pytest.mark.parametrize(
    ("about", "changes", "text"),
    [
        ("figure", {}, "10 tok/s (9.5 to 10.5), TPOT 100 ms, MBU 61.2 %"),
        ("figure", {"tok_per_s_low": 10.0, "tok_per_s_high": 10.0, "mbu_percent": None}, "10 tok/s, TPOT 100 ms"),
        ("of", {}, "gpu-a, tiny, f16, depth 1,280 tokens, by an emitter"),
        ("of", {"depth_tokens": None}, "gpu-a, tiny, f16, depth not stated, by an emitter"),
        ("provenance", {}, "measured by A. Person"),
        ("provenance", {"provenance": "reported", "submitter": None}, "reported"),
        ("rank", {}, "4 (3–5) of 9; its device's best row is 5 of 9 today"),
        ("rank", {"before": None}, "4 (3–5) of 9; its device has no ranked row today"),
        ("rank", {"after": None, "unranked": "it is a quick run"}, "none, as it is a quick run; its device's best "
         "row is 5 of 9 today"),
        ("rank", {"after": None}, "none, as nobody says why; its device's best row is 5 of 9 today"),
        ("comes after", {"above": neighbour("run-2")}, "run-2 (gpu-b, 12.35 tok/s)"),
        ("comes before", {"below": neighbour("run-3")}, "run-3 (gpu-b, 12.35 tok/s)"),
        ("baseline of", {"baseline_of": {"run": "run-3", "tok_per_s": 12.3456, "times": 1.23456}},
         "run-3 (12.35 tok/s), which is 1.23× this baseline"),
        ("baseline of", {"baseline_of": {"run": "run-3", "tok_per_s": None, "times": None}},
         "run-3, whose figure is not known"),
        ("supersedes", {"supersedes": ["run-4", "run-5"]}, "run-4, run-5"),
        ("reproduced", {}, "not yet: nobody else has measured this device, model, storage type, depth and stack"),
        ("reproduced", {"provenance": "reported"}, "no: a published figure has no samples to compare"),
        ("reproduced", {"drifts": [drift("run-6", -2.04), drift("run-7", 20.0, within=False)]},
         "within 5 % of run-6 by B. Person (−2.0 %)"),
        ("reproduced", {"drifts": [drift("run-7", 20.04, within=False)]},
         "no: nobody is within 5 %; nearest are run-7 by B. Person (+20.0 %)"),
        ("reproduced", {"drifts": [drift("page", 1.0, published=True)]},
         "not yet: nobody else has measured this device, model, storage type, depth and stack"),
        ("published", {"drifts": [drift("page", 1.0, published=True)]}, "page by B. Person (+1.0 %)"),
        ("compares", {"above": neighbour("run-2", "with care: depth (8, 9)")}, "to run-2: with care: depth (8, 9)"),
        ("compares", {"above": neighbour("run-2"), "below": neighbour("run-3")}, "to both: like for like"),
    ],
)  # fmt: skip
def test_what_is_said(about: str, changes: Data, text: str) -> None:
    assert said(about, **changes) == [text]


@pytest.mark.parametrize("percent", [-0.04, 0.04, 0.0, -0.0])
def test_a_drift_that_is_nothing_once_rounded_has_no_sign(percent: float) -> None:
    assert said("reproduced", drifts=[drift("run-6", percent)]) == [
        "within 5 % of run-6 by B. Person (0.0 %)"
    ]


def test_neighbours_that_compare_otherwise_are_told_one_by_one() -> None:
    beside = {"above": neighbour("run-2", "with care: depth (8, 9)"), "below": neighbour("run-3")}
    assert said("compares", **beside) == ["to run-2: with care: depth (8, 9)", "to run-3: like for like"]


@pytest.mark.parametrize(
    "about", ["comes after", "comes before", "baseline of", "supersedes", "published", "compares"]
)
def test_what_there_is_not_is_not_said(about: str) -> None:
    assert said(about) == []


def test_the_board_around_a_row() -> None:
    rows = list(excerpt(preview(above=neighbour("run-2"), below=neighbour("run-3", place=None))))
    assert rows == [
        ("3", "gpu-b", "12.35", False),
        ("4 (3–5)", "gpu-a", "10", True),
        ("–", "gpu-b", "12.35", False),
    ]


def test_the_board_around_a_row_without_rank() -> None:
    assert list(excerpt(preview(after=None))) == [("–", "gpu-a", "10", True)]


def test_a_place_has_a_range_where_intervals_overlap() -> None:
    assert place(place_of(4)) == "4"
    assert place(place_of(4, 2, 7)) == "4 (2–7)"
