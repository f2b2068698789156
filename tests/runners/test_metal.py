"""The Metal runner on a strict Metal: a whole step gives the reference's tokens, and what fails is told in one line."""

from __future__ import annotations

import gc
import json
import re
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from runners import command, metal
from runners.device import KernelError, RunnerError
from runners.kernels.emit import Emitted
from runners.kernels.expr import Array, Axis, Kernel
from runners.kernels.sizes import Sizes, Storage
from runners.kernels.source import DECODE_STEP, MICROBENCHMARKS
from runners.metal import MetalDevice
from runners.null import NullDevice
from runners.stacks.metal import probe as metal_probe
from runners.stacks.metal.gpu import Gpu
from runners.step import Step, decode_step
from schemas.load import load
from schemas.records import Result
from tests.runners import runs
from tests.runners.fakes.metal import FakeMetal, Misuse, NSError
from tests.runners.kernels.executors import EXECUTORS, Call
from tests.runners.runs import TINY, filed, files
from tests.runners.steps import (
    DEPTH,
    MODEL,
    STEPS,
    assert_can_be_written_back,
    assert_same,
    decoded,
    loaded,
    texts,
)
from tests.runners.tiny import emitted
from tests.simulators.simt import metal_lint


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Emitted], Call]:
    """The texts, and what runs one of them."""
    found = texts("metal", MetalDevice.storages)
    return found, EXECUTORS["metal"](found, tmp_path_factory.mktemp("metal"))


@pytest.fixture
def fake(simulated: tuple[list[Emitted], Call], monkeypatch: pytest.MonkeyPatch) -> FakeMetal:
    """A Mac."""
    made = FakeMetal(*simulated)
    monkeypatch.setitem(sys.modules, "Metal", made)
    monkeypatch.setitem(sys.modules, "objc", made.objc)
    told = SimpleNamespace(system=lambda: "Darwin", machine=lambda: "arm64", mac_ver=lambda: ("15.5", (), ""))
    monkeypatch.setattr(metal, "platform", told)
    monkeypatch.setattr(metal, "find_spec", lambda name: name)
    monkeypatch.setattr(metal, "version", lambda _: "12.2.2")
    return made


# --- the step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", MetalDevice.storages)
def test_logits_and_tokens_are_those_of_the_null_device(fake: FakeMetal, storage: Storage) -> None:
    ours, expected = loaded(MetalDevice(), storage), loaded(NullDevice(), storage)
    assert_same(decoded(ours), decoded(expected), storage)
    assert fake.committed == STEPS


def test_steps_run_together_are_steps_run_singly(fake: FakeMetal) -> None:
    del fake
    together, singly = loaded(MetalDevice()), loaded(MetalDevice())
    ran = together.run(STEPS)
    assert ran.tokens == [singly.run(1).tokens[0] for _ in range(STEPS)]
    assert int(together.read("position")) == DEPTH + STEPS


def test_the_steps_times_are_all_of_the_time(fake: FakeMetal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoding takes 100 ns here, and the GPU needs 10: of three steps the first holds two encodings."""
    del fake
    device, clock = loaded(MetalDevice()), SimpleNamespace(now=0)

    def slow(name: str, ns: int) -> None:
        whole = getattr(Gpu, name)

        def slower(self: Gpu, argument: Any) -> Any:
            clock.now += ns
            return whole(self, argument)

        monkeypatch.setattr(Gpu, name, slower)

    slow("encoded", 100)
    slow("finish", 10)
    monkeypatch.setattr(metal, "time", SimpleNamespace(perf_counter_ns=lambda: clock.now))
    assert device.run(3).step_ns == [210, 110, 10]


def test_a_step_can_be_written_back_to_its_start(fake: FakeMetal) -> None:
    del fake
    assert_can_be_written_back(loaded(MetalDevice()))


def test_a_trace_has_the_gpus_time_of_each_launch_and_decodes_the_same(fake: FakeMetal) -> None:
    traced, plain = loaded(MetalDevice()), loaded(MetalDevice())
    before = fake.committed
    times = traced.trace(2)
    launches = len(decode_step(MODEL, "bf16", 1).launches)
    assert times == [[1_250_000] * 2] * launches
    assert fake.committed - before == 2 * launches
    plain.run(2)
    assert np.array_equal(traced.read("logits"), plain.read("logits"))


def test_launches_that_share_no_memory_are_not_ordered(fake: FakeMetal) -> None:
    del fake
    device = loaded(MetalDevice())
    waits = decode_step(MODEL, "bf16", 1).waits()
    assert [one.wait for one in device.dispatches] == waits
    assert not all(waits[1:])


def test_a_step_is_kept_where_the_gpu_finds_it_and_let_go_at_the_end(fake: FakeMetal) -> None:
    device = loaded(MetalDevice())
    assert fake.device
    kept = list(fake.device.resident)
    assert all(one.requested for one in kept)
    assert (
        len({id(buffer) for one in kept for buffer in one.committed}) == len(step_buffers()) + 1
    )  # the capacity's
    weight = device.memories["lm_head"].array
    del device.memories["lm_head"]
    device.close()
    assert fake.device.resident == []
    assert not any(one.requested for one in kept)
    del kept
    gc.collect()
    assert set(weight.view(np.uint8).ravel()) == {0xDD}


def test_all_memory_is_let_go(fake: FakeMetal) -> None:
    device = loaded(MetalDevice())
    kernel = emitted(decode_step(MODEL, "bf16", 1), "metal")["argmax_greedy"]
    arrays = {"logits": np.ones(MODEL.vocab_size, np.float32), "token": np.zeros((), np.int32)}
    device.call(kernel, arrays, 1)
    device.close()
    assert fake.objc.leaked == []


def step_buffers() -> list[str]:
    return list(decode_step(MODEL, "bf16", 1).buffers)


@pytest.mark.parametrize("broken", [{"macos_15": False}, {"nothing_stays": True}])
def test_where_memory_cannot_be_kept_in_place_a_step_runs_too(
    fake: FakeMetal, broken: dict[str, bool]
) -> None:
    for name, value in broken.items():
        setattr(fake, name, value)
    assert loaded(MetalDevice()).run(2).tokens == loaded(NullDevice()).run(2).tokens
    assert fake.device
    assert fake.device.resident == []


def test_what_was_compiled_is_not_compiled_again(fake: FakeMetal) -> None:
    device = loaded(MetalDevice())
    before = dict(device.pipelines)
    fake.texts.clear()
    device.compile(list(emitted(decode_step(MODEL, "bf16", 1), "metal").values()))
    assert device.pipelines == before


def test_an_interrupt_finds_nothing_under_way(fake: FakeMetal, monkeypatch: pytest.MonkeyPatch) -> None:
    device = loaded(MetalDevice())
    start = {name: device.read(name) for name in ("token", "position")}
    expected = device.run(3).tokens
    turns = iter([False, False, True])
    whole = Gpu.encoded

    def interrupted(self: Gpu, dispatches: Any) -> Any:
        if next(turns):
            raise KeyboardInterrupt
        return whole(self, dispatches)

    with monkeypatch.context() as patch:
        patch.setattr(Gpu, "encoded", interrupted)
        with pytest.raises(KeyboardInterrupt):
            device.run(3)
    assert not fake.in_flight
    for name, numbers in start.items():
        device.write(name, numbers)
    assert device.run(3).tokens == expected


def test_an_interrupt_leaves_no_encoder_without_its_end(fake: FakeMetal) -> None:
    """Metal aborts the whole process over one that is let go of like that."""
    device = loaded(MetalDevice())

    def interrupt() -> None:
        raise KeyboardInterrupt

    fake.dispatched = interrupt
    with pytest.raises(KeyboardInterrupt):
        device.run(1)
    assert fake.encoding == 0


@pytest.mark.parametrize(
    "broken",
    [
        lambda patch: patch.setattr(Step, "waits", lambda self: [False] * len(self.launches)),
        lambda patch: patch.setattr(Gpu, "finish", lambda *_: None),
        lambda patch: patch.setattr(metal, "packed", lambda *_: 0),
        lambda patch: patch.setattr(MetalDevice, "_move_on", lambda _: None),
    ],
    ids=["no barrier", "not waited for", "not filled", "not moved on"],
)
def test_a_runner_that_does_it_wrong_is_found_out(
    fake: FakeMetal, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    del fake
    expected = loaded(NullDevice()).run(3).tokens
    broken(monkeypatch)
    with suppress(Misuse):
        assert loaded(MetalDevice()).run(3).tokens != expected


# --- the memory's bandwidth -----------------------------------------------------------------------


def test_the_probe_reads_the_largest_buffer(fake: FakeMetal, monkeypatch: pytest.MonkeyPatch) -> None:
    device = loaded(MetalDevice())
    assert device.read_bandwidth() is None
    monkeypatch.setattr(metal_probe, "LEAST_BYTES", 14_000)
    largest = MODEL.vocab_size * MODEL.hidden_size * 2
    before = fake.committed
    assert device.read_bandwidth() == pytest.approx(largest // 16 * 16 / 1_250_000)
    assert device.read_bandwidth() is not None
    assert fake.committed - before == 10


def probe() -> Emitted:
    """The probe's text as a kernel that the simulator takes."""
    axis = Axis("words")
    arrays = (Array("memory", "i32", (axis,)), Array("sixteens", "i32", ()), Array("found", "i32", ()))
    kernel = Kernel("read_all", "", "", (axis,), arrays, ())
    launch = {"grid": metal_probe.GROUPS, "block": metal_probe.THREADS}
    return Emitted(kernel, "metal", Sizes({"words": 1}), "f32", metal_probe.TEXT, launch)


def test_the_probe_reads_every_word(tmp_path: Path) -> None:
    assert metal_lint.lint(probe()) == []
    run = EXECUTORS["metal"]([probe()], tmp_path)
    words = 4 * (metal_probe.GROUPS * metal_probe.THREADS + 100)
    memory = np.zeros(words + 4, np.int32)
    arrays = {"memory": memory, "sixteens": np.array([words // 4], np.int32), "found": np.zeros(1, np.int32)}
    for place in (0, 5, words // 2 + 2, words - 1, words):
        memory[...], arrays["found"][...] = 0, 0
        memory[place] = metal_probe.MAGIC
        run(probe(), arrays, 1)
        assert (arrays["found"][0] == metal_probe.MAGIC) == (place < words)


# --- what the machine is, and lacks ---------------------------------------------------------------


def test_the_device_says_what_it_is(fake: FakeMetal, monkeypatch: pytest.MonkeyPatch) -> None:
    del fake
    said = json.dumps({"SPDisplaysDataType": [{"sppci_cores": "38"}]}).encode()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
    identity = MetalDevice().open()
    assert (identity.name, identity.count, identity.driver) == ("Apple M2 Max", 1, None)
    assert [(one.name, one.version) for one in identity.toolchain] == [
        ("Metal", "3.2"),
        ("macOS", "15.5"),
        ("pyobjc-framework-Metal", "12.2.2"),
        ("GPU cores", "38"),
    ]


@pytest.mark.parametrize("said", [b"", b"{}", b'{"SPDisplaysDataType": [{"sppci_cores": "many"}]}'])
def test_cores_that_macos_does_not_tell_are_left_out(
    fake: FakeMetal, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    del fake
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
    assert [one.name for one in MetalDevice().open().toolchain][-1] == "pyobjc-framework-Metal"


@pytest.mark.parametrize(
    ("system", "machine", "found", "line"),
    [
        ("Linux", "x86_64", False, "Metal: is not on this system (got Linux); run it on a Mac"),
        ("Darwin", "x86_64", True, "Metal: needs Apple silicon and a Python built for it (got x86_64); "),
        ("Darwin", "arm64", False, "(got no module 'Metal'); pip install --constraint constraints.txt"),
        ("Darwin", "arm64", True, None),
    ],
)
def test_what_the_machine_lacks_comes_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, found: bool, line: str | None
) -> None:
    told = SimpleNamespace(system=lambda: system, machine=lambda: machine)
    monkeypatch.setattr(metal, "platform", told)
    monkeypatch.setattr(metal, "find_spec", lambda name: name if found else None)
    lacking = MetalDevice.lacking()
    assert (lacking is None) == (line is None)
    assert (line or "") in (lacking or "")


def test_a_pyobjc_that_cannot_be_loaded_is_told(fake: FakeMetal, monkeypatch: pytest.MonkeyPatch) -> None:
    del fake
    monkeypatch.setitem(sys.modules, "objc", None)
    with pytest.raises(
        RunnerError, match=r"^Metal: loading PyObjC: failed \(got 'import of objc .*\); install it anew"
    ):
        MetalDevice().open()


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def data(fake: FakeMetal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    del fake
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    return runs.prepare(tmp_path, monkeypatch.setattr)


def run(*arguments: str) -> int:
    return command.main("metal", [*TINY, "--quick", *arguments])


def test_the_command_files_a_result_and_a_drafted_device(data: Path, tmp_path: Path) -> None:
    assert run() == 0
    result = filed(tmp_path)
    assert (data / "devices" / "apple-m2-max.md").is_file()
    assert (result.device, result.device_as_stated) == ("apple-m2-max", "Apple M2 Max")
    assert result.stack.languages == ("Metal",)
    assert result.stack.toolchain == "Metal 3.2"
    assert result.decode
    assert result.decode.numerics_ok
    assert result.kernels
    assert len(result.kernels.timings) == len(DECODE_STEP) + len(MICROBENCHMARKS)
    assert all(set(one.samples_ns or ()) == {1_250_000} for one in result.kernels.timings)


@pytest.mark.skipif(find_spec("mlx") is None, reason="mlx is not installed: pip install mlx mlx-cpu")
def test_mlx_is_measured_beside_ours(data: Path, tmp_path: Path) -> None:
    assert run("--baseline", "mlx") == 0
    assert filed(tmp_path).role == "contender"
    (path,) = tmp_path.rglob("*-mlx.json")
    beside = load(path, data)
    assert isinstance(beside, Result)
    assert (beside.role, beside.stack.name) == ("baseline", "mlx")
    assert beside.decode
    assert len(beside.decode.token_ids or ()) == 3


def test_a_kernel_that_the_compiler_refuses_is_not_timed_and_the_others_go_on(
    data: Path, fake: FakeMetal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    complaint = (
        "program_source:1:2: warning: odd\nprogram_source:9:5: error: use of undeclared identifier 'x'\n  x\n"
    )
    fake.refused["gelu"] = NSError(f"Compilation failed:\n\n{complaint}", 3)
    assert run() == 1
    assert "FAILED     gelu: Metal's compiler refuses it" in capsys.readouterr().out
    result = filed(tmp_path)
    assert result.kernels
    (failed,) = (one for one in result.kernels.timings if not one.numerics_ok)
    told = "(got 'program_source:9:5: error: use of undeclared identifier 'x''); update macOS, or report it"
    assert (failed.kernels, failed.samples_ns) == (("gelu",), None)
    assert failed.error == f"Metal's compiler refuses it {told}"
    assert result.decode


def test_an_exception_of_objective_c_fails_the_kernels_that_meet_it(
    data: Path, fake: FakeMetal, tmp_path: Path
) -> None:
    del data
    fake.exception = "NSInternalInconsistencyException - odd"
    assert run() == 1
    result = filed(tmp_path)
    assert result.kernels
    errors = {one.error for one in result.kernels.timings}
    assert "Metal: running gelu: failed (got 'NSInternalInconsistencyException - odd'); " in str(errors)
    assert None not in errors


def test_a_queue_that_gives_no_more_commands_is_told(fake: FakeMetal) -> None:
    device = loaded(MetalDevice())
    fake.exhausted = True
    told = r"^Metal: running the step: failed \(got 'the queue gives no command buffer'\); see whether"
    with pytest.raises(RunnerError, match=told):
        device.run(1)


def test_a_kernel_that_computes_wrongly_is_not_timed(data: Path, fake: FakeMetal, tmp_path: Path) -> None:
    del data
    fake.spoiled.add("lm_head_matvec")
    assert run() == 1
    result = filed(tmp_path)
    assert result.decode is None
    assert result.kernels
    (failed,) = (one for one in result.kernels.timings if not one.numerics_ok)
    assert (failed.kernels, failed.samples_ns) == (("lm_head_matvec",), None)


IN_THE_SECOND_REPETITION = 87


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ({"device": None}, "error: Metal: finds no GPU (got None); in a virtual machine"),
        ({"families": (2002,)}, "error: Metal: the GPU is not Apple's own (got Apple M2 Max); use a Mac"),
        ({"working_set_bytes": 1000}, "error: memory: too little for the GPU (got 0.0 GB of macOS, the step needs"),
        ({"good_commands": IN_THE_SECOND_REPETITION, "error": NSError("gone", 11)},
         "error: Metal: running the step: failed (got 'DeviceRemoved: gone'); see whether the device"),
        ({"good_commands": IN_THE_SECOND_REPETITION, "error": NSError("Insufficient Memory", 8)},
         "error: Metal: running the step: failed (got 'OutOfMemory: Insufficient Memory'); close what else uses"),
        ({"good_commands": IN_THE_SECOND_REPETITION, "error": NSError("new", 77)}, "(got 'error 77: new'); "),
        ({"good_commands": IN_THE_SECOND_REPETITION, "error": None}, "(got 'no error: None'); "),
        ({"gpu_s": 0.0}, "error: Metal: Apple M2 Max does not tell how long a launch took (got 0 ns); use a Mac"),
    ],
    ids=["no GPU", "another maker's", "too large", "vanished", "memory in a step", "unknown", "silent", "no clock"],
)  # fmt: skip
def test_what_fails_is_told_in_one_line_and_leaves_nothing_behind(
    data: Path,
    fake: FakeMetal,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    broken: dict[str, Any],
    line: str,
) -> None:
    del data
    for name, value in broken.items():
        setattr(fake, name, value)
    assert run() == 1
    told = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error: ")]
    assert len(told) == 1
    assert line in told[0]
    assert [name for name in files(tmp_path) if not name.startswith("build/runs/")] == []


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ({"room_bytes": 1000}, r"memory: Metal refuses a buffer \(got None for 0\.00 GB\); close"),
        ({"most_threads": 32}, r"this GPU runs too few threads of it together \(got 32, needs \d+\); report"),
        ({"nameless": True}, r"its text has no function of its name \(got None\); report"),
        ({"simdgroup": 64}, r"simdgroups do not have 32 threads \(got 64\); use another"),
    ],
)
def test_what_a_gpu_cannot_do_is_told_before_a_step_runs(
    fake: FakeMetal, broken: dict[str, Any], line: str
) -> None:
    for name, value in broken.items():
        setattr(fake, name, value)
    with pytest.raises(RunnerError, match=line) as raised:
        loaded(MetalDevice())
    assert isinstance(raised.value, KernelError) == ("room_bytes" not in broken)
    assert fake.committed == 0


# --- the workflow ---------------------------------------------------------------------------------

WORKFLOW = runs.REPOSITORY / ".github" / "workflows" / "metal.yml"


def test_the_workflow_installs_as_the_runner_says_and_runs_it() -> None:
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["quick"]
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    *installed, measured = lines
    assert tuple(line.removeprefix("python -m ") for line in installed) == MetalDevice.about.install
    assert measured == 'python -m runners.metal --quick --dtype "$DTYPE" --output out'
    assert job["runs-on"].startswith("macos-")


def test_the_workflow_offers_what_the_runner_takes() -> None:
    asked = yaml.safe_load(WORKFLOW.read_text("utf-8"))[True]["workflow_dispatch"]["inputs"]["dtype"]
    assert (tuple(asked["options"]), asked["default"]) == (MetalDevice.storages, MetalDevice.storages[0])


def test_the_workflow_can_only_read_takes_fixed_actions_and_hands_nothing_to_a_shell_but_by_name() -> None:
    told = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert list(told[True]) == ["workflow_dispatch"]
    assert (told["permissions"], told["jobs"]["quick"]["permissions"]) == ({}, {"contents": "read"})
    steps = told["jobs"]["quick"]["steps"]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)
    assert steps[0]["with"] == {"persist-credentials": False}
