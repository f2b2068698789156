"""New figures as records: their ids, their sources, devices that nobody has filed, and the rules of the record."""

from __future__ import annotations

from typing import Any

import pytest

from generator.importers import Unimportable
from generator.importers.purs import records as purs_records
from schemas.load import load
from schemas.records import Device
from tests.generator.importers.boards import Board, counts, entry, figures, records, refusals, row


def ids(board: Board, *files: Any) -> list[str]:
    return [record["id"] for record in records(board.read(*files))]


def test_a_record_says_where_it_is_from_and_nothing_that_its_source_does_not(board: Board) -> None:
    (record,) = records(
        board.read(board.csv(row(9, toolchain="aclnnX", language="aclnn"), name="t4-all_submission.csv"))
    )
    assert record["source"] == {
        "title": "pu-rs.org kernel leaderboard",
        "url": "https://pu-rs.org/leaderboard.html",
        "locator": "submissions/t4-all_submission.csv",
        "retrieved": "2026-02-03",
        "published": None,
    }
    assert (record["provenance"], record["role"], record["quick"]) == ("reported", "contender", False)
    assert (record["device"], record["device_as_stated"]) == ("nvidia-t4", "nvidia-tesla-t4")
    assert (record["submitter"], record["measured_at"], record["environment"]) == (None, None, None)
    assert record["stack"] == {
        "name": "aclnnX", "backend": None, "languages": [], "toolchain": "aclnnX", "driver": "D 1",
    }  # fmt: skip
    assert record["id"] == "pu-rs-t4-all"


def test_a_file_of_several_implementations_is_a_record_for_each(board: Board) -> None:
    path = board.csv(
        row(toolchain="ours 0.1 (naive)"), row(toolchain="ours 0.1 (opt)"), row(toolchain="F.gelu/x")
    )
    assert ids(board, path) == ["pu-rs-a-naive", "pu-rs-a-opt", "pu-rs-a-f-gelu-x"]


def test_ids_that_are_taken_are_counted_on(board: Board) -> None:
    first, second = board.csv(row(), name="a.csv"), board.csv(row(shape="[1, 1]"), name="A_submission.csv")
    assert ids(board, first, second) == ["pu-rs-a", "pu-rs-a-2"]
    board.folder.reported("pu-rs-a", "nvidia-t4", 10.0, decode_model="deepseek-r1-distill-qwen-1.5b")
    assert ids(board, first) == ["pu-rs-a-2"]


def test_a_name_of_any_length_and_letters_makes_an_id(board: Board) -> None:
    (name,) = ids(board, board.csv(row(), name="Ünï " + "x" * 200 + ".csv"))
    assert name.startswith("pu-rs-n-xxx")
    assert len(name) <= 96


def test_a_record_has_no_more_timings_than_its_schema_allows(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purs_records, "MOST_TIMINGS", 2)
    found = board.read(board.csv(*[row(shape=f"[{n}, 8]") for n in range(1, 6)]))
    assert [(one["id"], len(one["kernels"]["timings"])) for one in records(found)] == [
        ("pu-rs-a", 2), ("pu-rs-a-2", 2), ("pu-rs-a-3", 1),
    ]  # fmt: skip


def test_latencies_are_rounded_to_a_nanosecond(board: Board) -> None:
    found = board.read(board.csv(row(579.9531936645508), row(0.123456789, shape="[1, 8]")))
    assert [one["latency_us"] for one in figures(found)] == [579.953, 0.1235]


def test_more_implementations_than_any_file_has_are_refused(board: Board) -> None:
    with pytest.raises(Unimportable, match=r"names too many implementations \(got 101\)"):
        board.read(board.csv(*[row(toolchain=f"t{n}") for n in range(101)]))


# --- the rules of the record ----------------------------------------------------------------------


def test_a_rate_that_no_memory_has_is_refused_in_the_rule_s_words(board: Board) -> None:
    found = board.read(board.csv(row(1, shape="[4096, 4096]"), row(9, shape="[1, 1024]")))
    (said,) = refusals(found)
    assert "is impossible (got 134,218 GB/s on 320 GB/s of memory)" in said
    assert counts(found) == {"read": 2, "imported": 1, "refused": 1}
    assert len(figures(found)) == 1


def test_all_values_of_an_impossible_figure_are_refused(board: Board) -> None:
    found = board.read(board.csv(*[row(us, shape="[4096, 4096]") for us in (2, 1, 3)]))
    assert counts(found) == {"read": 3, "refused": 3}


def test_the_baseline_of_an_impossible_row_is_refused_too(board: Board) -> None:
    step = {"kernel": "decode_step", "shape": "[1, 1536]", "dtype": "f16"}
    found = board.read(
        board.csv(row(10, toolchain="ours", **step), row(50_000, toolchain="a baseline", **step))
    )
    assert counts(found) == {"read": 2, "refused": 2}
    assert "calls itself a baseline" in refusals(found)[1]


# --- devices --------------------------------------------------------------------------------------


def device(board: Board, *files: Any) -> Device:
    (draft,) = [draft for draft in board.read(*files).drafts if draft.place.startswith("devices/")]
    path = board.data / draft.place
    path.write_text(draft.text)
    found = load(path, board.data)
    assert isinstance(found, Device)
    return found


def test_a_device_that_nobody_filed_is_drafted_with_what_its_name_tells(board: Board) -> None:
    found = device(board, board.csv(row(device="nvidia-h20")))
    assert (found.id, found.name, found.vendor, found.type) == ("nvidia-h20", "nvidia-h20", "NVIDIA", "GPU")
    assert (found.memory_gb, found.tdp_w, found.peak_bandwidth, found.other_bandwidths) == (
        None,
        None,
        None,
        (),
    )


def test_the_aggregate_tells_more_of_a_device(board: Board) -> None:
    said = {"device_id": "amd-mi300x", "vendor": "AMD", "model": "MI300X", "memory_gb": 192, "tdp_watts": 750}
    aggregate = board.json(entry(**said, memory_bw_gbps=5300, latency_us=99))
    found = device(board, board.csv(row(device="amd-mi300x")), aggregate)
    assert (found.name, found.vendor, found.type, found.memory_gb, found.tdp_w) == (
        "MI300X",
        "AMD",
        "GPU",
        192,
        750,
    )
    assert found.peak_bandwidth is None
    assert [one.gb_per_s for one in found.other_bandwidths] == [5300]


def test_a_new_device_s_rows_are_imported_with_it_once(board: Board) -> None:
    found = board.read(board.csv(row(device="nvidia-h20"), row(device="nvidia-h20", toolchain="other")))
    assert [draft.place for draft in found.drafts] == [
        "devices/nvidia-h20.md",
        "reported/pu-rs-leaderboard/pu-rs-a-tool.json",
        "reported/pu-rs-leaderboard/pu-rs-a-other.json",
    ]


@pytest.mark.parametrize("name", ["mystery-9000", "日本", "../../etc/passwd", "no", "x" * 150])
def test_a_device_of_no_known_type_is_refused(board: Board, name: str) -> None:
    found = board.read(board.csv(row(device=name)))
    (said,) = refusals(found)
    assert said.startswith("device: is unknown, and its type is not stated")
    assert not found.drafts


@pytest.mark.parametrize("model", ["no", "2024-01-01", "1e5", "a: b # c", "'q'", "null"])
def test_a_device_s_name_stays_text(board: Board, model: str) -> None:
    assert device(board, board.json(entry(device_id="nvidia-new", model=model))).name == model
