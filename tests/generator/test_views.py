"""The board as pages cut it."""

from __future__ import annotations

import pytest

from generator.views import DeviceView, KernelView, ModelView, other_mbu
from tests.generator.examples import (
    MODEL,
    Data,
    Folder,
    about,
    claim,
    kernel_source,
    samples,
    timing,
    timings,
)

OTHER = {"gb_per_s": 150, "what": "a half", "source": {"title": "t", "url": "https://a.org"}}


def model(folder: Folder, name: str = MODEL) -> ModelView:
    board = folder.board()
    return ModelView(board, board.data.models[name])


def kernel(folder: Folder, name: str) -> KernelView:
    board = folder.board()
    return KernelView(board, board.data.kernels[name])


def device(folder: Folder, name: str = "gpu-a") -> DeviceView:
    board = folder.board()
    return DeviceView(board, board.data.devices[name])


def test_the_headline_has_ranked_rows_then_others_then_the_reference(basic: Folder) -> None:
    basic.reported("second", "gpu-a", 20).reported("first", "gpu-b", 30).reported(
        "gone", "gpu-a", 90
    ).retract("gone")
    basic.reported("ref", "gpu-b", 25, role="reference").measured(
        "quick", "gpu-a", samples([10**6]), quick=True
    )
    basic.reported("base", "gpu-a", 50, role="baseline", decode_baseline_of="second")
    view = model(basic)
    assert [row.run for row in view.headline] == ["first", "second", "gone", "ref"]
    assert [row.run for row in view.baselines] == ["base"]
    assert view.reference is not None
    assert view.reference.run == "ref"
    assert [one.id for one in view.devices] == ["gpu-b", "gpu-a"]


def test_a_row_stands_in_the_headline_once(basic: Folder) -> None:
    basic.reported("r", "gpu-a", decode_numerics_ok=False).reported("s", "gpu-a", 3)
    assert [row.run for row in model(basic).headline] == ["s", "r"]


def test_one_device_leads_or_several_share(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 20).reported("b", "gpu-b", 30)
    assert [row.run for row in model(basic).leaders] == ["b"]
    basic.reported("a", "gpu-a", 30)
    assert [row.run for row in model(basic).leaders] == ["a", "b"]


def test_a_model_of_unranked_rows_has_no_leader(basic: Folder) -> None:
    basic.reported("ref", "gpu-a", role="reference")
    view = model(basic)
    assert (view.leaders, view.sources, view.steps, view.against_kernels) == ([], [], [], [])
    assert [row.run for row in view.headline] == ["ref"]


def test_a_withdrawn_reference_is_none(basic: Folder) -> None:
    basic.reported("r", "gpu-a").reported("ref", "gpu-b", role="reference").retract("ref")
    assert (model(basic).reference, device(basic).reference) == (None, None)


def test_a_dot_in_the_id_of_a_kernel_is_a_dot(basic: Folder) -> None:
    none: Data = {"axes": [], "model_shape": {}, "reads": [], "writes": [], "flops": []}
    basic.kernel("a.b", **none).kernel("axb", **none)
    basic.reported("r", "gpu-a", None, timings(timing("axb", us=1), timing("a.b", "norm", us=1)))
    assert list(kernel(basic, "a.b").rows["kernel"]) == ["a.b + norm"]


def test_views_of_two_models_do_not_mix(basic: Folder) -> None:
    basic.model("other").reported("a", "gpu-a", 20).reported("b", "gpu-b", 30, decode_model="other")
    assert [row.run for row in model(basic).ranked.itertuples()] == ["a"]
    assert [row.run for row in model(basic, "other").ranked.itertuples()] == ["b"]
    assert model(basic).reference is None


def test_what_the_ranked_rows_differ_in(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 20).reported("b", "gpu-b", 30, decode_dtype="f32")
    basic.measured("c", "gpu-a", samples([10**9]), decode_depth_tokens=128, decode_dtype="f32")
    basic.reported("ref", "gpu-a", 1, role="reference", decode_dtype="bf16", decode_depth_tokens=7)
    (difference,) = model(basic).differences
    assert difference == "the storage type of the weights (f32, f16)"
    assert model(basic).unstated_depths == 2
    basic.measured("d", "gpu-b", samples([10**9]), decode_depth_tokens=256)
    assert model(basic).differences[1] == "the context depth"


def test_sources_claims_and_steps_are_those_of_the_model(basic: Folder) -> None:
    basic.reported("a", "gpu-a", 20, timings(timing("norm", us=3)), kernel_source=kernel_source(),
                   claims=[claim("compile_s", 3, "s")])  # fmt: skip
    basic.reported(
        "base", "gpu-a", 50, timings(timing("norm", us=2)), role="baseline", decode_baseline_of="a"
    )
    view = model(basic)
    assert [group.devices for group in view.sources] == [("Device gpu-a",)]
    assert [one.claim.metric for one in view.claims] == ["compile_s"]
    assert [step.run for step in view.steps] == ["a"]
    assert [step.run for step in device(basic).steps] == ["a", "base"]


def test_ranked_devices_that_no_contest_judges(basic: Folder) -> None:
    basic.device("gpu-c")
    for name in ("gpu-a", "gpu-b", "gpu-c"):
        basic.reported(name, name)
    basic.reported("k-a", "gpu-a", None, timings(timing("norm", us=3)))
    assert model(basic).without_kernels == ["Device gpu-a", "Device gpu-b", "Device gpu-c"]
    basic.reported("k-b", "gpu-b", None, timings(timing("norm", us=3)))
    assert model(basic).without_kernels == ["Device gpu-c"]


def test_mbu_against_other_bandwidths(basic: Folder) -> None:
    basic.device("gpu-a", other_bandwidths=[OTHER]).reported("a", "gpu-a", 1e7).reported("b", "gpu-b", 1e7)
    board = basic.board()
    assert other_mbu(board, board.decode) == {"a": [{"gb_per_s": 150, "percent": about(19.84)}]}
    assert device(basic).other_mbu == model(basic).other_mbu == other_mbu(board, board.decode)


def test_rows_of_a_kernel_alone_and_fused(basic: Folder) -> None:
    basic.kernel("norm-two", **{"axes": [], "model_shape": {}, "reads": [], "writes": [], "flops": []})
    fused = (
        timing("proj", "norm", us=2),
        timing("norm", "attend", us=2),
        timing("proj", "norm", "attend", us=2),
    )
    basic.reported("r", "gpu-a", None, timings(timing("norm", us=3), *fused, timing("norm-two", us=1)))
    assert sorted(kernel(basic, "norm").rows["kernel"]) == [
        "norm", "norm + attend", "proj + norm", "proj + norm + attend",
    ]  # fmt: skip
    assert list(kernel(basic, "norm-two").rows["kernel"]) == ["norm-two"]
    assert kernel(basic, "soft").rows.empty


def test_groups_of_rows_that_compare(basic: Folder) -> None:
    calls = timing("norm", us=3), timing("norm", us=2, dtype="f32"), timing("norm", us=9, per="token")
    basic.reported("r", "gpu-a", None, timings(*calls))
    basic.reported(
        "s",
        "gpu-b",
        None,
        timings(timing("norm", us=1, numerics_ok=False), timing("norm", us=4, implementation="x")),
    )
    found = kernel(basic, "norm").groups
    assert [(group["dtype"], group["per"], group["total"]) for group in found] == [
        ("f16", "call", 3), ("f16", "token", 1), ("f32", "call", 1),
    ]  # fmt: skip
    assert [(row.latency_us, row.rank == row.rank) for row in found[0]["rows"]] == [
        (about(3), True), (about(4), True), (about(1), False),
    ]  # fmt: skip


def test_a_long_group_is_cut_and_says_how_long_it_is(basic: Folder) -> None:
    entries = [timing("norm", us=1 + i, implementation=f"v{i}") for i in range(30)]
    basic.reported("r", "gpu-a", None, timings(*entries))
    (group,) = kernel(basic, "norm").groups
    assert (group["total"], len(group["rows"]), group["rows"][0].implementation) == (30, 20, "v0")


def test_the_best_row_of_a_kernel_has_the_highest_rate(basic: Folder) -> None:
    small, large = {"rows": 1, "cols": 1}, {"rows": 100, "cols": 100}
    basic.reported(
        "r", "gpu-a", None, timings(timing("soft", us=1, shape=small), timing("soft", us=2, shape=large))
    )
    best = kernel(basic, "soft").best
    assert best is not None
    assert best.latency_us == about(2)
    assert kernel(basic, "norm").best is None


def test_the_steps_that_call_a_kernel(basic: Folder) -> None:
    found = kernel(basic, "norm").steps
    assert [(one.id, calls, shape) for one, calls, shape in found] == [(MODEL, 5, {"cols": 8})]
    assert kernel(basic, "attend").steps[0][2] == {"depth": None}
    assert kernel(basic, "soft").steps == []


def test_a_device_and_its_rows(basic: Folder) -> None:
    basic.reported("slow", "gpu-a", 10, timings(timing("norm", us=1))).reported("fast", "gpu-a", 30)
    basic.reported("other", "gpu-b", 50)
    view = device(basic)
    assert [row.run for row in view.decode_rows] == ["fast", "slow"]
    assert view.best is not None
    assert (view.best.run, view.best.rank) == ("fast", 2)
    assert [step.run for step in view.steps] == ["slow"]
    assert list(view.kernels["kernel"]) == ["norm"]


def test_a_device_without_rows(basic: Folder) -> None:
    view = device(basic)
    assert (view.best, view.decode_rows, view.best_kernels, view.steps, view.reference) == (
        None,
        [],
        [],
        [],
        None,
    )
    assert view.roofs == [
        ("Tiny 1K", "16-bit weights", about(300e9 / 2976)),
        ("Tiny 1K", "32-bit weights", about(150e9 / 2976)),
    ]


def test_a_device_without_bandwidth_has_no_roof(basic: Folder) -> None:
    assert device(basic.device("gpu-a", peak_bandwidth=None)).roofs == []


def test_the_best_kernels_of_a_device(basic: Folder) -> None:
    entries = timing("norm", us=3), timing("norm", us=2, implementation="x"), timing("proj", us=1)
    basic.reported("r", "gpu-a", None, timings(*entries)).reported(
        "s", "gpu-b", None, timings(timing("norm", us=1))
    )
    assert [(row.kernel, row.latency_us, row.rank) for row in device(basic).best_kernels] == [
        ("norm", about(2), 2), ("proj", about(1), 1),
    ]  # fmt: skip


def test_a_ranked_kernel_row_goes_before_a_faster_one_that_is_wrong(basic: Folder) -> None:
    entries = timing("norm", us=3), timing("norm", us=1, numerics_ok=False, implementation="x")
    basic.reported("r", "gpu-a", None, timings(*entries))
    assert [row.latency_us for row in device(basic).best_kernels] == [about(3)]


@pytest.mark.parametrize("own", [True, False])
def test_the_reference_of_a_device_is_that_of_its_model(basic: Folder, own: bool) -> None:
    basic.model("other").reported("r", "gpu-a").reported("ref", "gpu-b", role="reference",
                                                         decode_model=MODEL if own else "other")  # fmt: skip
    reference = device(basic).reference
    assert (reference.run if reference else None) == ("ref" if own else None)
