"""What a newcomer asks first."""

from __future__ import annotations

import pytest

from generator.home import FirstAnswers, first_answers
from generator.views import ModelView
from tests.generator.examples import MODEL, Folder, about, samples


def answers(folder: Folder) -> FirstAnswers | None:
    board = folder.board()
    return first_answers(ModelView(board, board.data.models[MODEL]))


def test_without_a_ranked_row_there_is_no_answer(basic: Folder) -> None:
    assert answers(basic) is None


def test_the_lead_is_over_the_next_device_not_over_ones_own_second_row(basic: Folder) -> None:
    basic.reported("first", "gpu-a", 200).reported("again", "gpu-a", 190).reported("next", "gpu-b", 100)
    found = answers(basic)
    assert found is not None
    assert (found.first.run, found.next.run if found.next else None) == ("first", "next")
    assert found.lead_percent == about(100)
    assert found.surely
    assert found.last is None


@pytest.mark.parametrize(("tok_per_s", "closer"), [(150, "base"), (210, "base"), (90, None)])
def test_a_baseline_that_comes_closer_than_the_next_row_is_named(
    basic: Folder, tok_per_s: float, closer: str | None
) -> None:
    basic.reported("first", "gpu-a", 200).reported("next", "gpu-b", 100)
    basic.reported("base", "gpu-b", tok_per_s, role="baseline", decode_baseline_of="next").reported(
        "gone", "gpu-b", 199, role="baseline", decode_baseline_of="next"
    )
    basic.retract("gone")
    found = answers(basic)
    assert found is not None
    assert (found.unranked.run if found.unranked else None) == closer


def test_ranked_rows_are_counted_by_what_stands_behind_them(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 200)
    basic.measured("one", "gpu-b", samples([10**7]), submitter="A").measured(
        "two", "gpu-b", samples([10**7]), submitter="B"
    )
    found = answers(basic)
    assert found is not None
    assert dict(found.standings) == {"reproduced": 2, "reported": 1}


def test_the_last_of_three_devices_is_named(basic: Folder) -> None:
    basic.device("gpu-c")
    for device, tok_per_s in (("gpu-a", 30), ("gpu-b", 20), ("gpu-c", 10)):
        basic.reported(device, device, tok_per_s)
    found = answers(basic)
    assert found is not None
    assert found.last is not None
    assert found.last.device == "gpu-c"
