"""A device's draft is valid whatever is known of it, and says of each field what it is for."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.device_draft import device_draft
from schemas.load import DEVICE, parse
from schemas.problems import Problem
from schemas.records import Bandwidth, Device, Reference

REFERENCE = {"title": "a # page", "url": "https://example.org"}


def read(text: str) -> Device:
    found = parse(text.encode(), DEVICE, "data/devices/some-x1.md", "some-x1")
    assert isinstance(found, Device), found
    return found


def test_a_draft_of_nothing_but_names_is_valid_and_leaves_all_else_open() -> None:
    found = read(device_draft("some-x1", "Some X1", "GPU", "Notes.\n"))
    assert (found.id, found.name, found.type, found.notes) == ("some-x1", "Some X1", "GPU", "Notes.")
    assert (found.vendor, found.memory_gb, found.tdp_w, found.peak_bandwidth) == (None, None, None, None)
    assert (found.aliases, found.sources, found.languages, found.reproduction) == ((), (), (), None)


def test_what_is_known_stands_in_it() -> None:
    bandwidth = {"gb_per_s": 1e16 / 1e13, "what": "all", "source": REFERENCE}
    known: dict[str, Any] = {
        "vendor": "Some",
        "memory_gb": 24.5,
        "other_bandwidths": [bandwidth],
        "aliases": ["x-1"],
    }
    found = read(device_draft("some-x1", "X1", "NPU", "", known))
    assert (found.vendor, found.memory_gb, found.aliases) == ("Some", 24.5, ("x-1",))
    assert found.other_bandwidths == (Bandwidth(1000, "all", Reference(**REFERENCE)),)


@pytest.mark.parametrize(
    "name",
    [
        "no",
        "null",
        "True",
        "Y",
        "1e5",
        "2024-01-01",
        "a: b # c",
        "'q'",
        'a "b" \\c',
        "{id}",
        "- x",
        "x -",
        "M (2)",
        "é",
    ],
)
def test_a_name_stays_text(name: str) -> None:
    assert read(device_draft("some-x1", name, "GPU", "")).name == name


@pytest.mark.parametrize("device_id", ["1e5", "123", "null", "true"])
def test_an_id_stays_text(device_id: str) -> None:
    found = parse(device_draft(device_id, "x", "CPU", "").encode(), DEVICE, "p", device_id)
    assert isinstance(found, Device)


def test_plain_words_are_written_as_people_write_them() -> None:
    lines = device_draft("some-x1", "Some X1 (80 GB)", "GPU", "").splitlines()
    assert "id: some-x1               # the file's name without .md" in lines
    assert [line for line in lines if line.startswith("name: Some X1 (80 GB) ")]


def test_the_example_of_a_bandwidth_is_refused_until_it_is_filled_in() -> None:
    text = device_draft("some-x1", "X1", "GPU", "")
    example = text.replace("# peak_bandwidth: {", "peak_bandwidth: {").replace("peak_bandwidth: null\n", "")
    found = parse(example.encode(), DEVICE, "p", "some-x1")
    assert isinstance(found, list)
    assert all(isinstance(problem, Problem) for problem in found)
    assert "peak_bandwidth.gb_per_s" in {problem.field for problem in found}
