"""A row stands where the decode page puts it, and a device's best row is the one that the page has first."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from generator.dataset import read_dataset
from generator.tables import make_board
from runners.standing import Best, best, place_of, standing
from schemas.load import RESULT, parse
from schemas.records import Repetition, Result
from tests.generator.examples import Folder
from tests.runners.runs import REPOSITORY
from tests.schemas import examples

MODEL = "deepseek-r1-distill-qwen-1.5b"
DEVICE = "nvidia-h200-sxm"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("real") / "data"
    shutil.copytree(REPOSITORY / "data", data)
    return data


def row(tok_per_s: float, spread: float = 0.0, **changed: Any) -> Result:
    """A measured row of so many tokens a second, its repetitions apart by ``spread``."""
    given = examples.measured() | {"id": "the-new-row", "device": DEVICE, "quick": False, "kernels": None}
    found = parse(json.dumps(given).encode(), RESULT, "x", "the-new-row")
    assert isinstance(found, Result)
    assert found.decode
    assert found.decode.samples
    times = [1e9 / tok_per_s * (1 + spread * (place - 2)) for place in range(5)]
    repetitions = tuple(Repetition((int(ns),) * 4, None, None, None, None) for ns in times)
    samples = replace(found.decode.samples, steps_per_repetition=4, repetitions=repetitions)
    decode = replace(found.decode, model=MODEL, samples=samples, baseline_of=None, numerics_ok=True)
    return replace(found, decode=decode, role="contender", **changed)


def filed(data: Path, result: Result) -> Any:
    """The row of ``result`` on the board, and all ranked rows of its model, as (device, tok/s) by rank."""
    path = data / "results" / result.device / f"{result.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result)), "utf-8")
    try:
        dataset, problems = read_dataset(data)
        assert problems == []
        frame = make_board(dataset).decode
    finally:
        path.unlink()
    ranked = frame[(frame["model"] == result.decode.model) & frame["ranked"]]  # type: ignore[union-attr]
    ours = ranked[ranked["run"] == result.id].iloc[0]
    return ours, list(zip(ranked["device"], ranked["tok_per_s"], strict=True))


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("tok_per_s", [0.5, 5.0, 12.2, 60.0, 127.5, 130.0, 5000.0])
def test_a_row_stands_where_the_decode_page_puts_it(real: Path, tok_per_s: float, spread: float) -> None:
    result = row(tok_per_s, spread)
    found = standing(real, MODEL, place_of(result))
    ours, ranked = filed(real, result)
    assert (found.rank_best, found.rank_worst) == (ours["rank_best"], ours["rank_worst"])
    assert found.rows == len(ranked)
    place = int(ours["rank"]) - 1
    above = ranked[place - 1] if place else None
    below = ranked[place + 1] if place + 1 < len(ranked) else None
    assert (found.above and (found.above.device, found.above.tok_per_s)) == above
    assert (found.below and (found.below.device, found.below.tok_per_s)) == below


def test_a_row_stands_beside_what_the_page_ranks_and_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path).model().kernel("rms_norm").device("a").device("b", peak_bandwidth=None)
    contradicting = examples.reported()["decode"]["contract"] | {"lm_head": "excluded"}
    folder.reported("counts", "a", 100.0).reported("second-of-a-device", "a", 90.0)
    folder.reported("withdrawn", "a", 200.0).retract("withdrawn")
    folder.reported("wrong", "a", 300.0, decode_numerics_ok=False)
    folder.reported("another-step", "a", 400.0, decode_contract=contradicting)
    folder.reported("reference", "a", 500.0, role="reference")
    folder.reported("no-bandwidth", "b", 600.0)
    (folder.data / "reported" / "page" / "broken.json").write_text("{")
    result = row(50.0)
    found = standing(folder.data, "tiny", place_of(result))
    assert (found.rows, found.rank_best, found.rank_worst) == (3, 3, 3)
    assert found.above
    assert found.above.result == "second-of-a-device"
    assert found.above.tok_per_s == pytest.approx(90.0)
    assert found.below is None
    (folder.data / "reported" / "page" / "broken.json").unlink()
    ranked = folder.board().decode.query("ranked")
    assert list(ranked["run"]) == ["counts", "second-of-a-device"]


def test_a_row_that_is_on_file_already_counts_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path).model().device(DEVICE)
    result = row(50.0)
    folder.reported("the-new-row", DEVICE, 50.0)
    assert standing(folder.data, "tiny", place_of(result)).rows == 1


def test_the_first_row_of_a_model_stands_alone(tmp_path: Path) -> None:
    found = standing(Folder(tmp_path).model().data, "tiny", place_of(row(50.0)))
    assert (found.rank_best, found.rank_worst, found.rows, found.above, found.below) == (1, 1, 1, None, None)


def test_a_devices_best_row_is_the_first_one_that_the_decode_page_has_of_it(real: Path) -> None:
    dataset, problems = read_dataset(real)
    assert problems == []
    frame = make_board(dataset).decode.query("model == @MODEL and role != 'baseline'")
    first = frame.sort_values("tok_per_s", ascending=False).drop_duplicates("device")
    found = best(real, MODEL)
    assert sorted(found) == sorted(first["device"])
    for row in first.to_dict("records"):
        ours = found[row["device"]]
        assert (ours.result, ours.role) == (row["run"], row["role"])
        assert ours.tok_per_s == pytest.approx(row["tok_per_s"], rel=1e-11)
    assert {"contender", "reference"} == {row.role for row in found.values()}


def test_a_published_figure_stays_as_it_was_published(real: Path) -> None:
    assert best(real, MODEL)["aws-trainium1"] == Best(
        "pu-rs-decode-aws-trainium1", 12.2, "reported", "contender"
    )


def test_a_measured_row_is_the_best_one_from_when_it_is_filed(real: Path) -> None:
    result = row(5000.0)
    path = real / "results" / DEVICE / f"{result.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    assert DEVICE not in best(real, MODEL)
    path.write_text(json.dumps(asdict(result)), "utf-8")
    try:
        found = best(real, MODEL)[DEVICE]
        assert (found.result, found.provenance) == (result.id, "measured")
        assert found.tok_per_s == pytest.approx(5000.0, rel=1e-6)
        path.write_text(json.dumps(asdict(replace(result, quick=True))), "utf-8")
        assert DEVICE not in best(real, MODEL), "a quick run is no row"
    finally:
        path.unlink()


def test_a_best_row_is_no_baseline_no_retracted_one_and_of_the_same_step_and_model(tmp_path: Path) -> None:
    folder = (
        Folder(tmp_path)
        .model()
        .model("other")
        .kernel("rms_norm")
        .device("a")
        .device("b", peak_bandwidth=None)
    )
    contradicting = examples.reported()["decode"]["contract"] | {"lm_head": "excluded"}
    folder.reported("slower", "a", 90.0).reported("best", "a", 100.0).reported("as-fast", "b", 100.0)
    folder.reported("withdrawn", "a", 200.0).retract("withdrawn")
    folder.reported("wrong", "a", 300.0, decode_numerics_ok=False)
    folder.reported("another-step", "a", 400.0, decode_contract=contradicting)
    folder.reported("reference", "a", 500.0, role="reference")
    folder.reported("baseline", "a", 600.0, role="baseline", decode_baseline_of="best")
    folder.reported("another-model", "a", 700.0, decode_model="other")
    assert folder.problems() == []
    folder.device("c").reported("of-a-baseline-alone", "c", 600.0, role="baseline", decode_baseline_of="best")
    found = best(folder.data, "tiny")
    assert {device: row.result for device, row in found.items()} == {"a": "best", "b": "as-fast"}


def test_of_two_rows_as_fast_the_best_is_the_first_by_name(tmp_path: Path) -> None:
    folder = Folder(tmp_path).model().device("a")
    for name in ("c", "b", "d"):
        folder.reported(name, "a", 100.0)
    assert best(folder.data, "tiny")["a"].result == "b"
