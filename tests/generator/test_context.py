"""What every template sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator.beside import Helper
from generator.charts.svg import Charts
from generator.context import site_context
from tests.generator.examples import Folder


def context(folder: Folder) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    return site_context(folder.board(), None, Charts(None, Helper()))


def test_pages_run_over_every_kernel_and_device(basic: Folder) -> None:
    _, collections = context(basic)
    assert set(collections["kernel"]) == {"norm", "proj", "attend", "soft", "gemm"}
    assert set(collections["device"]) == {"gpu-a", "gpu-b"}


def test_devices_with_a_rank_come_first(basic: Folder) -> None:
    basic.device("a-new-one").reported("a", "gpu-a", 10).reported("b", "gpu-b", 30)
    names, _ = context(basic)
    assert [view.device.id for view in names["devices_by_rank"]] == ["gpu-b", "gpu-a", "a-new-one"]


def test_models_without_rows_have_no_section(basic: Folder) -> None:
    basic.model("other").reported("a", "gpu-a")
    names, _ = context(basic)
    assert [view.model.id for view in names["models"]] == ["tiny"]


def test_an_empty_board_has_a_whole_context(folder: Folder, basic: Folder) -> None:
    basic.reported("a", "gpu-a")
    empty, _ = context(Folder(folder.root / "none"))
    full, _ = context(basic)
    assert empty.keys() == full.keys()
    assert (empty["models"], empty["devices"]) == ([], {})
    assert (empty["ledger"].withdrawn, empty["ledger"].shown) == ([], [])


def test_pictures_are_kept_in_the_cache(basic: Folder, tmp_path: Path) -> None:
    basic.reported("a", "gpu-a")
    charts = Charts(tmp_path / "cache", Helper())
    names, _ = site_context(basic.board(), tmp_path / "cache", charts)
    figure = names["roofline_figure"](names["models"][0].rows, "Tiny 1K")
    drawn = charts.put_in(names["draw"](figure))
    assert drawn.startswith("<svg ")
    assert [path.read_text() for path in (tmp_path / "cache" / "charts").iterdir()] == [drawn]
