"""A device over time: a change is flagged where two rows could not reproduce each other."""

from __future__ import annotations

from typing import Any

import pytest

from generator.charts.history import MOST_SERIES, MOST_TOLD, History, device_history
from tests.generator.examples import Folder, picture, samples, texts


def made(folder: Folder) -> History | None:
    return device_history("gpu-a", "Device gpu-a", folder.board().decode_of("gpu-a"))


def history(folder: Folder) -> History:
    found = made(folder)
    assert found is not None
    return found


def on(folder: Folder, day: str, step_ns: int, **changes: Any) -> Folder:
    times = samples([step_ns, step_ns])
    return folder.measured(
        f"r-{day}-{step_ns}", "gpu-a", times, measured_at=f"2026-{day}T12:00:00Z", **changes
    )


def test_a_change_beyond_the_tolerance_is_flagged(basic: Folder) -> None:
    on(on(on(basic, "01-01", 1_000_000), "01-02", 1_049_000), "01-03", 1_200_000)
    found = history(basic)
    assert found.table == (
        ("2026-01-03 12:00:00", "f16, an emitter", "833.3", "833.3 to 833.3", "−12.6 %, a change"),
        ("2026-01-02 12:00:00", "f16, an emitter", "953.3", "953.3 to 953.3", "−4.7 %"),
        ("2026-01-01 12:00:00", "f16, an emitter", "1,000", "1,000 to 1,000", "–"),
    )
    assert found.caption.startswith(
        "1 of 2 rows with one before them in their series lies more than 5 % from it (diamonds); "
        "the latest on 2026-01-03: f16, an emitter, −12.6 %."
    )


@pytest.mark.parametrize(
    ("step_ns", "flagged"), [(1_050_000, False), (1_050_001, True), (952_381, False), (952_380, True)]
)
def test_the_slower_of_two_may_need_the_tolerance_more_time(
    basic: Folder, step_ns: int, flagged: bool
) -> None:
    found = history(on(on(basic, "01-01", 1_000_000), "01-02", step_ns))
    assert ("a change" in found.table[0][-1]) is flagged
    assert ("within 5 % of each other" in found.caption) is not flagged


def test_a_series_is_of_one_type_stack_and_depth(basic: Folder) -> None:
    on(on(basic, "01-01", 1000), "01-02", 1000)
    on(on(basic, "01-03", 2000, decode_dtype="f32"), "01-04", 2000, decode_dtype="f32")
    on(on(basic, "01-05", 3000, decode_depth_tokens=64), "01-06", 4000)
    found = history(basic)
    assert {row[1] for row in found.table} == {"f16, an emitter", "f32, an emitter"}
    assert not any("3,333" in row[2] for row in found.table), "a depth of its own has one row"


def test_depths_are_told_where_they_differ(basic: Folder) -> None:
    for day, depth in (("01-01", 0), ("01-02", 0), ("01-03", 64), ("01-04", 64)):
        on(basic, day, 1000, decode_depth_tokens=depth)
    assert {row[1] for row in history(basic).table} == {
        "f16, an emitter, 0 tokens deep", "f16, an emitter, 64 tokens deep",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"quick": True}, {"decode_numerics_ok": False, "decode_logits_rel_l2": 9.0}, {"decode_dtype": "f32"}],
    ids=lambda change: next(iter(change)),
)
def test_two_rows_of_one_series_make_a_history(basic: Folder, change: dict[str, Any]) -> None:
    assert made(on(on(basic, "01-01", 1000), "01-02", 1000, **change)) is None


def test_a_published_and_a_withdrawn_row_make_no_history(basic: Folder) -> None:
    on(on(basic, "01-01", 1000), "01-02", 1000).reported("r", "gpu-a", 1e6)
    assert made(basic.retract("r-01-02-1000")) is None


def test_superseded_rows_are_what_a_history_is_made_of(basic: Folder) -> None:
    found = history(on(on(basic, "01-01", 1000), "01-02", 1000))
    assert len(found.table) == 2


def test_the_picture_is_one_image_whose_marks_have_tips(basic: Folder) -> None:
    on(on(basic, "01-01", 1_000_000, submitter="a"), "01-02", 1_200_000, submitter="b")
    found = history(basic)
    root = picture(found.svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", f"{found.title}. {found.caption}")
    tips = [element.get("data-tip") for element in root.iter() if element.get("data-tip")]
    assert tips == [
        "2026-01-01: 1,000 tok/s; f16, an emitter, by a",
        "2026-01-02: 833.3 tok/s, −16.7 % against the row before; f16, an emitter, by b",
    ]
    assert {"2026-01-01", "2026-01-02", "f16, an emitter"} <= set(texts(found.svg))


def test_text_of_a_record_is_escaped(basic: Folder) -> None:
    stack = {"name": "\"x\" & 'y'", "backend": None, "languages": ["L"], "toolchain": None, "driver": None}
    found = history(on(on(basic, "01-01", 1000, stack=stack), "01-02", 1000, stack=stack))
    name = "f16, \"x\" & 'y'"
    assert name in texts(found.svg)
    assert name in str(picture(found.svg)[-1].get("data-tip") or picture(found.svg)[-2].get("data-tip"))


def test_rows_of_one_instant_can_be_drawn(basic: Folder) -> None:
    on(on(basic, "01-01", 1000, submitter="a"), "01-01", 1001, submitter="b")
    assert "nan" not in history(basic).svg


def test_a_long_history_is_cut_to_its_latest(basic: Folder) -> None:
    for day in range(1, 29):
        on(basic, f"01-{day:02}", 1000 + day)
    found = history(basic)
    assert len(found.table) == MOST_TOLD
    assert found.table[0][0].startswith("2026-01-28")


def test_no_more_series_are_drawn_than_can_be_told_apart(basic: Folder) -> None:
    for depth in range(MOST_SERIES + 2):
        on(
            on(basic, "01-01", 1000, decode_depth_tokens=depth),
            f"02-{depth + 1:02}",
            1001,
            decode_depth_tokens=depth,
        )
    assert len({row[1] for row in history(basic).table}) <= MOST_SERIES
