"""What a schema cannot say about one file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.examples import Data, Folder, repetition, samples, tensor, timing, timings


def only(folder: Folder) -> str:
    """The one problem of single files, without the path."""
    _, problems = folder.read()
    assert len(problems) == 1, problems
    return str(problems[0]).partition(": ")[2]


def test_a_valid_folder_has_no_problems(basic: Folder) -> None:
    basic.reported("r", "gpu-a", kernels=timings(timing("norm", us=3)))
    basic.measured("m", "gpu-a", samples([1000]), timings(timing("norm", ns=[30])))
    assert not basic.problems()


@pytest.mark.parametrize("field", ["retrieved", "published"])
def test_a_date_that_does_not_exist(basic: Folder, field: str) -> None:
    source = {
        "title": "t",
        "url": "https://a.org",
        "locator": "l",
        "retrieved": "2024-02-29",
        "published": None,
    }
    basic.reported("r", "gpu-a", source=source | {field: "2023-02-29"})
    assert only(basic).startswith(f"source.{field}: is not in the calendar (got '2023-02-29'); ")


def test_a_time_that_does_not_exist(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([1000]), measured_at="2026-04-31T00:00:00Z")
    assert "measured_at: is not in the calendar" in only(basic)


def test_a_day_of_withdrawal_that_does_not_exist(basic: Folder) -> None:
    basic.reported("r", "gpu-a").retract("r", date="2026-02-30")
    assert "retractions[0].date: is not in the calendar" in only(basic)


def test_a_row_can_be_withdrawn_once(basic: Folder) -> None:
    basic.reported("r", "gpu-a").retract("r", "r")
    assert only(basic) == "retractions[1].result: is withdrawn already (got 'r'); keep the first entry"


@pytest.mark.parametrize("kind", ["device", "kernel", "reported"])
def test_no_record_may_take_the_name_of_a_list(basic: Folder, kind: str) -> None:
    {"device": lambda: basic.device("index"), "kernel": lambda: basic.kernel("index", **NO_AXES),
     "reported": lambda: basic.reported("index", "gpu-a")}[kind]()  # fmt: skip
    assert only(basic) == "id: is how a file of the site is named (got 'index'); choose another id"


NO_AXES: Data = {"axes": [], "model_shape": {}, "reads": [], "writes": [], "flops": []}


def test_a_baseline_names_its_row(basic: Folder) -> None:
    basic.reported("b", "gpu-a", role="baseline")
    assert only(basic) == (
        "decode.baseline_of: is missing in a baseline (got null); name the row it is a baseline of"
    )


def test_a_baseline_of_kernels_alone_needs_no_row(basic: Folder) -> None:
    basic.reported("b", "gpu-a", None, timings(timing("norm", us=3)), role="baseline")
    assert not basic.problems()


@pytest.mark.parametrize(
    ("step_us", "fits"), [(10_000, True), (10_090, True), (10_110, False), (9_890, False)]
)
def test_step_time_and_throughput_agree_within_a_percent(basic: Folder, step_us: float, fits: bool) -> None:
    basic.reported("r", "gpu-a", decode_figure={"tok_per_s": 100, "step_us": step_us, "claims": []})
    if fits:
        assert not basic.problems()
    else:
        said = f"decode.figure.step_us: disagrees with tok_per_s (got {step_us}, expected about 10000)"
        assert only(basic).startswith(said)


def test_a_measured_row_has_five_repetitions(basic: Folder) -> None:
    few = samples([1000], repetitions=[repetition(step_ns=[1000])] * 4)
    basic.measured("m", "gpu-a", few)
    assert only(basic).startswith("decode.samples.repetitions: are too few (got 4); ")


def test_a_quick_row_may_have_fewer(basic: Folder) -> None:
    few = samples([1000], repetitions=[repetition(step_ns=[1000])])
    basic.measured("m", "gpu-a", few, quick=True)
    assert not basic.problems()


@pytest.mark.parametrize(
    ("timing_kind", "given", "wanted"),
    [
        ("per_step", {"total_ns": 2000}, "step_ns"),
        ("per_step", {}, "step_ns"),
        ("per_step", {"step_ns": [1000, 1000], "total_ns": 2000}, "step_ns"),
        ("per_repetition", {"step_ns": [1000, 1000]}, "total_ns"),
        ("per_repetition", {"step_ns": [1000, 1000], "total_ns": 2000}, "total_ns"),
    ],
)
def test_repetitions_hold_what_the_timing_says(
    basic: Folder, timing_kind: str, given: dict[str, Any], wanted: str
) -> None:
    good = {"step_ns": [1000, 1000]} if timing_kind == "per_step" else {"total_ns": 2000}
    made = [repetition(**good)] * 4 + [repetition(**given)]
    basic.measured("m", "gpu-a", samples([1000, 1000], timing=timing_kind, repetitions=made))
    assert only(basic).startswith(f"decode.samples.repetitions[4].{wanted}: does not fit the timing")


def test_every_step_is_there(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([1000, 1000], [1000, 1000, 1000]))
    _, problems = basic.read()
    assert [problem.field for problem in problems] == [
        f"decode.samples.repetitions[{index}].step_ns" for index in (1, 2, 3, 4)
    ]
    assert problems[0].problem == "has the wrong number of steps (got 3, expected 2)"


def test_a_latency_without_a_shape_needs_a_model(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), model=None))
    assert only(basic).startswith("kernels.timings[0].shape: is missing (got null); give a shape, or name")


def test_fused_kernels_have_no_one_shape(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", "proj", us=3, shape={"cols": 8})))
    assert only(basic).startswith("kernels.timings[0].shape: stands for several fused kernels")


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [(9, 11, True), (10, 10, True), (None, 11, True), (9, None, True), (10.5, 11, False), (9, 9.5, False)],
)
def test_a_latency_lies_between_its_bounds(
    basic: Folder, low: float | None, high: float | None, fits: bool
) -> None:
    figure = {"latency_us": 10, "min_us": low, "max_us": high, "values_in_source": 3}
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=10, figure=figure)))
    _, problems = basic.read()
    assert [problem.field for problem in problems] == (
        [] if fits else ["kernels.timings[0].figure.latency_us"]
    )


def test_a_latency_stands_once(basic: Folder) -> None:
    first = timing("soft", us=3, shape={"rows": 1, "cols": 2})
    basic.reported("r", "gpu-a", None, timings(first, timing("soft", us=4, shape={"cols": 2, "rows": 1})))
    assert only(basic) == "kernels.timings[1]: repeats an earlier timing (got soft); keep one"


@pytest.mark.parametrize(
    "change",
    [{"dtype": "f32"}, {"per": "token"}, {"implementation": "naive"}, {"execution": "vendor_library"},
     {"language": "Rust"}, {"shape": {"cols": 9}}],
)  # fmt: skip
def test_a_latency_of_something_else_is_no_repetition(basic: Folder, change: dict[str, Any]) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), timing("norm", us=3, **change)))
    assert not basic.problems()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"reads": [tensor("x", "rows")]}, "reads[0].axes"),
        ({"writes": [tensor("x", "cols"), tensor("y", "rows")]}, "writes[1].axes"),
        ({"flops": [{"times": 1, "axes": ["cols", "rows"]}]}, "flops[0].axes"),
        ({"model_shape": {"cols": "hidden_size", "rows": 4}}, "model_shape"),
    ],
)
def test_a_kernel_uses_only_its_axes(basic: Folder, change: dict[str, Any], where: str) -> None:
    basic.kernel("norm", **change)
    assert only(basic) == f"{where}: names an unknown axis (got 'rows'); known: cols"


def test_a_kernel_of_the_step_binds_every_axis(basic: Folder) -> None:
    basic.kernel("proj", model_shape={"in": "hidden_size"})
    assert only(basic).startswith("model_shape: leaves an axis open (got no 'out')")


def test_a_microbenchmark_may_leave_axes_open(basic: Folder) -> None:
    basic.kernel("soft", model_shape={"cols": "hidden_size"})
    assert not basic.problems()


def test_a_kernel_rated_by_operations_counts_them(basic: Folder) -> None:
    basic.kernel("gemm", flops=[])
    assert only(basic).startswith("flops: are missing (got none)")


def test_nothing_is_retrieved_before_it_was_published(basic: Folder) -> None:
    source = {"title": "t", "url": "https://a.org", "locator": "l", "retrieved": "2024-02-28"}
    basic.reported("r", "gpu-a", source=source | {"published": "2024-02-29"})
    assert only(basic).startswith("source.published: comes after it was retrieved (got '2024-02-29', ")


@pytest.mark.parametrize("name", ["...", "=-+", "😀"])
def test_a_submitter_has_a_letter_or_a_digit(basic: Folder, name: str) -> None:
    basic.measured("m", "gpu-a", samples([1000]), submitter=name)
    assert only(basic) == (
        f"submitter: holds no letter and no digit (got '{name}'); write a name that people can say"
    )


def test_a_measured_file_times_the_kernels_of_its_own_step(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([1000]), timings(timing("norm", ns=[30]), step_of="m"))
    assert not basic.read()[1]
    basic.measured("n", "gpu-a", None, timings(timing("norm", ns=[30]), step_of="m"))
    assert only(basic).startswith("kernels.step_of: is another row's step (got 'm'); ")
