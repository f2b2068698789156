"""What a measured run tells besides its figures, in data and on its card."""

from __future__ import annotations

import re
import shutil
from html import unescape

import msgspec
import pytest

from generator.cards import write_cards
from generator.measured import MOST_REPETITIONS, QUANTILES_PERCENT, Measured, measured
from schemas.records import Result
from tests.generator.examples import Data, Folder, about, repetition, samples, timing, timings
from tests.schemas import examples


def told(**changes: object) -> Measured:
    """What the example's measured run tells, with ``changes`` to its decode block."""
    data = examples.measured()
    data["decode"] |= changes
    found = measured(msgspec.convert(data, Result))
    assert found is not None
    return found


def test_a_reported_run_tells_nothing() -> None:
    assert measured(msgspec.convert(examples.reported(), Result)) is None


def test_a_repetition_is_told_with_its_probes_and_who_else_worked() -> None:
    turns = [repetition(step_ns=[4, 6, 20], read_gb_per_s_before=9, read_gb_per_s_after=8, other_cores_busy=busy)
             for busy in (0.1, 0.11, None)]  # fmt: skip
    decoding = told(samples=samples([1, 2, 3], repetitions=turns)).decoding
    assert decoding is not None
    assert [
        (turn.tpot_ns, turn.read_gb_per_s_before, turn.read_gb_per_s_after) for turn in decoding.turns
    ] == [(6, 9, 8)] * 3
    assert [turn.busy for turn in decoding.turns] == [False, True, False]


def test_only_the_first_repetitions_are_kept() -> None:
    decoding = told(samples=samples(*[[5]] * (MOST_REPETITIONS + 9))).decoding
    assert decoding is not None
    assert len(decoding.turns) == MOST_REPETITIONS


def test_a_repetition_that_was_timed_whole_counts_by_its_mean_step() -> None:
    whole = samples([1, 2], timing="per_repetition", repetitions=[repetition(total_ns=30)])
    decoding = told(samples=whole).decoding
    assert decoding is not None
    assert (decoding.turns[0].tpot_ns, decoding.per_step) == (15, False)


def test_the_times_of_steps_are_kept_as_quantiles_of_all_repetitions() -> None:
    decoding = told(samples=samples([1, 2], [3, 4], [5, 6], [7, 8], [9, 11])).decoding
    assert decoding is not None
    assert dict(zip(QUANTILES_PERCENT, decoding.quantiles_ns, strict=True)) == {
        0: 1, 1: about(1.09), 5: about(1.45), 10: about(1.9), 25: about(3.25), 50: about(5.5), 75: about(7.75),
        90: about(9.2), 95: about(10.1), 99: about(10.82), 100: 11,
    }  # fmt: skip


def test_quantiles_of_repetitions_timed_whole_are_those_of_their_mean_steps() -> None:
    wholes = [repetition(total_ns=total) for total in (20, 30, 40)]
    decoding = told(samples=samples([1, 2], timing="per_repetition", repetitions=wholes)).decoding
    assert decoding is not None
    assert (decoding.quantiles_ns[0], decoding.quantiles_ns[5], decoding.quantiles_ns[-1]) == (10, 15, 20)


def page(folder: Folder, run: str = "r") -> str:
    """The text of a row's card, without tags."""
    shutil.rmtree(site := folder.root / "cards", ignore_errors=True)
    write_cards(folder.board(), "<div data-card></div>", "", folder.layout, site)
    whole = (site / f"rows/{run}/index.html").read_text()
    return " ".join(unescape(re.sub(r"<[^>]*>", "", whole.replace("</dt>", " "))).split())


def turns(**changes: list[float]) -> Data:
    """Five repetitions of about a millisecond a step, each with its entry of every list."""
    steps = changes.pop("step_ns", [10**6] * 5)
    each = [
        repetition(step_ns=[int(steps[n])] * 2, **{name: values[n] for name, values in changes.items()})
        for n in range(5)
    ]
    return samples([1, 2], repetitions=each)


def test_a_calm_run_is_told_without_a_warning(basic: Folder) -> None:
    calm = turns(read_gb_per_s_before=[30.0] * 5, read_gb_per_s_after=[30.0] * 5, other_cores_busy=[0.01] * 5)
    basic.measured("r", "gpu-a", calm, decode_first_divergence_step=None)
    said = page(basic)
    assert "1,000.0 tok/s 95 % interval 1,000 to 1,000;" in said
    assert "5 repetitions of 2 steps, step by step, after 2 repetitions of warm-up" in said
    # 2,976 bytes and half a token's 32 of the cache, in 1 ms, of 300 GB/s, and of the 30 GB/s that were probed
    assert re.search(r"Yes: 0\.001 % of the [\d,]+ tok/s that 300 GB/s allow", said)
    assert "Of the probed read bandwidth 0.01 %, median over repetitions; the probe read 30 GB/s" in said
    assert (
        "Passes: logits 1.0 · 10⁻³ off a float64 reference (relative L2); the tokens are the reference's"
        in said
    )
    assert "synthetic, seed 9223372036854775807, SHA-256 0123456789abcdef" in said
    assert "Example CPU, 16 cores, 68.7 GB; Linux 6.1" in said
    assert "compiler 12.1" in said
    assert "example-runner 1.0, revision 0123abc" in said
    assert "run --model example-model" in said
    assert "Measured 2024-02-29 by A. Person" in said
    for warning in (
        "changed speed",
        "Other processes used",
        "Fails its check",
        "Noisy",
        "Another token",
        "quick",
    ):
        assert warning not in said


def test_the_energy_of_a_token_is_told_where_the_device_counted_it(basic: Folder) -> None:
    said = "Energy, by the device's own counter 2.5 J a token, mean over repetitions"
    assert said in page(basic.measured("r", "gpu-a", turns(energy_j=[5.0] * 5)))
    assert "Energy" not in page(basic.measured("r", "gpu-a", turns()))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"read_gb_per_s_before": [30, 30, 20, 20, 20], "read_gb_per_s_after": [30, 30, 20, 20, 20]},
         "The host changed speed by a factor of 1.5: the probe read 20 to 30 GB/s. The figure mixes both speeds."),
        ({"other_cores_busy": [0, 0.2, 0, 0.3, 0.1]},
         "Other processes used more than a tenth of a core during 2 of 5 repetitions."),
        ({"step_ns": [10**6, 10**6, 10**6, 1_100_000, 1_100_000]},
         "Noisy: the coefficient of variation over repetitions is 5.3 %."),
        ({"step_ns": [10**6, 10**6, 10**6, 2 * 10**6, 2 * 10**6]},
         "Very noisy: the coefficient of variation over repetitions is 39.1 %."),
    ],
)  # fmt: skip
def test_what_disturbed_a_run_is_said(basic: Folder, changed: dict[str, list[float]], said: str) -> None:
    assert said in page(basic.measured("r", "gpu-a", turns(**changed)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"decode_numerics_ok": False}, "Fails its check: the logits are not those of the reference."),
        ({"decode_first_divergence_step": 3}, "Another token than the reference's, first at step 3."),
        ({"quick": True}, "A quick run, not for the record."),
        ({"notes": "a shared host"}, "a shared host"),
    ],
)
def test_what_bars_or_explains_a_run_is_said(basic: Folder, changed: Data, said: str) -> None:
    plain = {"decode_first_divergence_step": None, "notes": ""}
    assert said not in page(basic.measured("r", "gpu-a", turns(), **plain))
    assert said in page(basic.measured("r", "gpu-a", turns(), **plain | changed))


def test_a_baseline_stands_beside_its_run_with_the_ratio(basic: Folder) -> None:
    basic.measured("r", "gpu-a", turns())
    assert "This run against it" not in page(basic)
    basic.measured("b", "gpu-a", turns(step_ns=[1_500_000.0] * 5), role="baseline", decode_baseline_of="r")
    assert "This run against it" in page(basic)
    assert "1.50×" in page(basic)


def test_repetitions_stand_one_by_one_and_busy_ones_are_marked(basic: Folder) -> None:
    busy = turns(other_cores_busy=[0, 0.25, 0, 0, 0])
    said = page(basic.measured("r", "gpu-a", busy))
    assert "5 repetitions as a table" in said
    assert said.count("busy host") == 1
    assert "0.25busy host" in said


def test_the_step_of_a_measured_run_is_taken_apart(basic: Folder) -> None:
    basic.measured("r", "gpu-a", turns(), timings(timing("norm", ns=[20_000]), timing("proj", ns=[100_000])))
    said = page(basic)
    assert "The step takes 1,000 µs; its kernels with a figure add up to 300 µs." in said
    assert "70.0 % is left unexplained" in said


def test_a_run_of_kernels_alone_tells_its_machine(basic: Folder) -> None:
    said = page(basic.measured("r", "gpu-a", None, timings(timing("norm", ns=[9]))))
    assert "no whole decode step" in said
    assert "Example CPU, 16 cores" in said
    assert "tok/s, 95 % interval" not in said
