"""The history: what the record tells of each row, and when."""

from __future__ import annotations

import time
from collections.abc import Iterable

from generator.changes import History
from generator.history import LEAD, MEASURED, PUBLISHED, REPRODUCED, SUPERSEDED, WITHDRAWN, Event, events
from tests.generator.examples import Folder, samples, timing, timings


def told(folder: Folder, *kinds: str) -> list[tuple[str, str, str]]:
    """Day, kind and run of each event, or of those of some kinds."""
    found = events(folder.board())
    return [(event.date, event.kind, event.run) for event in found if not kinds or event.kind in kinds]


def one(found: Iterable[Event], kind: str) -> Event:
    (event,) = [event for event in found if event.kind == kind]
    return event


def at(day: int, month: int = 1) -> str:
    return f"2026-{month:02}-{day:02}T12:00:00Z"


def taken(day: int, title: str = "a paper") -> dict[str, object]:
    """The source of a figure that was taken on that day of January."""
    return {"title": title, "url": "https://example.org/", "locator": "table 1",
            "retrieved": f"2026-01-{day:02}", "published": None}  # fmt: skip


def test_an_empty_record_has_no_history(basic: Folder) -> None:
    assert events(basic.board()) == []


def test_a_row_is_filed_when_it_was_measured_or_its_figure_taken(basic: Folder) -> None:
    basic.measured("ours", "gpu-a", samples([10**6]), measured_at=at(3), submitter="Ada")
    basic.reported("theirs", "gpu-b", 10, source=taken(2))
    assert told(basic, MEASURED, PUBLISHED) == [
        ("2026-01-03", "measured", "ours"), ("2026-01-02", "published", "theirs"),
    ]  # fmt: skip
    found = events(basic.board())
    assert one(found, MEASURED).by == "Ada"
    assert one(found, PUBLISHED).by == "a paper"


def test_runs_of_kernels_alone_count_too(basic: Folder) -> None:
    basic.measured("norms", "gpu-a", None, timings(timing("norm", ns=[9])), measured_at=at(1))
    assert told(basic) == [("2026-01-01", "measured", "norms")]


def test_a_withdrawal_stands_at_its_own_day_with_who_and_why(basic: Folder) -> None:
    basic.measured("ours", "gpu-a", samples([10**6]), measured_at=at(3)).retract("ours", date="2026-02-01")
    event = one(events(basic.board()), WITHDRAWN)
    assert (event.date, event.by) == ("2026-02-01", "us: a wrong clock")


def test_each_run_is_superseded_by_the_next_of_its_submitter_when_that_was_measured(basic: Folder) -> None:
    for day in (1, 2, 3):
        basic.measured(f"run-{day}", "gpu-a", samples([10**6 * day]), measured_at=at(day))
    assert [(event.date, event.run, event.other) for event in events(basic.board()) if event.kind == SUPERSEDED] == [
        ("2026-01-03", "run-2", "run-3"), ("2026-01-02", "run-1", "run-2"),
    ]  # fmt: skip


def test_a_row_is_reproduced_when_the_second_run_within_tolerance_was_measured(basic: Folder) -> None:
    for who, day, ns in (("Ada", 1, 10_000), ("Cy", 2, 10_501), ("Bo", 3, 10_200)):
        basic.measured(f"run-{who.lower()}", "gpu-a", samples([ns]), submitter=who, measured_at=at(day))
    event = one(events(basic.board()), REPRODUCED)
    assert (event.date, event.run, event.by) == ("2026-01-03", "run-bo", "Bo")
    assert event.other in {"run-ada", "run-cy"}


def test_of_two_neighbours_the_nearer_by_ratio_is_reproduced(basic: Folder) -> None:
    for who, day, ns in (("Ada", 1, 95_000), ("Cy", 2, 104_900), ("Bo", 3, 100_000)):
        basic.measured(f"run-{who.lower()}", "gpu-a", samples([ns]), submitter=who, measured_at=at(day))
    assert one(events(basic.board()), REPRODUCED).other == "run-cy"


def test_a_run_of_ones_own_reproduces_nothing(basic: Folder) -> None:
    for day, who in ((1, "Ada"), (2, "ada ")):
        basic.measured(f"run-{day}", "gpu-a", samples([10_000]), submitter=who.strip(), measured_at=at(day))
    assert told(basic, REPRODUCED) == []


def test_what_was_superseded_is_not_reproduced_later(basic: Folder) -> None:
    basic.measured("first", "gpu-a", samples([10_000]), submitter="Ada", measured_at=at(1))
    basic.measured("second", "gpu-a", samples([20_000]), submitter="Ada", measured_at=at(2))
    basic.measured("other", "gpu-a", samples([10_000]), submitter="Bo", measured_at=at(3))
    assert told(basic, REPRODUCED) == []


def test_withdrawn_rows_neither_replace_nor_confirm(basic: Folder) -> None:
    basic.measured("first", "gpu-a", samples([10_000]), submitter="Ada", measured_at=at(1))
    basic.measured("wrong", "gpu-a", samples([10_000]), submitter="Bo", measured_at=at(2)).retract("wrong")
    assert told(basic, REPRODUCED, SUPERSEDED) == []


def test_the_standing_that_the_tables_show_follows_from_the_same_runs(basic: Folder) -> None:
    """Every row that is reproduced or superseded today has an event that made it so."""
    times_ns = (10_000, 10_300, 20_000, 10_100, 20_500, 30_000)
    for index, ns in enumerate(times_ns):
        who = "ABC"[index % 3] * 3
        basic.measured(f"run-{index}", "gpu-a", samples([ns]), submitter=who, measured_at=at(index + 1))
    board = basic.board()
    found = events(board)
    superseded = {event.run for event in found if event.kind == SUPERSEDED}
    assert superseded == set(board.decode.loc[board.decode["superseded_by"].notna(), "run"])
    touched = {run for event in found if event.kind == REPRODUCED for run in (event.run, event.other)}
    assert set(board.decode.loc[board.decode["standing"] == "reproduced", "run"]) <= touched


def test_a_lead_changes_when_a_ranked_row_beats_all_before_it(basic: Folder) -> None:
    basic.reported("first", "gpu-a", 50, source=taken(1))
    basic.reported("slower", "gpu-b", 40, source=taken(2)).reported("equal", "gpu-b", 50, source=taken(3))
    basic.measured("faster", "gpu-b", samples([10**9 // 60]), measured_at=at(4))
    leads = [event for event in events(basic.board()) if event.kind == LEAD]
    assert [(event.at, event.run, event.other) for event in leads] == [
        (at(4), "faster", "first"), ("2026-01-01", "first", ""),
    ]  # fmt: skip


def test_of_one_days_rows_the_fastest_leads(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 40, source=taken(1)).reported("b", "gpu-b", 50, source=taken(1))
    assert told(basic, LEAD) == [("2026-01-01", "lead", "b")]


def test_each_model_has_leads_of_its_own(basic: Folder) -> None:
    basic.model("other").reported("a", "gpu-a", 50, source=taken(1))
    basic.reported("b", "gpu-b", 40, source=taken(2), decode_model="other")
    assert {event.by for event in events(basic.board()) if event.kind == LEAD} == {"tiny", "other"}


def test_what_carries_no_rank_never_leads(basic: Folder) -> None:
    basic.reported("base", "gpu-a", 99, role="baseline", decode_baseline_of="a", source=taken(1))
    basic.measured("quick", "gpu-a", samples([10**9 // 90]), quick=True, measured_at=at(1))
    basic.reported("a", "gpu-a", 50, source=taken(2)).reported("gone", "gpu-b", 99, source=taken(3)).retract(
        "gone"
    )
    assert told(basic, LEAD) == [("2026-01-02", "lead", "a")]


def test_the_latest_day_comes_first_and_within_a_day_what_changed_the_ranks(basic: Folder) -> None:
    basic.measured("ours", "gpu-a", samples([10**6]), measured_at=at(5)).reported(
        "r", "gpu-b", 1, source=taken(5)
    )
    basic.reported("old", "gpu-b", 1, source=taken(1))
    found = told(basic)
    assert [date for date, _, _ in found] == sorted((date for date, _, _ in found), reverse=True)
    assert [kind for date, kind, _ in found if date == "2026-01-05"] == ["lead", "measured", "published"]


def test_five_thousand_runs_are_told_in_a_moment(basic: Folder) -> None:
    """Made of one file's rows, as reading so many files would take longer than what is measured."""
    from dataclasses import replace

    from generator.tables import make_board

    data = basic.measured("run", "gpu-a", samples([10**6]), timings(timing("norm", ns=[9]))).dataset()
    (entry,) = data.runs.values()
    assert entry.decode
    for index in range(5000):
        name = f"run-{index}"
        run = replace(entry.run, run=name, submitter=f"person {index % 50}", measured_at=at(1 + index % 28))
        decode = replace(entry.decode, run=name, tpot_ns=10**6 + 997 * index)
        data.runs[name] = replace(entry, run=run, decode=decode, kernels=())
    board = make_board(data)
    started = time.perf_counter()
    assert len(History(board).shown) == 200
    assert time.perf_counter() - started < 1.5  # 0.2 s where nothing else runs
