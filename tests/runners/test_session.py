"""One run from start to end, on the null device and on this machine's processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners import baselines, latencies
from runners.cpu import CpuDevice
from runners.device import Contents, Device, KernelError, Ran
from runners.filing import rehearse, results
from runners.journal import Journal
from runners.kernels.emit import Emitted
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, KERNELS, MICROBENCHMARKS
from runners.measure import Plan
from runners.record import text_of
from runners.session import Findings, Options, emitted_kernels, run
from runners.step import Step
from runners.weights import Synthetic
from tests.runners import runs
from tests.runners.runs import TriedDevice
from tests.runners.tiny import tiny_model

PLAN = Plan(4, 1, 5, 0.0, 60.0)


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.prepare(tmp_path, monkeypatch.setattr)


def options(storage: Storage = "bf16", **changed: Any) -> Options:
    fields: dict[str, Any] = {"depth_tokens": 4, "plan": PLAN, "checked_steps": 2}
    return Options(tiny_model(), Synthetic(0, storage), storage, **{**fields, **changed})


def found_by(device: Device, wanted: Options, said: list[str] | None = None) -> Findings:
    device.open()
    say = said.append if said is not None else lambda _: None
    return run(device, wanted, Journal("run"), say, lambda _: None)


@pytest.mark.parametrize("storage", ["bf16", "f16", "f32"])
def test_on_this_processor_every_kernel_and_the_step_are_checked_timed_and_fit_to_file(
    storage: Storage,
) -> None:
    device = CpuDevice(2)
    found = found_by(device, options(storage))
    assert found.failed == []
    assert found.step
    assert found.step.passed
    assert found.checks.keys() == found.latencies_ns.keys() == KERNELS.keys()
    assert len(found.repetitions["cpu"]) == 5
    assert found.tokens["cpu"][:2] == list(found.step.token_ids)
    for result in results(found, options(storage), _labels(), _environment(device), device):
        text_of(result)


def _labels() -> dict[str, Any]:
    return {
        "id": "a-run",
        "device": "tried",
        "submitter": "x",
        "measured_at": "2026-01-01T00:00:00Z",
        "quick": False,
    }


def _environment(device: Device) -> Any:
    from runners.environment import environment

    return environment(device.open(), device.runner, [])


def test_a_text_that_the_compiler_refuses_fails_alone_and_the_step_is_not_run() -> None:
    class Broken(CpuDevice):
        def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
            found = super().emit(kernel, sizes, storage)
            return replace(found, text="this is no C") if kernel.name == "rope_qk" else found

    said: list[str] = []
    found = found_by(Broken(1), options(), said)
    assert [check.kernel for check in found.failed] == ["rope_qk"]
    assert "compiling rope_qk.c failed" in (found.checks["rope_qk"].error or "")
    assert found.checks.keys() == KERNELS.keys()
    assert found.step is None
    assert found.latencies_ns.keys() == {"softmax", "layernorm", "gelu", "silu"}
    assert any(line.startswith("FAILED     rope_qk: ") for line in said)
    assert any(line.startswith("checked    16 of 17 kernels") for line in said)


def test_a_text_that_computes_something_else_fails_and_is_not_timed() -> None:
    class Wrong(CpuDevice):
        def emit(self, kernel: Kernel, sizes: Sizes, storage: Storage) -> Emitted:
            found = super().emit(kernel, sizes, storage)
            if kernel.name != "silu":
                return found
            gelu = super().emit(KERNELS["gelu"], sizes, storage)
            return replace(found, text=gelu.text.replace("gelu", "silu"))

    found = found_by(Wrong(2), options())
    assert [check.kernel for check in found.failed] == ["silu"]
    assert "silu" not in found.latencies_ns
    assert found.step
    assert found.repetitions


def test_a_compiler_that_refuses_everything_is_asked_once_for_each() -> None:
    class Refusing(TriedDevice):
        def compile(self, kernels: Sequence[Emitted]) -> float:
            if kernels:
                raise KernelError(kernels[0].kernel.name, "no")
            return 0.0

    found = found_by(Refusing(), options())
    assert [check.kernel for check in found.failed] == list(KERNELS)
    assert found.latencies_ns == {}


def test_each_launch_is_timed_within_the_step_and_counts_for_its_kernel() -> None:
    found = found_by(TriedDevice(), options())
    turns = len(found.repetitions["null"])  # after each, one step launch by launch
    assert len(found.latencies_ns["rms_norm"]) == turns * (3 + 1)
    assert len(found.latencies_ns["kv_proj_matvec"]) == turns * 3 * 2
    assert found.latencies_ns.keys() == KERNELS.keys()


def test_kernels_only_checks_the_step_and_measures_no_repetition() -> None:
    found = found_by(TriedDevice(), options(kernels_only=True))
    assert found.step
    assert found.repetitions == {}
    assert found.latencies_ns.keys() == KERNELS.keys()


def test_the_device_is_closed_whatever_happens() -> None:
    closed: list[bool] = []

    class Failing(TriedDevice):
        def load(self, step: Step, kernels: Any, contents: Contents) -> float:
            del step, kernels, contents
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)
            super().close()

    device = Failing()
    closed.clear()
    with pytest.raises(ZeroDivisionError):
        found_by(device, options())
    assert closed


def test_compiling_a_whole_step_is_said_and_counted_apart_from_loading_it() -> None:
    class Tracing(TriedDevice):
        def load(self, step: Step, kernels: Any, contents: Contents) -> float:
            super().load(step, kernels, contents)
            return 461.0 if "token" in step.buffers else 3.0

    said: list[str] = []
    found = found_by(Tracing(), options(), said)
    assert found.compile_s == 461.0
    assert "compiled   the step in 461.0 s" in said


def test_microbenchmarks_take_turns_over_several_sets_of_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latencies, "ROTATED_BYTES", 1000)
    loaded: list[Step] = []

    class Watched(TriedDevice):
        def load(self, step: Step, kernels: Any, contents: Contents) -> float:
            loaded.append(step)
            return super().load(step, kernels, contents)

    found_by(Watched(), options())
    for kernel, step in zip(MICROBENCHMARKS, loaded, strict=False):
        assert len(step.launches) == 5  # of 2 x 60 elements of 2 bytes
        assert {launch.kernel for launch in step.launches} == {kernel.name}
        assert len({name for launch in step.launches for name in launch.buffers}) == 10


class FakeBaseline:
    versions = {"other": "1.0"}  # noqa: RUF012

    def __init__(self, name: str) -> None:
        self.name, self.ended = name, False

    def __enter__(self) -> FakeBaseline:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def repetition(self, steps: int) -> Ran:
        return Ran([1000] * steps, [1] * steps)


def test_a_baseline_is_filed_as_one_of_our_row_with_its_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeBaseline("llama.cpp")
    monkeypatch.setattr(baselines, "start", lambda *_: fake)
    device, wanted = TriedDevice(), options(baselines=("llama.cpp",))
    found = found_by(device, wanted)
    assert fake.ended
    ours, theirs = results(found, wanted, _labels(), _environment(device), device)
    assert theirs.id == "a-run-llama-cpp"
    assert theirs.role == "baseline"
    assert theirs.decode
    assert (theirs.decode.baseline_of, theirs.decode.numerics_ok) == (ours.id, None)
    assert theirs.stack.toolchain == "other 1.0"
    assert ours.decode
    assert ours.decode.numerics_ok is True
    for result in (ours, theirs):
        text_of(result)


def test_a_baseline_is_ended_when_a_run_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(FakeBaseline):
        def repetition(self, steps: int) -> Ran:
            del steps
            raise KeyboardInterrupt

    fake = Interrupted("llama.cpp")
    monkeypatch.setattr(baselines, "start", lambda *_: fake)
    with pytest.raises(KeyboardInterrupt):
        found_by(TriedDevice(), options(baselines=("llama.cpp",)))
    assert fake.ended


def test_every_kernel_is_emitted_at_the_models_sizes() -> None:
    found = emitted_kernels(CpuDevice(1), options())
    assert list(found) == [kernel.name for kernel in (*DECODE_STEP, *MICROBENCHMARKS)]
    assert found["lm_head_matvec"].sizes.lengths == {"out": 131, "in": 54}


def test_a_rehearsal_refuses_what_the_end_would_refuse() -> None:
    device = TriedDevice()
    rehearse(options(), _labels(), _environment(device), device)
    with pytest.raises(Exception, match="submitter: "):
        rehearse(options(), {**_labels(), "submitter": ""}, _environment(device), device)
