"""Every field of what a stranger may submit, with every text that would act somewhere."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from generator.build import build, prepare
from generator.rules import today
from generator.submission.comment import inert, markdown
from generator.submission.report import as_data, judge
from generator.submission.submission import read_submission
from schemas.load import DEVICE, LEDGER, RESULT, Kind
from tests.generator.conftest import fill
from tests.generator.examples import Folder
from tests.hostile.base import NEW, Scratch
from tests.hostile.texts import CONTROL, FORMULAS, HTML, PLAIN, Text, fits, free_texts, poisoned
from tests.schemas import examples
from tests.schemas.examples import places

KINDS: dict[str, tuple[Kind, Any]] = {
    "measured": (RESULT, examples.measured()),
    "reported": (RESULT, examples.reported()),
    "device": (DEVICE, examples.device()),
    "ledger": (LEDGER, examples.ledger()),
}
FREE = {name: free_texts(data, kind) for name, (kind, data) in KINDS.items()}
FIELDS = [
    pytest.param(name, at, id=f"{name}-{'.'.join(map(str, at))}")
    for name, all_ in FREE.items()
    for at in all_
]
CLOSED = [
    pytest.param(name, at, id=f"{name}-{'.'.join(map(str, at))}")
    for name, (_, data) in KINDS.items()
    for at in places(data, str)
    if at not in FREE[name]
]


def is_prose(name: str, at: Text) -> bool:
    """Whether a field is Markdown."""
    return name == "device" and at == ("notes",)


@pytest.mark.parametrize(("name", "at"), FIELDS)
def test_no_text_takes_html_or_what_nobody_sees(name: str, at: Text) -> None:
    kind, data = KINDS[name]
    lines = (
        {"\t=1+1", "\r=1+1", "a\n=1+1"} if is_prose(name, at) else set()
    )  # several lines, and text in none's cell
    taken = [text for text in (*HTML, *CONTROL) if text not in lines and fits(data, at, text, kind)]
    assert taken == []


@pytest.mark.parametrize(("name", "at"), FIELDS)
def test_a_text_takes_plain_letters_whatever_they_mean_elsewhere(name: str, at: Text) -> None:
    kind, data = KINDS[name]
    asked = [text for text in (*PLAIN, *FORMULAS) if not (is_prose(name, at) and "javascript:" in text)]
    assert [text for text in asked if not fits(data, at, text, kind)] == []


@pytest.mark.parametrize(("name", "at"), CLOSED)
def test_what_is_no_text_takes_none(name: str, at: Text) -> None:
    kind, data = KINDS[name]
    assert [text for text in (*HTML, *CONTROL, *PLAIN, *FORMULAS) if fits(data, at, text, kind)] == []


def test_there_are_texts_of_every_kind_to_try() -> None:
    least = {"measured": 20, "reported": 15, "device": 14, "ledger": 2}
    assert [name for name, count in least.items() if len(FREE[name]) < count] == []


@pytest.mark.parametrize(
    "link", ["javascript:x", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "http://a.org"]
)
def test_prose_links_to_the_web_alone(link: str) -> None:
    kind, data = KINDS["device"]
    assert not fits(data, ("notes",), f"[a]({link})", kind)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_download_starts_a_formula(tmp_path: Path, formula: str) -> None:
    folder = fill(Folder(tmp_path))
    poisoned(folder, formula)
    build(folder.layout, prepare(folder.layout))
    tables = sorted((folder.layout.site / "api/v1").rglob("*.csv"))
    assert len(tables) >= 2
    for table in tables:
        text = table.read_text("utf-8")
        assert f"'{formula[0]}" in text
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert [
            cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r")) or _a_minus(cell)
        ] == []
    for file in (folder.layout.site / "api/v1").rglob("*.json"):
        json.loads(file.read_text("utf-8"))


def _a_minus(cell: str) -> bool:
    """A cell that starts with a minus and is no number."""
    try:
        float(cell or 0)
    except ValueError:
        return cell.startswith("-")
    return False


@pytest.mark.parametrize("text", PLAIN)
def test_the_comment_holds_a_text_as_text(scratch: Scratch, text: str) -> None:
    data = scratch.valid(submitter=text, notes=text)
    data["stack"] = data["stack"] | {"name": text}
    data["environment"]["device_name"] = text
    scratch.submit(data, f"results/gpu-a/{NEW}.json")
    comment = markdown(as_data(judge(read_submission(scratch.root, "HEAD", today()))), None)
    assert inert(text)[:40] in comment
    for acting in ("](javascript", "![i](", "<script", "<img", "<p", "https://evil", "{{", "`x`"):
        assert acting not in comment, acting
