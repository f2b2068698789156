"""What a row keeps of its file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from generator.rows import RunRows
from schemas.contract import STEP
from schemas.load import schema
from tests.generator.examples import (
    Folder,
    claim,
    kernel_source,
    repetition,
    samples,
    timing,
    timings,
)


def reported(folder: Folder, **changes: Any) -> RunRows:
    return folder.reported("row", "gpu-a", **changes).dataset().runs["row"]


def measured(folder: Folder, **changes: Any) -> RunRows:
    return folder.measured("row", "gpu-a", **changes).dataset().runs["row"]


def test_a_reported_figure_is_its_own_interval(folder: Folder) -> None:
    row = reported(folder, tok_per_s=250.0).decode
    assert row is not None
    assert row.tpot_ns == row.tpot_low_ns == row.tpot_high_ns == 4e6
    assert (row.samples, row.repetitions, row.cv_percent, row.tpot_p99_ns) == (None, None, None, None)


def test_a_measured_row_is_distilled_to_its_spread(folder: Folder) -> None:
    row = measured(folder, samples=samples([100, 110], [102, 112], [98, 108], [100, 110], [101, 111])).decode
    assert row is not None
    assert row.tpot_ns == 105
    assert row.tpot_low_ns < 105 < row.tpot_high_ns
    assert (row.samples, row.repetitions, row.compile_s, row.steps_per_repetition) == (10, 5, 1.5, 2)


def test_times_of_whole_repetitions_are_distilled_too(folder: Folder) -> None:
    whole = samples([1, 1, 1, 1], timing="per_repetition", repetitions=[repetition(total_ns=400)] * 5)
    row = measured(folder, samples=whole).decode
    assert row is not None
    assert (row.tpot_ns, row.samples) == (100, 5)


def test_a_row_of_kernels_alone_has_no_decode_row(folder: Folder) -> None:
    rows = reported(folder, tok_per_s=None, kernels=timings(timing("norm", us=2.5)))
    assert rows.decode is None
    assert [row.kernel for row in rows.kernels] == ["norm"]


def test_what_a_publication_states_of_a_kernel(folder: Folder) -> None:
    figure = {"latency_us": 2.5, "min_us": 2.0, "max_us": None, "values_in_source": 7}
    (row,) = reported(folder, kernels=timings(timing("norm", us=2.5, figure=figure))).kernels
    assert (row.latency_ns, row.low_ns, row.high_ns, row.values) == (2500, 2000, None, 7)


def test_samples_of_a_kernel_become_median_and_interval(folder: Folder) -> None:
    (row,) = measured(folder, kernels=timings(timing("norm", ns=[12, 10, 11]))).kernels
    assert (row.latency_ns, row.low_ns, row.high_ns, row.values) == (11, 10, 12, 3)


def test_a_kernel_that_failed_its_check_has_no_latency(folder: Folder) -> None:
    (row,) = measured(folder, kernels=timings(timing("norm", numerics_ok=False))).kernels
    assert (row.latency_ns, row.low_ns, row.high_ns, row.values) == (None, None, None, None)
    assert row.numerics_ok is False


def test_fused_kernels_are_one_row(folder: Folder) -> None:
    first, second = reported(
        folder, kernels=timings(timing("norm", "proj", us=2), timing("attend", us=3), depth_tokens=9)
    ).kernels
    assert (first.kernel, first.index, first.shape) == ("norm + proj", 0, None)
    assert (second.kernel, second.index, second.depth_tokens) == ("attend", 1, 9)


def test_a_shape_keeps_its_axes(folder: Folder) -> None:
    (row,) = reported(folder, kernels=timings(timing("soft", us=2, shape={"rows": 2, "cols": 3}))).kernels
    assert row.shape == (("rows", 2), ("cols", 3))


@pytest.mark.parametrize(("languages", "said"), [(["A", "B"], "A + B"), (["A"], "A"), ([], None)])
def test_languages_of_a_stack(folder: Folder, languages: list[str], said: str | None) -> None:
    stack = {"name": "s", "backend": None, "languages": languages, "toolchain": None, "driver": None}
    assert reported(folder, stack=stack).run.languages == said


def test_a_row_knows_its_file_and_its_source(folder: Folder) -> None:
    run = reported(folder).run
    assert run.path == "data/reported/page/row.json"
    assert (run.source_title, run.source_locator) == ("A page of figures", "table 2, row 3")
    assert run.source_retrieved == "2024-02-29"
    assert run.submitter is None


def test_a_measured_row_has_a_submitter_and_no_source(folder: Folder) -> None:
    run = measured(folder, samples=samples([100])).run
    assert run.path == "data/results/gpu-a/row.json"
    assert (run.source_title, run.source_url, run.submitter) == (None, None, "A. Person")


@pytest.mark.parametrize(
    ("source", "label", "key"),
    [
        (None, None, None),
        (kernel_source(revision=None), "kernels (revision not stated)", None),
        (kernel_source(), "kernels 0123abc", "kernels 0123abc"),
        (kernel_source(sha256="ab" * 32), "kernels abababab", "ab" * 32),
        (kernel_source(revision="0123456789ab"), "kernels 01234567", "kernels 0123456789ab"),
    ],
)
def test_what_makes_two_rows_come_from_one_kernel_source(
    folder: Folder, source: Any, label: str | None, key: str | None
) -> None:
    run = reported(folder, kernel_source=source).run
    assert (run.kernel_source, run.kernel_source_key) == (label, key)


def test_claims_of_a_source_stay_with_the_row(folder: Folder) -> None:
    rows = reported(folder, claims=[claim("mbu_percent", 9.5, "%")])
    assert [(one.metric, one.value) for one in rows.claims] == [("mbu_percent", 9.5)]


def test_a_measured_row_makes_no_claims(folder: Folder) -> None:
    assert measured(folder, samples=samples([100])).claims == ()


def test_the_step_that_is_ranked_is_the_one_that_the_schema_asks_of_measured_rows() -> None:
    measured = schema("result")["allOf"][0]["then"]["properties"]["decode"]["then"]["properties"]
    wanted = {name: rule["const"] for name, rule in measured["contract"]["properties"].items()}
    assert asdict(STEP) == wanted
