"""What tells a series of times from all others, and in which orders."""

from __future__ import annotations

import math

import pytest

from generator.submission.series import TELLING_BITS, Series, telling_bits
from tests.submissions import noise


def series(times: list[int]) -> Series:
    return Series(tuple(times), "run", "field", "path", telling_bits(tuple(times)))


@pytest.mark.parametrize(
    ("times", "bits"),
    [
        ([5], 0),
        ([5] * 100, 0),
        ([5, 6], 2),
        ([1_000, 2_000, 4_000], 3 * math.log2(4)),
        ([5, 6] * 10, 20),
    ],
)
def test_bits_grow_with_length_and_variety_in_ticks(times: list[int], bits: float) -> None:
    assert telling_bits(tuple(times)) == pytest.approx(bits)


def test_a_sorted_series_has_to_tell_what_its_order_told_besides() -> None:
    short, long = series(noise(900, 50, 20, 1)), series(noise(900_000, 50_000, 20, 1))
    assert short.bits > TELLING_BITS
    assert [order for order, _ in short.orders] == [""]
    assert [order for order, _ in long.orders] == ["", " in another order"]
    assert long.orders[1][1] == tuple(sorted(long.times))
