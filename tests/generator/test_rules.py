"""What no file can say of itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from generator.dataset import read_dataset
from generator.rules import cross_file_problems
from tests.generator.examples import TODAY, Folder, claim, price, samples, timing, timings


def only(folder: Folder) -> str:
    """The one problem between files."""
    lines = folder.problems()
    assert len(lines) == 1, lines
    return lines[0]


ROW = "data/reported/page/r.json"


def test_an_empty_folder_has_no_problems(folder: Folder) -> None:
    assert not folder.problems()


def test_problems_are_in_the_order_of_paths(basic: Folder) -> None:
    basic.reported("z", "gpu-x").reported("a", "gpu-x").measured("m", "gpu-y", samples([1000]))
    assert [line.split(":")[0] for line in basic.problems()] == [
        "data/reported/page/a.json", "data/reported/page/z.json", "data/results/gpu-y/m.json",
    ]  # fmt: skip


def test_an_unknown_device_is_listed_with_the_nearest_one(basic: Folder) -> None:
    basic.reported("r", "gpu-aa")
    assert only(basic) == (
        f"{ROW}: device: is unknown (got 'gpu-aa'); did you mean 'gpu-a'? known: gpu-a, gpu-b"
    )


def test_an_unknown_device_of_a_measured_row_asks_for_its_drafted_file_first(basic: Folder) -> None:
    basic.measured("r", "gpu-aa", samples([1000]))
    (line,) = (line for line in basic.problems() if ": device: " in line)
    assert line == (
        "data/results/gpu-aa/r.json: device: is unknown (got 'gpu-aa'); "
        "add data/devices/gpu-aa.md, which the runner drafted; else did you mean 'gpu-a'? known: gpu-a, gpu-b"
    )


def test_an_alias_of_a_measured_row_is_answered_with_its_device(basic: Folder) -> None:
    basic.device("gpu-b", aliases=["old-name"]).measured("r", "old-name", samples([1000]))
    assert any(line.endswith("; write 'gpu-b'") for line in basic.problems())


def test_an_alias_is_answered_with_its_device(basic: Folder) -> None:
    basic.device("gpu-b", aliases=["old-name"]).reported("r", "old-name")
    assert only(basic) == f"{ROW}: device: is unknown (got 'old-name'); write 'gpu-b'"


def test_an_alias_that_is_nearly_right_is_proposed(basic: Folder) -> None:
    basic.device("gpu-b", aliases=["veryoldname"]).reported("r", "veryoldnam")
    assert "did you mean 'veryoldname'?" in only(basic)


@pytest.mark.parametrize(
    ("row", "field", "known"),
    [
        ({"decode_model": "tin"}, "decode.model", "did you mean 'tiny'? known: tiny"),
        ({"role": "baseline", "decode_baseline_of": "s"}, "decode.baseline_of", "known: r"),
        ({"kernels": timings(timing("nrm", us=3))}, "kernels.timings[0].kernels[0]", "did you mean 'norm'?"),
        ({"kernels": timings(timing("norm", "xyz", us=3))}, "kernels.timings[0].kernels[1]", "known: attend"),
        ({"kernels": timings(timing("norm", us=3), model="big")}, "kernels.model", "known: tiny"),
        ({"kernels": timings(timing("norm", us=3), step_of="q")}, "kernels.step_of", "known: r"),
        (
            {"claims": [claim("speedup_over_baseline", 2, "x", against="q")]},
            "decode.figure.claims[0].against",
            "known: r",
        ),
    ],
)
def test_an_unknown_id_is_listed_with_the_known_ones(
    basic: Folder, row: dict[str, Any], field: str, known: str
) -> None:
    basic.reported("r", "gpu-a", **row)
    line = only(basic)
    assert line.startswith(f"{ROW}: {field}: is unknown (got '")
    assert known in line


def test_a_withdrawal_of_an_unknown_row(basic: Folder) -> None:
    basic.reported("r", "gpu-a").retract("r", "s")
    assert only(basic) == "data/retracted.yml: retractions[1].result: is unknown (got 's'); known: r"


def test_a_model_has_one_reference(basic: Folder) -> None:
    basic.reported("r", "gpu-a", role="reference").reported("s", "gpu-b", role="reference")
    assert only(basic).startswith("data/reported/page/s.json: role: is taken (got 'reference', which r is")


def test_each_model_may_have_its_reference(basic: Folder) -> None:
    basic.model("other").reported("r", "gpu-a", role="reference")
    basic.reported("s", "gpu-b", role="reference", decode_model="other")
    assert not basic.problems()


def test_a_withdrawn_reference_makes_room(basic: Folder) -> None:
    basic.reported("r", "gpu-a", role="reference").reported("s", "gpu-b", role="reference").retract("r")
    assert not basic.problems()


def test_today_is_not_in_the_future(basic: Folder) -> None:
    basic.reported("r", "gpu-a").retract("r", date=TODAY.isoformat())
    basic.measured("m", "gpu-a", samples([1000]), measured_at=f"{TODAY.isoformat()}T23:59:59Z")
    assert not basic.problems()


def test_a_price_that_nobody_can_have_read_yet(basic: Folder) -> None:
    basic.device("gpu-a", price=price(1, date="2026-06-02")).device(
        "gpu-b", price=price(1, date="2026-06-01")
    )
    (line,) = basic.problems(today=date(2026, 6, 1))
    assert line.startswith("data/devices/gpu-a.md: price.date: lies in the future (got '2026-06-02')")


def test_days_that_have_not_come(basic: Folder) -> None:
    basic.reported("r", "gpu-a").retract("r")
    basic.measured("m", "gpu-a", samples([1000]))
    lines = basic.problems(today=date(2024, 2, 28))
    assert [line.split(": ")[:2] for line in lines] == [
        ["data/reported/page/r.json", "source.retrieved"],
        ["data/results/gpu-a/m.json", "measured_at"],
        ["data/retracted.yml", "retractions[0].date"],
    ]
    assert lines[0].endswith("lies in the future (got '2024-02-29'); today is 2024-02-28")


def test_a_measured_row_does_not_belong_among_reported_ones(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([1000]))
    (basic.data / "results/gpu-a").rename(basic.data / "reported")
    assert only(basic) == (
        "data/reported/m.json: provenance: does not belong here (got 'measured'); data/reported/ holds "
        "reported rows only"
    )


def test_a_reported_row_does_not_belong_among_measured_ones(basic: Folder) -> None:
    basic.reported("r", "gpu-a")
    (basic.data / "results").mkdir()
    (basic.data / "reported/page").rename(basic.data / "results/gpu-a")
    assert only(basic) == (
        "data/results/gpu-a/r.json: provenance: does not belong here (got 'reported'); data/results/ holds "
        "measured rows only"
    )


@pytest.mark.parametrize("place", ["results/gpu-b", "results/gpu-a/more", "results"])
def test_a_measured_row_lies_in_the_folder_of_its_device(basic: Folder, place: str) -> None:
    basic.measured("m", "gpu-a", samples([1000]))
    text = (basic.data / "results/gpu-a/m.json").read_bytes()
    (basic.data / "results/gpu-a/m.json").unlink()
    (basic.data / place).mkdir(exist_ok=True)
    (basic.data / place / "m.json").write_bytes(text)
    assert only(basic) == (
        f"data/{place}/m.json: device: differs from its folder (got 'gpu-a'); move it to data/results/gpu-a/"
    )


@pytest.mark.parametrize("place", [".", "results", "reported/gpu-b", "out/results/gpu-b"])
def test_a_file_from_elsewhere_has_no_folder_yet(basic: Folder, place: str) -> None:
    basic.measured("m", "gpu-a", samples([1000]))
    outside = basic.root / place
    outside.mkdir(parents=True, exist_ok=True)
    (basic.data / "results/gpu-a/m.json").rename(outside / "m.json")
    data, problems = read_dataset(basic.data, extra=[outside / "m.json"])
    assert "m" in data.runs
    assert not [*problems, *cross_file_problems(data, TODAY)]


def test_the_data_folder_may_have_another_name(basic: Folder) -> None:
    basic.measured("m", "gpu-b", samples([1000])).reported("r", "gpu-a").retract("q")
    (basic.data / "results/gpu-b").rename(basic.data / "results/gpu-a")
    records = basic.data.rename(basic.root / "records")
    data, _ = read_dataset(records)
    assert [(problem.path, problem.remedy) for problem in cross_file_problems(data, TODAY)] == [
        ("records/results/gpu-a/m.json", "move it to records/results/gpu-b/"),
        ("records/retracted.yml", "known: m, r"),
    ]


def test_a_row_above_100_percent_mbu_is_refused(basic: Folder) -> None:
    # 2,976 bytes at 300 GB/s take 9.92 ns: 100.8 million tok/s at most
    basic.reported("r", "gpu-a", 1.01e8)
    assert only(basic) == (
        f"{ROW}: decode.figure.tok_per_s: is impossible (got 1.01e+08 tok/s, 100.2 % of the memory bandwidth); "
        "check the measurement, the dtype and data/devices/gpu-a.md"
    )


def test_a_row_just_below_100_percent_mbu_stands(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 1.008e8)
    assert not basic.problems()


def test_a_measured_row_above_100_percent_mbu_is_refused(basic: Folder) -> None:
    basic.measured("m", "gpu-a", samples([9, 9, 9]))
    assert "decode.samples: is impossible (got 1.1111e+08 tok/s" in only(basic)


def test_keys_and_values_count_against_the_speed_of_light(basic: Folder) -> None:
    """11 ns are enough for the weights, but not for 1,000 tokens of cache beside them."""
    basic.measured("m", "gpu-a", samples([11, 11, 11]))
    assert not basic.problems()
    basic.measured("m", "gpu-a", samples([11, 11, 11]), decode_depth_tokens=1000)
    assert "is impossible" in only(basic)


def test_wider_weights_take_longer(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 6e7)
    assert not basic.problems()
    basic.reported("r", "gpu-a", 6e7, decode_dtype="f32")
    assert "is impossible" in only(basic)


def test_a_baseline_cannot_be_impossible_either(basic: Folder) -> None:
    basic.reported("r", "gpu-a").reported("b", "gpu-a", 2e8, role="baseline", decode_baseline_of="r")
    assert "b.json: decode.figure.tok_per_s: is impossible" in only(basic)


def test_a_withdrawn_row_may_be_impossible(basic: Folder) -> None:
    """It stays on file with its reason, which may be just that."""
    basic.reported("r", "gpu-a", 2e8).retract("r")
    assert not basic.problems()


def test_without_a_bandwidth_nothing_is_impossible(basic: Folder) -> None:
    basic.device("gpu-a", peak_bandwidth=None).reported("r", "gpu-a", 2e8)
    assert not basic.problems()


def test_a_baseline_of_another_device(basic: Folder) -> None:
    basic.reported("r", "gpu-b").reported("b", "gpu-a", role="baseline", decode_baseline_of="r")
    assert only(basic).startswith(
        "data/reported/page/b.json: decode.baseline_of: is another device's or model's row (got 'r')"
    )


def test_a_baseline_of_another_model(basic: Folder) -> None:
    basic.model("other").reported("r", "gpu-a", decode_model="other")
    basic.reported("b", "gpu-a", role="baseline", decode_baseline_of="r")
    assert "b.json: decode.baseline_of: is another device's or model's row" in only(basic)


def test_a_baseline_of_a_row_without_a_decode_step(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3)))
    basic.reported("b", "gpu-a", role="baseline", decode_baseline_of="r")
    assert "decode.baseline_of" in only(basic)


@pytest.mark.parametrize("metric", ["speedup_over_baseline", "speedup_over_reference"])
def test_a_speedup_is_over_something(basic: Folder, metric: str) -> None:
    basic.reported("r", "gpu-a", claims=[claim("mbu_percent", 5, "%"), claim(metric, 2, "x")])
    assert only(basic).startswith(f"{ROW}: decode.figure.claims[1].against: is missing (got null)")


@pytest.mark.parametrize(
    ("shape", "got"), [({"rows": 1}, "rows"), ({"rows": 1, "columns": 2}, "rows, columns"), ({}, "none")]
)
def test_a_shape_has_the_axes_of_its_kernel(basic: Folder, shape: dict[str, int], got: str) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("gemm", us=1, shape={"m": 1, "n": 1, "k": 1}),
                                               timing("soft", us=3, shape=shape)))  # fmt: skip
    assert only(basic) == (
        f"{ROW}: kernels.timings[1].shape: has the wrong axes (got {got}); soft has rows, cols"
    )


def test_a_shape_may_list_its_axes_in_any_order(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("soft", us=3, shape={"cols": 2, "rows": 1})))
    assert not basic.problems()


def test_a_microbenchmark_has_no_shape_of_the_model(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), timing("soft", us=3)))
    assert only(basic) == (
        f"{ROW}: kernels.timings[1].shape: is missing (got null, and no model gives it); give one: "
        "soft has rows, cols"
    )


def test_a_fused_part_without_a_shape_of_the_model(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", "soft", us=3)))
    assert "give one: soft has rows, cols" in only(basic)


def test_a_sum_over_a_token_needs_calls(basic: Folder) -> None:
    away = timing("norm", us=3, per="token", shape={"cols": 4096})
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3, per="token"), away))
    assert only(basic).startswith(
        f"{ROW}: kernels.timings[1].per: is a sum over calls that no step makes (got 'token')"
    )


@pytest.mark.parametrize(
    ("device", "change"),
    [("gpu-b", {}), ("gpu-a", {"tok_per_s": None, "kernels": timings(timing("norm", us=3))})],
)
def test_kernels_make_up_a_step_of_their_own_device(
    basic: Folder, device: str, change: dict[str, Any]
) -> None:
    basic.reported("step", device, **change)
    block = timings(timing("norm", us=3), timing("proj", us=3), step_of="step")
    basic.reported("r", "gpu-a", None, block)
    assert only(basic).startswith(
        f"{ROW}: kernels.step_of: is no decode row of this device and model (got 'step')"
    )


def test_kernels_make_up_a_step_of_their_own_model(basic: Folder) -> None:
    basic.model("other").reported("step", "gpu-a", decode_model="other")
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), step_of="step"))
    assert "kernels.step_of: is no decode row of this device and model" in only(basic)


def test_one_wrong_block_is_told_once_and_not_per_kernel(basic: Folder) -> None:
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), timing("proj", us=3), model="big"))
    assert len([line for line in basic.problems() if "kernels.model" in line]) == 1


def test_strange_but_valid_rows_raise_nothing(basic: Folder) -> None:
    """Rules run before anything else may rely on ids."""
    strange = timings(timing("x", "y", us=3, per="token"), timing("z", us=1e-9), model="w", step_of="v")
    claims = [claim("kernel_speedup", 1, "x", against="s")]
    basic.reported("r", "gpu-x", 1e15, strange, decode_model="u", decode_baseline_of="t", claims=claims)
    basic.retract("q")
    assert [line.split(": ")[1] for line in basic.problems()] == [
        "decode.baseline_of",
        "decode.figure.claims[0].against",
        "decode.model",
        "device",
        "kernels.model",
        "kernels.step_of",
        "kernels.timings[0].kernels[0]",
        "kernels.timings[0].kernels[1]",
        "kernels.timings[1].kernels[0]",
        "retractions[0].result",
    ]


NOISY = samples([1_000_000], [1_000_000], [1_000_000], [1_300_000], [1_300_000])


def test_repetitions_that_lie_far_apart_need_a_reason(basic: Folder) -> None:
    line = only(basic.measured("m", "gpu-a", NOISY, notes=" "))
    assert line == (
        "data/results/gpu-a/m.json: notes: are empty, though repetitions lie far apart "
        "(got a variation of 14.7 %); say why, or measure again"
    )


@pytest.mark.parametrize("case", ["a reason", "a quick run", "less noise"])
def test_a_reason_or_a_quick_run_or_less_noise_will_do(basic: Folder, case: str) -> None:
    calm = samples([1_000_000], [1_000_000], [1_000_000], [1_000_000], [1_100_000])
    basic.measured("m", "gpu-a", calm if case == "less noise" else NOISY, quick=case == "a quick run",
                   notes="a shared host" if case == "a reason" else "")  # fmt: skip
    assert basic.problems() == []


@pytest.mark.parametrize("name", ["a b", "Page", "a/b", "..a", "a\nb"])
def test_a_published_row_lies_in_the_folder_of_its_source(basic: Folder, name: str) -> None:
    basic.reported("r", "gpu-a")
    place = basic.data / "reported" / name / "r.json"
    place.parent.mkdir(parents=True)
    (basic.data / "reported/page/r.json").rename(place)
    assert ": file: lies in no folder of a source (got '" in only(basic)
