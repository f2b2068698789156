"""What was found becomes result files: failures with their error, what was not done with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from runners.check import KernelCheck
from runners.check_step import StepCheck
from runners.device import Device
from runners.environment import environment
from runners.filing import results
from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import step_sizes
from runners.kernels.source import KERNELS
from runners.measure import Plan
from runners.record import text_of
from runners.session import Findings, Options
from runners.weights import Synthetic
from schemas.records import Repetition, Result
from tests.runners.runs import ROWS, TriedDevice
from tests.runners.tiny import tiny_model

LABELS = {
    "id": "a-run",
    "device": "tried",
    "submitter": "x",
    "measured_at": "2026-01-01T00:00:00Z",
    "quick": False,
}
PASSED = StepCheck(1e-5, 2, (3, 4))


@pytest.fixture
def found() -> Findings:
    """A whole run of five repetitions."""
    device, sizes = TriedDevice(), step_sizes(tiny_model())
    kernels = {name: device.emit(kernel, sizes.get(name, ROWS), "bf16") for name, kernel in KERNELS.items()}
    return Findings(
        kernels,
        compile_s=1.5,
        checks={name: KernelCheck(name, 1e-6, None) for name in kernels},
        step=PASSED,
        repetitions={"null": [Repetition((5, 6), None, 20.0, 21.0, 0.0)] * 5},
        tokens={"null": [3, 4]},
        latencies_ns={name: [10, 20] for name in kernels},
    )


def filed(found: Findings, least_seconds: float = 0.0, device: Device | None = None, **labels: Any) -> Result:
    device = device or TriedDevice()
    options = Options(
        tiny_model(), Synthetic(7, "bf16"), "bf16", 4, Plan(steps=2, least_seconds=least_seconds)
    )
    facts = environment(device.open(), "null", [])
    (ours,) = results(found, options, {**LABELS, **labels}, facts, device)
    text_of(ours)
    return ours


def test_a_whole_run_is_filed_with_its_check_and_samples(found: Findings) -> None:
    ours = filed(found)
    assert ours.decode
    assert ours.decode.samples
    assert (ours.decode.numerics_ok, ours.decode.logits_rel_l2, ours.decode.first_divergence_step) == (
        True,
        1e-5,
        2,
    )
    assert ours.decode.samples.compile_s == 1.5
    assert ours.decode.samples.repetitions[0].read_gb_per_s_before == 20.0
    assert (ours.decode.weights.kind, ours.decode.weights.seed) == ("synthetic", 7)
    assert (ours.decode.token_ids, ours.quick, ours.notes) == ((3, 4), False, "")
    assert ours.kernel_source
    assert ours.stack.languages == ("NumPy",)


def test_every_kernel_is_filed_with_its_text_and_where_it_was_timed(found: Findings) -> None:
    ours = filed(found)
    assert ours.kernels
    assert ours.kernels.step_of == ours.id
    shapes = {timing.kernels[0]: timing.shape for timing in ours.kernels.timings}
    assert shapes.keys() == KERNELS.keys()
    assert [name for name, shape in shapes.items() if shape] == ["softmax", "layernorm", "gelu", "silu"]
    for timing in ours.kernels.timings:
        assert timing.emitted_sha256 == found.kernels[timing.kernels[0]].sha256
        assert timing.samples_ns == (10, 20)


def test_each_kernel_is_filed_with_its_own_language_and_the_stack_with_all_of_them(found: Findings) -> None:
    sizes = step_sizes(tiny_model())
    for name, target in (("argmax_greedy", "ascendc"), ("lm_head_matvec", "pto")):
        found.kernels[name] = emit(KERNELS[name], target, sizes[name], "bf16")

    class Mixed(TriedDevice):
        def language_of(self, emitted: Emitted) -> str:
            return Device.language_of(self, emitted) if emitted.text else "NumPy"

    ours = filed(found, device=Mixed())
    assert ours.kernels
    languages = {timing.kernels[0]: timing.language for timing in ours.kernels.timings}
    assert (languages["argmax_greedy"], languages["lm_head_matvec"]) == ("AscendC C++", "PTO-MLIR")
    assert sorted(ours.stack.languages) == ["AscendC C++", "NumPy", "PTO-MLIR"]


def test_a_kernel_that_is_not_run_as_emitted_says_what_ran_it_and_names_no_text(found: Findings) -> None:
    class Helped(TriedDevice):
        def implementation(self, kernel: str) -> str:
            return f"library's {kernel}"

    device = Helped()
    device.executions = {"rms_norm": "host", "argmax_greedy": "vendor_library"}
    ours = filed(found, device=device)
    assert ours.kernels
    timings = {timing.kernels[0]: timing for timing in ours.kernels.timings}
    for name, way in device.executions.items():
        timing = timings[name]
        assert (timing.execution, timing.implementation) == (way, f"library's {name}")
        assert (timing.language, timing.emitted_sha256) == (None, None)
    assert timings["rope_qk"].execution == "emitted"
    assert timings["rope_qk"].implementation is None


def test_a_failed_kernel_has_its_error_and_no_samples(found: Findings) -> None:
    found.checks["gelu"] = KernelCheck("gelu", 0.5, "y: relative L2 error above 1e-02 (got 5.00e-01)")
    ours = filed(found)
    assert ours.kernels
    (gelu,) = [timing for timing in ours.kernels.timings if timing.kernels == ("gelu",)]
    assert (gelu.numerics_ok, gelu.rel_l2_error, gelu.samples_ns) == (False, 0.5, None)
    assert gelu.error == found.checks["gelu"].error
    assert ours.notes == "Failed their check and were not timed: gelu."


def test_a_failed_kernel_of_the_step_says_that_the_step_was_not_timed(found: Findings) -> None:
    found.checks["rope_qk"] = KernelCheck("rope_qk", None, "no such unit")
    found.step, found.repetitions = None, {}
    ours = filed(found)
    assert ours.decode is None
    assert ours.kernels
    assert ours.kernels.step_of is None
    assert "rope_qk; so the decode step was neither checked nor timed" in ours.notes


def test_a_failed_step_says_so_with_its_error(found: Findings) -> None:
    found.step, found.repetitions = StepCheck(0.5, None, (), "logits: too far"), {}
    found.latencies_ns = {name: found.latencies_ns[name] for name in ("softmax", "silu")}
    ours = filed(found)
    assert ours.decode is None
    assert ours.kernels
    assert [timing.kernels[0] for timing in ours.kernels.timings] == ["softmax", "silu"]
    assert ours.notes == "The decode step failed its check and was not timed. logits: too far."


@pytest.mark.parametrize(
    ("count", "interrupted", "quick", "words"),
    [
        (5, False, False, ""),
        (4, False, True, "Stopped early (repetitions: 4)"),
        (5, True, True, "Stopped by hand"),
    ],
)
def test_less_than_the_protocol_asks_for_is_marked(
    found: Findings, count: int, interrupted: bool, quick: bool, words: str
) -> None:
    found.repetitions["null"] = found.repetitions["null"][:count]
    found.interrupted = interrupted
    ours = filed(found)
    assert ours.quick is quick
    assert words in ours.notes
    assert bool(words) == bool(ours.notes)


def test_less_time_than_was_planned_is_marked(found: Findings) -> None:
    ours = filed(found, least_seconds=30.0)
    assert ours.quick
    assert ours.notes.startswith("Stopped early (measured: 0.0 s)")


def test_a_quick_run_stays_quick_however_long_it_was(found: Findings) -> None:
    assert filed(found, quick=True).quick
