"""A picture that a screen reader announces once, in the page's own colours, drawn only when it is new."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from generator.beside import Helper, Work
from generator.charts import svg as svg_module
from generator.charts.bars import draw_bars
from generator.charts.roofline import roofline_figure
from generator.charts.svg import Charts, Figure, svg
from tests.generator.examples import Folder, picture, texts

NAME = r'A & B "C" \d \1 (D)'


@pytest.fixture(scope="module")
def figure(tmp_path_factory: pytest.TempPathFactory) -> Figure:
    folder = Folder(tmp_path_factory.mktemp("figure")).device("gpu-a", name=NAME).model()
    folder.reported("r", "gpu-a", 1e7).reported("s", "gpu-a", 2e7)
    folder.reported("b", "gpu-a", 5e6, role="baseline", decode_baseline_of="r")
    made = roofline_figure(folder.board().decode, "Tiny")
    assert made is not None
    return made


@pytest.fixture(scope="module")
def drawn(figure: Figure) -> str:
    return svg(figure, None)


def test_it_is_one_image_with_one_label(figure: Figure, drawn: str) -> None:
    root = picture(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"{figure.title}. {figure.caption}"
    assert NAME in str(root.get("aria-label"))


def test_nothing_inside_has_a_role_of_its_own(drawn: str) -> None:
    assert drawn.count("role=") == 1
    assert drawn.count("aria-") == 1


def test_details_of_a_mark_stay_with_it_for_the_script(figure: Figure, drawn: str) -> None:
    tips = [element.get("data-tip") for element in picture(drawn).iter() if element.get("data-tip")]
    assert tips == [bar["tip"] for bar in figure.data["bars"]]
    assert any(NAME in str(tip) for tip in tips)


def test_colours_stay_variables_of_the_page(drawn: str) -> None:
    for name in ("ink", "muted", "accent", "faint", "line"):
        assert f"var(--board-{name})" in drawn


def test_it_scales_with_the_page(drawn: str) -> None:
    root = picture(drawn)
    _, _, width, height = (float(number) for number in str(root.get("viewBox")).split())
    assert (float(str(root.get("width"))), float(str(root.get("height")))) == (width, height)


def test_text_of_a_record_is_text_in_the_picture(drawn: str) -> None:
    assert f"{NAME}, f16" in texts(drawn)


def test_it_draws_what_the_data_says(figure: Figure, drawn: str) -> None:
    assert [text for text in texts(drawn) if "tok/s of" in text] == [
        bar["value"] for bar in figure.data["bars"]
    ]
    assert len(figure.data["bars"]) == 2


def test_the_same_data_is_the_same_picture(figure: Figure, drawn: str) -> None:
    """However many were drawn before."""
    assert svg(figure, None) == drawn


def test_pictures_on_one_page_share_no_ids(figure: Figure, drawn: str) -> None:
    other = svg(replace(figure, id="other"), None)
    ids = [set(re.findall(r'id="([^"]+)"', text)) for text in (drawn, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for text, own in zip((drawn, other), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", text)) <= own


def drawing(calls: list[str]) -> Any:
    """A way to draw that is noted in ``calls``, and needs no converter."""

    def draw(data: dict[str, Any]) -> Any:
        calls.append(str(data))
        return data

    return draw


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(svg_module, "_convert", lambda chart: f"<svg width='1' height='1'>{chart}</svg>")
    return []


def test_the_same_picture_is_drawn_once(figure: Figure, calls: list[str], tmp_path: Path) -> None:
    figure = replace(figure, draw=drawing(calls))
    assert svg(figure, tmp_path) == svg(figure, tmp_path)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "change",
    [{"data": {"bars": []}}, {"title": "other"}, {"caption": "other"}, {"id": "other"}],
    ids=["data", "title", "caption", "id"],
)
def test_another_content_is_another_picture(
    figure: Figure, calls: list[str], tmp_path: Path, change: dict[str, Any]
) -> None:
    figure = replace(figure, draw=drawing(calls))
    svg(figure, tmp_path)
    svg(replace(figure, **change), tmp_path)
    assert len(calls) == 2


def test_other_drawing_code_draws_anew(
    figure: Figure, calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = replace(figure, draw=drawing(calls))
    svg(figure, tmp_path)
    monkeypatch.setattr(svg_module, "_drawing_digest", lambda: "other code")
    svg(figure, tmp_path)
    assert len(calls) == 2


def test_without_a_cache_it_is_drawn_each_time(figure: Figure, calls: list[str]) -> None:
    figure = replace(figure, draw=drawing(calls))
    svg(figure, None)
    svg(figure, None)
    assert len(calls) == 2


def test_nothing_unfinished_stays_in_the_cache(figure: Figure, calls: list[str], tmp_path: Path) -> None:
    svg(replace(figure, draw=drawing(calls)), tmp_path)
    assert [path.suffix for path in (tmp_path / "charts").iterdir()] == [".svg"]


class Listener(Helper):
    """A helper that takes ``takes`` and does nothing before it is asked to."""

    def __init__(self, takes: bool) -> None:
        super().__init__()
        self.takes, self.told = takes, list[Work]()

    def tell(self, work: Work) -> bool:
        self.told.append(work)
        return self.takes


def test_a_chart_that_a_helper_draws_is_put_in_later(
    figure: Figure, calls: list[str], tmp_path: Path
) -> None:
    figure, helper = replace(figure, draw=drawing(calls)), Listener(takes=True)
    charts = Charts(tmp_path, helper)
    awaited = f"<p>{charts.draw(figure)}, {charts.draw(replace(figure, id='other'))}</p>"
    assert (calls, len(helper.told)) == ([], 2)
    for work in helper.told:
        work()
    drawn = [svg(figure, tmp_path), svg(replace(figure, id="other"), tmp_path)]
    assert charts.put_in(awaited) == f"<p>{', '.join(drawn)}</p>"
    assert len(calls) == 2


def test_a_chart_that_the_helper_did_not_draw_is_drawn_when_it_is_put_in(
    figure: Figure, calls: list[str], tmp_path: Path
) -> None:
    figure = replace(figure, draw=drawing(calls))
    charts = Charts(tmp_path, Listener(takes=True))
    assert charts.put_in(charts.draw(figure)) == svg(figure, tmp_path)


def test_without_a_helper_or_where_it_is_known_a_chart_is_drawn_at_once(
    figure: Figure, calls: list[str], tmp_path: Path
) -> None:
    figure = replace(figure, draw=drawing(calls))
    drawn = Charts(tmp_path, Listener(takes=False)).draw(figure)
    assert drawn.startswith("<svg")
    assert Charts(None, Listener(takes=True)).draw(figure) == drawn
    known = Listener(takes=True)
    assert Charts(tmp_path, known).draw(figure) == drawn
    assert known.told == []


def test_every_chart_can_be_told_to_another_process() -> None:
    modules = ("roofline", "step", "steady", "depth", "slope")
    for draw in (draw_bars, *(import_module(f"generator.charts.{module}")._draw for module in modules)):
        assert pickle.loads(pickle.dumps(draw)) is draw  # noqa: S301 - packed in the same line
