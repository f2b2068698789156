"""Times of many blocks at once are those of each alone, however their files were written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.submission.times import RawSamples, Times, medians, read_times
from schemas.metrics import decode_spread
from schemas.records import DecodeSamples
from tests.generator.examples import repetition, samples

LENGTHS = st.integers(1, 6)
STEPS = st.integers(1, 10**12)
bounded = settings(derandomize=True, database=None, deadline=None, max_examples=60)


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    """Samples of a decode block, timed step by step or by whole repetitions."""
    steps, count = draw(LENGTHS), draw(st.integers(1, 7))
    if draw(st.booleans()):
        times = draw(
            st.lists(st.lists(STEPS, min_size=steps, max_size=steps), min_size=count, max_size=count)
        )
        told = [repetition(step_ns=one) for one in times]
        return samples([1] * steps) | {"repetitions": told}
    totals = draw(st.lists(STEPS, min_size=count, max_size=count))
    told = [repetition(total_ns=one) for one in totals]
    return samples([1] * steps) | {"timing": "per_repetition", "repetitions": told}


def raw(block: Any, indent: int | None = None) -> RawSamples:
    return msgspec.json.decode(json.dumps(block, indent=indent), type=RawSamples)


def whole(block: Any) -> DecodeSamples:
    return msgspec.convert(block, DecodeSamples)


def read(*every: Any) -> list[Times]:
    found = read_times([raw(block) for block in every])
    assert all(found)
    return [times for times in found if times]


@bounded
@given(st.lists(blocks(), max_size=5))
def test_a_block_among_others_has_the_figures_that_it_has_alone(every: list[dict[str, Any]]) -> None:
    found = medians(read(*every))
    for block, times, known in zip(every, read(*every), found, strict=True):
        spread = decode_spread(whole(block))
        assert decode_spread(times.samples) == spread
        assert known.tpot_ns == spread.median_ns
        assert known.least_ns <= spread.low_ns
        assert spread.high_ns <= known.most_ns


@bounded
@given(st.lists(blocks(), max_size=4), st.sampled_from([None, 0, 2]))
def test_how_a_file_was_written_makes_no_difference(every: list[dict[str, Any]], indent: int | None) -> None:
    found = read_times([raw(block, indent) for block in every])
    for times, other in zip(found, read(*every), strict=True):
        assert times
        assert times.lengths == other.lengths
        assert np.array_equal(times.values, other.values)


@pytest.mark.parametrize("steps", ["[100, 2e2]", "[1e2,200.0]", "[ 100 , 200 ]", "[\t100,\r\n200]"])
def test_numbers_are_read_as_json_has_them(steps: str) -> None:
    text = json.dumps(samples([1, 2])).replace("[1, 2]", steps)
    (found, other) = read_times([msgspec.json.decode(text, type=RawSamples), raw(samples([3, 4]))])
    assert found
    assert found.values.tolist() == [100.0, 200.0] * 5
    assert other
    assert other.values.tolist() == [3.0, 4.0] * 5


@pytest.mark.parametrize(
    "steps", ["[]", "null", '["a", 2]', "[[1, 2]]", "[1.5, 2]", "{}", "true", "12", '"1,2"']
)
def test_what_is_no_list_of_whole_numbers_is_none_and_spoils_no_other(steps: str) -> None:
    text = json.dumps(samples([1, 2])).replace("[1, 2]", steps)
    found = read_times(
        [raw(samples([3, 4])), msgspec.json.decode(text, type=RawSamples), raw(samples([5, 6]))]
    )
    assert [times and times.values.tolist() for times in found] == [[3, 4] * 5, None, [5, 6] * 5]


def test_a_block_without_times_is_none() -> None:
    whole_ones = samples([1]) | {"timing": "per_repetition"}
    assert read_times([raw(whole_ones), raw(samples([1]) | {"repetitions": []})]) == [None, None]
    assert read_times([]) == []
    assert medians([]) == []


def test_repetitions_of_other_lengths_are_read_too() -> None:
    uneven = samples([1, 2, 3]) | {"repetitions": [repetition(step_ns=[1, 2, 9]), repetition(step_ns=[7])]}
    (times,) = read(uneven)
    assert [one.tolist() for one in times.series] == [[1, 2, 9], [7]]
    assert [(place, length) for place, length, _ in times.together] == [(0, 3), (1, 1)]
    assert [one.tolist() for _, _, one in times.together] == [[1, 2, 9], [7]]
    assert medians([times])[0].tpot_ns == decode_spread(whole(uneven)).median_ns == 4.5


def test_series_of_one_length_lie_together() -> None:
    (times,) = read(samples([5, 6]))
    assert [(place, length, one.tolist()) for place, length, one in times.together] == [(0, 2, [5, 6] * 5)]
    totals = samples([1, 1]) | {
        "timing": "per_repetition",
        "repetitions": [repetition(total_ns=n) for n in (4, 6)],
    }
    (times,) = read(totals)
    assert [(place, length, one.tolist()) for place, length, one in times.together] == [(0, 2, [4, 6])]
    assert medians([times])[0].tpot_ns == 2.5
