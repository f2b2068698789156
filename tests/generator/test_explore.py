"""The data of the explored chart: every row that stands, and no column that the chart does not show."""

from __future__ import annotations

import json
from typing import Any

from generator.explore import ADDRESS, COLUMNS, SPEC, explore_files
from tests.generator.examples import Folder, about, samples


def columns(folder: Folder) -> dict[str, list[Any]]:
    ((address, script),) = explore_files(folder.board())
    assert address == ADDRESS
    text = script.decode()
    before, after = 'board.take("explore", ', ");\n"
    assert text.startswith(before)
    assert text.endswith(after)
    told = json.loads(text[len(before) : -len(after)])
    assert told["spec"] == SPEC
    found: dict[str, list[Any]] = told["columns"]
    return found


def test_each_column_has_a_cell_for_each_row(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 123.456789).reported("ref", "gpu-a", 1, role="reference")
    basic.measured("m", "gpu-b", samples([1000, 1000]), decode_depth_tokens=64)
    found = columns(basic)
    assert tuple(found) == COLUMNS
    assert {len(cells) for cells in found.values()} == {3}
    rows = {run: at for at, run in enumerate(found["run"])}
    assert found["tok_per_s"][rows["r"]] == 123.457
    assert found["depth_tokens"][rows["m"]] == about(64)
    assert found["depth_tokens"][rows["r"]] is None
    assert found["model"] == ["Tiny 1K"] * 3
    assert found["device_name"][rows["m"]] == "Device gpu-b"


def test_a_withdrawn_row_is_left_out(basic: Folder) -> None:
    basic.reported("r", "gpu-a").reported("gone", "gpu-a").retract("gone")
    assert columns(basic)["run"] == ["r"]


def test_a_device_without_a_bandwidth_has_no_share_of_it(basic: Folder) -> None:
    found = columns(basic.device("gpu-a", peak_bandwidth=None).reported("r", "gpu-a"))
    assert (found["mbu_percent"], found["peak_gb_per_s"]) == ([None], [None])


def test_no_rows_are_empty_columns(folder: Folder) -> None:
    assert set(map(tuple, columns(folder).values())) == {()}
