"""The checks of CUDA texts see a bug: each of those planted in an emitted text is found."""

from __future__ import annotations

from tests.runners.kernels.simt_bugs import PlantedBugs


class TestCuda(PlantedBugs):
    target = "cuda"
