"""A file's own throughput is GB/s or GFLOP/s by its latency, whatever its column is called, or neither."""

from __future__ import annotations

from typing import cast

import pytest

from generator.importers.purs.rates import unit_of
from schemas.load import load
from schemas.records import Kernel
from tests.generator.examples import REPOSITORY


def kernel(name: str) -> Kernel:
    return cast(Kernel, load(REPOSITORY / "data" / "kernels" / f"{name}.md", REPOSITORY / "data"))


@pytest.mark.parametrize(
    ("name", "shape", "us", "rate", "unit"),
    [
        (
            "softmax",
            {"rows": 1000, "cols": 1000},
            100,
            80.0,
            "GB/s",
        ),  # read and written once, 8 bytes an element
        (
            "rms_norm",
            {"rows": 1000, "cols": 1000},
            100,
            120.0,
            "GB/s",
        ),  # three passes, as the board counts it
        ("matmul", {"m": 1000, "n": 1000, "k": 1000}, 1000, 2000.0, "GFLOP/s"),
        ("matmul", {"m": 1000, "n": 1000, "k": 1000}, 1000, 12.0, "GB/s"),
        ("softmax", {"rows": 1, "cols": 100}, 100, 0.0, "GB/s"),  # 0.008, with one decimal
        ("softmax", {"rows": 1000, "cols": 1000}, 100, 0.08, None),  # as if the latency were in ms
        ("softmax", {"rows": 1000, "cols": 1000}, 100, 800.0, None),
        ("softmax", {"rows": 1000, "cols": 1000}, 100, -80.0, None),
        ("matmul", {"m": 1000, "n": 1000, "k": 1000}, 1000, 1000.0, None),
    ],
)
def test_the_unit_follows_from_the_latency(
    name: str, shape: dict[str, int], us: float, rate: float, unit: str | None
) -> None:
    assert unit_of(rate, us, kernel(name), shape, "f32") == unit


def test_half_the_width_is_half_the_rate() -> None:
    shape = {"rows": 1000, "cols": 1000}
    assert unit_of(40.0, 100, kernel("softmax"), shape, "f16") == "GB/s"
    assert unit_of(80.0 * 1.06, 100, kernel("softmax"), shape, "f16") is None
