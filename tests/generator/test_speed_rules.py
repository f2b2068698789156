"""Nothing is faster than any memory and any arithmetic, also where nobody states a device's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.examples import Folder, samples, timing, timings

CUBE = {"m": 10**9, "n": 10**9, "k": 10**9}


@pytest.fixture
def unstated(basic: Folder) -> Folder:
    """A device whose bandwidth nobody states."""
    return basic.device("gpu-x", peak_bandwidth=None)


def test_a_step_on_a_device_without_bandwidth_is_no_faster_than_any_memory(unstated: Folder) -> None:
    unstated.model(hidden_size=4096, vocab_size=10**9).measured("m", "gpu-x", samples([1000, 1001]))
    (line,) = unstated.problems()
    assert "decode.samples: is impossible (got 9.995e+05 tok/s, " in line
    assert "% of any memory bandwidth); " in line


@pytest.mark.parametrize(("us", "fits"), [(1e-6, False), (1.0, True)])
def test_a_kernel_on_a_device_without_bandwidth_is_no_faster_than_any_cache(
    unstated: Folder, us: float, fits: bool
) -> None:
    row: Any = timings(timing("soft", us=us, shape={"rows": 1000, "cols": 1000}), model=None)
    unstated.reported("r", "gpu-x", None, row)
    said = unstated.problems()
    assert fits or "kernels.timings[0]: is impossible (got 6,000,000,000 GB/s on 1,000,000 GB/s" in said[0]
    assert len(said) == (not fits)


def test_no_device_computes_without_end(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("gemm", us=1e12, shape=CUBE), model=None))
    (line,) = basic.problems()
    assert (
        "kernels.timings[0]: is impossible (got 2,000,000,000,000 GFLOP/s); check it; no device does" in line
    )
