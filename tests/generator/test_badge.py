"""Badges: a row's figure elsewhere, with how it came about."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest

from generator.badge import badge_files
from generator.tables import Board
from tests.generator.examples import Folder, picture, samples, texts
from tests.schemas import examples


def badges(folder: Folder) -> dict[str, str]:
    return {address: content.decode() for address, content in badge_files(folder.board())}


def said(folder: Folder, run: str = "r") -> str:
    """The value on the badge of a run."""
    return texts(badges(folder)[f"rows/{run}/badge.svg"])[1]


def test_a_badge_has_figure_device_and_provenance(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 16.24)
    assert texts(badges(basic)["rows/r/badge.svg"]) == ["Decode Board", "16.2 tok/s, Device gpu-a, reported"]


def test_a_badge_says_what_a_reader_must_know(basic: Folder) -> None:
    for run, who, ns, day in (
        ("a", "A", 1000, 1),
        ("b", "B", 1010, 1),
        ("old", "C", 990, 1),
        ("c", "C", 2000, 2),
    ):
        at = f"2026-01-0{day}T00:00:00Z"
        basic.measured(run, "gpu-a", samples([ns]), submitter=who, measured_at=at)
    basic.reported("gone", "gpu-a").retract("gone").reported("ref", "gpu-b", role="reference")
    basic.measured("quick", "gpu-b", samples([3000]), quick=True, submitter="D")
    basic.measured("wrong", "gpu-b", samples([3000]), decode_numerics_ok=False, submitter="E")
    contract = examples.reported()["decode"]["contract"] | {"tokenization": "included"}
    basic.reported("more", "gpu-b", decode_contract=contract)
    runs = ("a", "old", "c", "gone", "ref", "quick", "wrong", "more")
    assert {run: said(basic, run).rpartition(", ")[2] for run in runs} == {
        "a": "reproduced", "old": "superseded", "c": "measured", "gone": "withdrawn", "ref": "reported reference",
        "quick": "quick run", "wrong": "fails its check", "more": "another step",
    }  # fmt: skip


def test_a_device_has_the_badge_of_its_best_ranked_row(basic: Folder) -> None:
    basic.reported("best", "gpu-a", 30.0).reported("more", "gpu-a", 20.0).reported("gone", "gpu-a", 40.0)
    basic.retract("gone").reported("ref", "gpu-b", role="reference")
    found = badges(basic)
    assert found["devices/gpu-a/badge.svg"] == found["rows/best/badge.svg"]
    assert "devices/gpu-b/badge.svg" not in found
    basic.reported("better", "gpu-a", 35.0)
    assert badges(basic)["devices/gpu-a/badge.svg"] == badges(basic)["rows/better/badge.svg"]


def test_rows_of_kernels_alone_have_no_badge(built: Folder) -> None:
    assert "rows/top/badge.svg" in badges(built)
    assert "rows/micro-a/badge.svg" not in badges(built)


def test_a_screen_reader_hears_one_picture_with_its_words(basic: Folder) -> None:
    root = picture(badges(basic.reported("r", "gpu-a", 7.0))["rows/r/badge.svg"])
    words = "Decode Board: 7.0 tok/s, Device gpu-a, reported"
    assert (root.get("role"), root.get("aria-label")) == ("img", words)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == words


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"/><a href="x', "A & B ' C", "&lt;"])
def test_a_name_is_text_whatever_is_in_it(basic: Folder, name: str) -> None:
    board = named(basic, name)
    (content, _) = (content.decode() for _, content in badge_files(board))
    root = picture(content)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {
        "svg",
        "title",
        "clipPath",
        "rect",
        "g",
        "text",
    }
    assert name in texts(content)[1]


def named(basic: Folder, name: str) -> Board:
    """A board whose one row stands for a device of this name, past every check."""
    board = basic.reported("r", "gpu-a", 7.0).board()
    return replace(board, decode=board.decode.assign(device_name=name))


def test_a_badge_asks_nobody_for_anything(basic: Folder) -> None:
    content = badges(basic.reported("r", "gpu-a", 7.0))["rows/r/badge.svg"]
    assert "http" not in content.replace("http://www.w3.org/2000/svg", "")
    assert not {"href", "src", "style"} & {
        key for element in picture(content).iter() for key in element.attrib
    }


def width(svg: str) -> float:
    return float(picture(svg).get("width", 0))


def test_a_longer_text_has_a_wider_badge_that_holds_it(basic: Folder) -> None:
    found = {}
    for name in ("ii", "MM", "MMMM", "电脑", "M" * 300):
        (content, _) = (content.decode() for _, content in badge_files(named(basic, name)))
        found[name] = width(content)
        *_, value = picture(content).iter("{http://www.w3.org/2000/svg}text")
        assert inside(value, found[name])
    assert found["ii"] < found["MM"] < found["电脑"] < found["MMMM"]
    assert found["M" * 300] < 600  # cut


def inside(text: ET.Element, whole: float) -> bool:
    return float(text.get("x", 0)) + float(text.get("textLength", 1e9)) < whole


def test_an_empty_board_has_no_badge(folder: Folder) -> None:
    board = folder.board()
    assert isinstance(board.decode, pd.DataFrame)
    assert list(badge_files(board)) == []
