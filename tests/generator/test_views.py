"""The board as pages cut it."""

from __future__ import annotations

import pytest

from generator.device_view import DeviceView
from generator.views import KernelView, ModelView, other_mbu
from tests.generator.examples import (
    MODEL,
    Data,
    Folder,
    about,
    check,
    claim,
    kernel_source,
    samples,
    sha256,
    source_of,
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


def test_what_was_withdrawn_or_superseded_stands_after_the_other_rows_without_a_rank(basic: Folder) -> None:
    basic.measured("old", "gpu-a", samples([10])).reported("gone", "gpu-a", 9e7).retract("gone")
    basic.measured("new", "gpu-a", samples([10**6]), measured_at="2026-05-01T00:00:00Z")
    basic.reported("wrong", "gpu-b", 3, decode_numerics_ok=False)
    assert [row.run for row in model(basic).headline] == ["new", "wrong", "old", "gone"]


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


def test_the_texts_of_a_kernel_with_the_devices_that_ran_them(basic: Folder) -> None:
    basic.emitted({("norm", "lang-a"): "a\n", ("norm", "lang-b"): "b\n", ("soft", "lang-a"): "a\n"})
    ran = timings(timing("norm", ns=[900], emitted_sha256=sha256("a\nf32")))
    basic.measured("right", "gpu-b", None, ran)
    wrong = timing("norm", emitted_sha256=sha256("b\n"), numerics_ok=False, error="wrong")
    basic.measured("wrong", "gpu-a", None, timings(wrong))
    view = kernel(basic, "norm")
    assert view.source is not None
    assert view.source.text == source_of("norm")
    assert [(one.language.name, one.text.text, one.ran_on) for one in view.texts] == [
        ("Language lang-a", "a\n", [("gpu-b", "Device gpu-b")]),
        ("Language lang-b", "b\n", []),
    ]
    assert [one.ran_on for one in kernel(basic, "soft").texts] == [[]]


@pytest.mark.parametrize("case", ["withdrawn", "reported", "fused", "another text"])
def test_what_does_not_prove_that_a_text_ran(basic: Folder, case: str) -> None:
    basic.emitted({("norm", "lang-a"): "a\n"})
    names = ("norm", "proj") if case == "fused" else ("norm",)
    sha = sha256("other" if case == "another text" else "a\n")
    if case == "reported":
        stated = timing(*names, us=1, emitted_sha256=sha, numerics_ok=True)
        basic.reported("row", "gpu-a", None, timings(stated))
    else:
        basic.measured("row", "gpu-a", None, timings(timing(*names, ns=[9], emitted_sha256=sha)))
    if case == "withdrawn":
        basic.retract("row")
    (shown,) = kernel(basic, "norm").texts
    assert (shown.ran_on, shown.proofs) == ([], [])


def test_proofs_stand_from_the_weakest_to_the_strongest(basic: Folder) -> None:
    basic.emitted({("norm", "lang-a"): "a\n"})
    basic.proof("norm", "lang-a", "a\n", check("vendor-compiled"), check(), check("vendor-verified"))
    basic.measured("row", "gpu-a", None, timings(timing("norm", ns=[9], emitted_sha256=sha256("a\n"))))
    shown = kernel(basic, "norm").in_language("lang-a")
    assert shown is not None
    assert shown.proofs == ["simulated", "vendor-verified", "vendor-compiled", "ran on device"]
    assert kernel(basic, "norm").in_language("lang-b") is None


def test_a_kernel_that_is_not_emitted_has_no_text(basic: Folder) -> None:
    assert (kernel(basic, "gemm").source, kernel(basic, "gemm").texts) == (None, [])
