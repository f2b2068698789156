"""Whether two rows may be set against each other."""

from __future__ import annotations

from typing import Any

import pytest

from generator.comparability import Comparability, Fact, comparability, facts
from generator.comparability import compared as compared_facts
from tests.generator.examples import Folder, kernel_source, repetition, samples, timing, timings
from tests.schemas import examples

RUN = samples([1000, 1010])
UNEVEN = samples([1000], repetitions=[repetition(step_ns=[1000], read_gb_per_s_before=100.0, read_gb_per_s_after=after)
                                      for after in (100.0, 100.0, 100.0, 100.0, 300.0)])  # fmt: skip


def compared(folder: Folder, one: str = "one", other: str = "other") -> Comparability:
    runs = folder.dataset().runs
    found = comparability(runs[one], runs[other])
    assert comparability(runs[other], runs[one]).verdict == found.verdict
    return found


def ours(folder: Folder, name: str, device: str = "gpu-a", **changes: Any) -> Folder:
    """A measured row of one known kernel source."""
    return folder.measured(name, device, changes.pop("samples", RUN),
                           **{"kernel_source": kernel_source(sha256="a" * 64)} | changes)  # fmt: skip


def test_two_devices_that_ran_the_same_compare(basic: Folder) -> None:
    found = compared(ours(ours(basic, "one"), "other", "gpu-b"))
    assert found == Comparability("like for like", ())
    assert str(found) == "like for like"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decode_dtype": "f32"}, "storage type (f16, f32)"),
        ({"decode_depth_tokens": 64}, "depth (0, 64)"),
        ({"kernel_source": kernel_source(sha256="b" * 64)}, "kernel source (aaaaaaaaaaaa, bbbbbbbbbbbb)"),
        ({"kernel_source": None}, "kernel source (aaaaaaaaaaaa, not stated)"),
        ({"samples": UNEVEN}, "a host changed its speed"),
    ],
)
def test_what_differs_is_told(basic: Folder, changes: dict[str, Any], said: str) -> None:
    found = compared(ours(ours(basic, "one"), "other", **changes))
    assert found == Comparability("with care", (said,))
    assert str(found) == f"with care: {said}"


def test_what_neither_states_may_differ(basic: Folder) -> None:
    basic.reported("one", "gpu-a", decode_depth_tokens=None).reported(
        "other", "gpu-b", decode_depth_tokens=None
    )
    found = compared(basic)
    assert found.verdict == "with care"
    assert {"depth (not stated by either)", "kernel source (not stated by either)"} <= set(found.differences)


def test_a_measured_row_compares_with_a_published_one_with_care(basic: Folder) -> None:
    found = compared(ours(basic, "one").reported("other", "gpu-b"))
    assert found.verdict == "with care"
    assert "provenance (measured, reported)" in found.differences


def test_what_runs_outside_of_emitted_kernels_is_told(basic: Folder) -> None:
    outside = timings(
        timing("norm", ns=[9], execution="vendor_library"), timing("proj", ns=[9], execution="host")
    )
    found = compared(ours(ours(basic, "one"), "other", kernels=outside))
    assert found.differences == ("what runs outside of emitted kernels (nothing, norm, proj)",)


def test_a_contract_that_leaves_something_open_asks_for_care(basic: Folder) -> None:
    found = compared(ours(basic, "one").reported("other", "gpu-a"))
    assert "what the step contains is stated in part" in found.differences


def test_another_step_does_not_compare(basic: Folder) -> None:
    contract = examples.reported()["decode"]["contract"] | {"tokenization": "included"}
    found = compared(ours(basic, "one").reported("other", "gpu-a", decode_contract=contract))
    assert found.verdict == "not comparable"
    assert found.differences[0] == "another step"


def test_figures_of_two_models_do_not_compare(basic: Folder) -> None:
    found = compared(ours(ours(basic.model("large"), "one"), "other", decode_model="large"))
    assert found == Comparability("not comparable", ("another model (tiny, large)",))


def test_a_wrong_result_compares_with_nothing(basic: Folder) -> None:
    found = compared(ours(ours(basic, "one"), "other", decode_numerics_ok=False, decode_dtype="f32"))
    assert found == Comparability(
        "not comparable", ("one of them fails its check", "storage type (f16, f32)")
    )


def test_kernels_alone_do_not_compare_with_a_step(basic: Folder) -> None:
    found = compared(ours(basic, "one").measured("other", "gpu-a", None, timings(timing("norm", ns=[9]))))
    assert found == Comparability("not comparable", ("one of them has no decode step",))


def test_facts_alone_give_the_verdict(whole: Folder) -> None:
    runs = [rows for rows in whole.dataset().runs.values() if rows.decode]
    assert len(runs) > 3
    for one in runs:
        for other in runs:
            assert one.decode
            assert other.decode
            told = compared_facts(facts(one, one.decode), facts(other, other.decode))
            assert told == comparability(one, other)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (8, 8, None),
        (8, None, "depth (8, not stated)"),
        (0, None, "depth (0, not stated)"),
        (None, None, "depth (not stated by either)"),
        ("a" * 64, "a" * 63 + "b", f"depth ({'a' * 12}, {'a' * 12})"),
        (False, False, None),
        (True, False, "depth"),
        (False, True, "depth"),
        (True, True, "depth"),
    ],
)
def test_what_a_fact_says_of_two_rows(one: Any, other: Any, said: str | None) -> None:
    assert Fact("depth", one).against(Fact("depth", other)) == said
