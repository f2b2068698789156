"""What the tests of the generator share."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.build import build, prepare
from tests.generator.examples import (
    Folder,
    check,
    claim,
    kernel_source,
    repetition,
    samples,
    sha256,
    timing,
    timings,
)

NORM = "int norm(int x) { return x; } // of language a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty data folder."""
    (tmp_path / "data").mkdir()
    return Folder(tmp_path)


@pytest.fixture
def basic(folder: Folder) -> Folder:
    """Two devices, a model, and every kernel of the examples, but no row yet."""
    folder.device("gpu-a").device("gpu-b").model()
    for name in ("norm", "proj", "attend", "soft", "gemm"):
        folder.kernel(name)
    return folder


def fill(folder: Folder) -> Folder:
    """One of everything that a page shows."""
    half = {"gb_per_s": 150, "what": "one half", "source": {"title": "t", "url": "https://example.org"}}
    folder.device("gpu-a", other_bandwidths=[half]).device("gpu-b").device(
        "no-rows", peak_bandwidth=None
    ).model()
    for name in ("norm", "proj", "attend", "soft", "gemm"):
        folder.kernel(name)
    said = [claim("mbu_percent", 50, "%"), claim("compile_s", 7, "s")]
    step = timings(timing("norm", us=1), timing("proj", "attend", us=4, per="token"))
    folder.reported("top", "gpu-a", 50_000, step, claims=said, kernel_source=kernel_source())
    folder.emitted({("norm", "lang-a"): NORM, ("norm", "lang-b"): "norm = 1\n", ("soft", "lang-a"): "soft\n"})
    folder.instructions("no-rows")
    folder.proof(
        "norm", "lang-a", NORM, check(), check("vendor-compiled", tool="a compiler", this_text=False)
    )
    ran = timing("norm", ns=[900, 950], emitted_sha256=sha256(NORM))
    uneven = [repetition(step_ns=[30_000, 31_000], read_gb_per_s_before=300, read_gb_per_s_after=100 + turn,
                         other_cores_busy=turn / 20) for turn in range(5)]  # fmt: skip
    folder.measured("second", "gpu-b", samples([30_000, 31_000], repetitions=uneven), timings(ran),
                    decode_depth_tokens=4)  # fmt: skip
    folder.measured("other", "gpu-b", samples([60_000, 62_000]), role="baseline", decode_baseline_of="second")
    folder.reported("base", "gpu-a", 10_000, role="baseline", decode_baseline_of="top")
    folder.reported("ref", "gpu-b", 100, role="reference").reported("gone", "gpu-b", 60_000).retract("gone")
    shape = {"rows": 64, "cols": 1024}
    failed = timing("soft", us=2, shape=shape, numerics_ok=False, implementation="wrong")
    folder.reported("micro-a", "gpu-a", None, timings(timing("soft", us=3, shape=shape), failed, model=None))
    gemm = timing("gemm", us=9, shape={"m": 8, "n": 8, "k": 8})
    return folder.reported(
        "micro-b", "gpu-b", None, timings(timing("soft", us=4, shape=shape), gemm, model=None)
    )


@pytest.fixture
def whole(folder: Folder) -> Folder:
    """A data folder with one of everything, to vary."""
    return fill(folder)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The same, with its site; not to be changed."""
    folder = fill(Folder(tmp_path_factory.mktemp("built")))
    build(folder.layout, prepare(folder.layout))
    return folder
