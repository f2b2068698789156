"""The TPU's runner on JAX's CPU, its texts interpreted: a whole step, a whole run, and each way to fail."""

from __future__ import annotations

import signal
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from generator.build import validate
from generator.layout import Layout
from runners import command, registry, tpu
from runners.baselines import stacks
from runners.device import RunnerError
from runners.kernels.emit import Emitted
from runners.kernels.sizes import Storage
from runners.null import NullDevice
from runners.stacks.tpu import apart as tpu_apart
from runners.stacks.tpu import slice as tpu_slice
from runners.stacks.tpu.program import Programs, function
from runners.step import Step, decode_step
from runners.tpu import TpuDevice
from runners.weights import START_TOKEN
from schemas.records import Result
from tests.runners import runs, steps
from tests.runners.fakes.tpu import InterpretedTpu
from tests.runners.runs import TINY, filed, files
from tests.runners.steps import DEPTH, MODEL, assert_same, decoded
from tests.runners.tiny import emitted

jax: Any = pytest.importorskip("jax", reason="jax is not installed: pip install '.[test]'")

STEPS = 3
CAPACITY = 64
"""As the command rounds it up, so that XLA compiles it once."""
loaded = partial(steps.loaded, capacity=CAPACITY)


def rewound(device: Any) -> Any:
    """The device where it started: what it has added to the caches is overwritten before it is read."""
    for name, number in (("token", START_TOKEN), ("position", DEPTH)):
        device.write(name, np.array(number, np.int32))
    return device


@pytest.fixture(scope="module", autouse=True)
def each_launch_once(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """And what XLA has compiled it keeps, as most of these tests compile the same."""
    kept = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("jax")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in kept}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tpu_apart, "LAUNCHES_TOGETHER", 1)
        for name, value in kept.items():
            jax.config.update(name, value)
        yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(scope="module")
def at_first() -> Any:
    return loaded(InterpretedTpu())


@pytest.fixture
def device(at_first: Any) -> Any:
    return rewound(at_first)


# --- the step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", TpuDevice.storages)
def test_logits_and_tokens_are_those_of_the_null_device(storage: Storage, at_first: Any) -> None:
    found = rewound(at_first) if storage == "bf16" else loaded(InterpretedTpu(), storage)
    assert_same(decoded(found, STEPS), decoded(loaded(NullDevice(), storage), STEPS), storage)


def test_steps_run_together_are_steps_run_singly_and_position_moves_on(device: Any) -> None:
    together = device.run(STEPS)
    assert len(together.step_ns) == STEPS
    assert min(together.step_ns) > 0
    assert int(device.read("position")) == DEPTH + STEPS
    assert int(device.read("token")) == together.tokens[-1]
    assert together.tokens == decoded(rewound(device), STEPS)[0]


def test_caches_token_and_position_are_donated_and_weights_are_not(device: Any) -> None:
    before, weight = dict(device.changing), device.constant["lm_head"]
    device.run(1)
    assert sorted(before) == sorted(
        ["token", "position", *(f"{layer}.{kind}" for layer in range(3) for kind in ("keys", "values"))]
    )
    assert all(array.is_deleted() for array in before.values())
    assert not weight.is_deleted()


def test_what_was_read_or_written_stays_the_hosts_own(device: Any) -> None:
    device.run(1)
    keys = rewound(device).read("0.keys")
    kept = keys.copy()
    token = np.array(START_TOKEN + 1, np.int32)
    device.write("token", token)
    device.run(1)
    assert int(token) == START_TOKEN + 1
    assert np.array_equal(keys, kept)
    assert not np.array_equal(device.read("0.keys"), kept)


def test_a_trace_times_each_kernels_launches_together_and_leaves_what_the_steps_leave(device: Any) -> None:
    times = device.trace(2)
    traced = [device.read(name) for name in ("logits", "0.keys", "2.values", "position")]
    plain = rewound(device)
    plain.run(2)
    assert all(
        np.array_equal(a, plain.read(b))
        for a, b in zip(traced, ("logits", "0.keys", "2.values", "position"), strict=True)
    )
    kernels = [launch.kernel for launch in decode_step(MODEL, "bf16", CAPACITY).launches]
    firsts = {kernels.index(kernel) for kernel in kernels}
    assert [len(column) for column in times] == [2 if place in firsts else 0 for place in range(len(kernels))]
    assert min(min(column) for column in times if column) > 0


def test_a_barrier_stands_before_each_launch_of_a_kernels_own_program(device: Any) -> None:
    """That the compiler then drops none and takes no two for one, libtpu alone can say, ahead of time."""
    step = decode_step(MODEL, "bf16", CAPACITY)
    texts = emitted(step, "pallas")
    programs = Programs(step, {name: function(text, interpret=True) for name, text in texts.items()})
    memory = {**device.constant, **device.changing, **device.activations}
    for kernel, launches in (("rope_qk", 3), ("argmax_greedy", 1), ("kv_cache_append", 3)):
        lowered = jax.jit(programs.repeated(kernel, 2)).lower(*device.apart.read_by(kernel, memory))
        assert lowered.as_text().count("optimization_barrier") == 2 * launches


def test_kernels_that_a_step_launches_seldom_are_launched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpu_apart, "LAUNCHES_TOGETHER", 4)
    device = InterpretedTpu()
    device.open()
    step = Step("f32", 1, {})
    step.sizes["o_proj_matvec"] = decode_step(MODEL, "f32", CAPACITY).sizes["o_proj_matvec"]
    for turn in range(3):
        step.launch("o_proj_matvec", f"weight{turn}", f"x{turn}", f"y{turn}")
    for name in [name for name in step.buffers if not name.startswith("y")]:
        buffer = step.buffers[name]
        step.buffers[name] = type(buffer)(buffer.name, buffer.element, buffer.shape, "table")
    device.load(step, emitted(step, "pallas"), lambda buffer, *_: np.ones(buffer.shape, np.float32))
    assert device.apart
    assert device.apart.programs["o_proj_matvec"][0] == 6
    assert [len(column) for column in device.trace(2)] == [2, 0, 0]


def test_64_bit_numbers_are_off_whatever_the_environment_says() -> None:
    jax.config.update("jax_enable_x64", True)
    InterpretedTpu().open()
    assert not jax.config.jax_enable_x64


# --- what it is -----------------------------------------------------------------------------------


def slice_of(kind: str, chips: int, devices_a_chip: int) -> list[Any]:
    return [
        SimpleNamespace(device_kind=kind, coords=[chip, 0, 0], core_on_chip=core)
        for chip in range(chips)
        for core in range(devices_a_chip)
    ]


@pytest.mark.parametrize(
    ("kind", "chips", "devices_a_chip", "name"),
    [
        ("TPU v2", 4, 2, "TPU v2-8"),
        ("TPU v3", 4, 2, "TPU v3-8"),
        ("TPU v4", 4, 1, "TPU v4-8"),
        ("TPU v5 lite", 1, 1, "TPU v5e-1"),
        ("TPU v5 lite", 8, 1, "TPU v5e-8"),
        ("TPU v5", 4, 1, "TPU v5p-8"),
        ("TPU v5p", 4, 1, "TPU v5p-8"),
        ("TPU v6 lite", 1, 1, "TPU v6e-1"),
        ("TPU7x", 4, 2, "TPU7x-8"),
        ("TPU v8 lite", 1, 1, "TPU v8e-1"),
    ],
)
def test_a_slice_has_the_name_that_google_gives_it(
    kind: str, chips: int, devices_a_chip: int, name: str
) -> None:
    assert tpu_slice.slice_name(slice_of(kind, chips, devices_a_chip)) == name


@pytest.mark.parametrize(
    ("vendor", "kind", "found"),
    [("0x1ae0", "0x120000", True), ("0x1ae0", "0x020000", False), ("0x1ae0", "0x010802", False),
     ("0x10de", "0x120000", False)],
)  # fmt: skip
def test_a_tpu_is_found_among_a_machines_pci_devices(
    tmp_path: Path, vendor: str, kind: str, found: bool
) -> None:
    (tmp_path / "0000:00:04.0").mkdir()
    (tmp_path / "0000:00:05.0").mkdir()
    (tmp_path / "0000:00:05.0" / "vendor").write_text(f"{vendor}\n")
    (tmp_path / "0000:00:05.0" / "class").write_text(f"{kind}\n")
    assert tpu_slice.attached(tmp_path) == found


def test_what_is_missing_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tpu_slice, "PCI", tmp_path)
    assert "no TPU found" in (TpuDevice.lacking() or "")
    assert "python -m runners.cpu" in (TpuDevice.lacking() or "")
    monkeypatch.setattr(tpu_slice, "attached", lambda _: True)
    monkeypatch.setattr(tpu_slice, "find_spec", lambda name: None if name == "libtpu" else object())
    assert "got no libtpu); run: pip install" in (TpuDevice.lacking() or "")
    monkeypatch.setattr(tpu_slice, "find_spec", lambda _: object())
    assert TpuDevice.lacking() is None


# --- a whole run ----------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    found = runs.prepare(tmp_path, monkeypatch.setattr)
    runners = {**registry.RUNNERS, "tpu": "tests.runners.fakes.tpu:InterpretedTpu"}
    monkeypatch.setattr(registry, "RUNNERS", runners)
    return found


def run(*arguments: str) -> int:
    return command.main("tpu", [*TINY, *arguments])


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of error."""
    _, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    return str(line)


def timed(result: Result) -> set[str]:
    """The kernels that have samples."""
    assert result.kernels
    return {one.kernels[0] for one in result.kernels.timings if one.samples_ns}


def test_a_run_files_a_result_that_the_board_takes_and_native_jax_beside_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stacks.STACKS["jax"]
    monkeypatch.setattr(stacks, "STACKS", {"jax": stacks.Stack(stack.module, ("tpu",), ("jax",), "", True)})
    assert run("--baseline", "jax") == 0
    result = filed(tmp_path)
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []
    assert len([path for path in files(tmp_path) if path.endswith(".json")]) == 2
    assert result.environment
    assert result.decode
    assert result.decode.samples
    assert result.decode.samples.compile_s
    assert [len(one.step_ns or ()) for one in result.decode.samples.repetitions] == [4] * 5
    toolchain = {package.name: package.version for package in result.environment.toolchain}
    assert toolchain["jax"] == jax.__version__
    assert toolchain["cores"] == "1"
    assert (result.device, result.environment.device_name) == ("tpu-v5e-1", "TPU v5e-1")
    assert result.environment.device_count == 1
    assert timed(result) == {launch.kernel for launch in decode_step(MODEL, "bf16", CAPACITY).launches} | {
        "softmax",
        "layernorm",
        "gelu",
        "silu",
    }


# --- what can fail --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Backend 'tpu' failed to initialize: ABORTED: The TPU is already in use by process with pid 4711. Not "
         "attempting to load libtpu.so in this process.", "end the other process, as one alone may hold a TPU"),
        ("Unable to initialize backend 'tpu': UNKNOWN: TPU initialization failed: Internal error when accessing "
         "libtpu multi-process lockfile.", "run: sudo rm /tmp/libtpu_lockfile"),
        ("Unknown backend tpu. Available backends are ['cpu']", "unset JAX_PLATFORMS"),
        ("Backend 'tpu' failed to initialize: INTERNAL: Failed to open libtpu.so", "run: pip install"),
        ("Backend 'tpu' failed to initialize: NOT_FOUND: TPU initialization failed: No jellyfish device found.",
         "start it on a machine with a TPU, or use python -m runners.cpu"),
    ],
)  # fmt: skip
def test_a_tpu_that_cannot_be_opened_is_told_with_its_remedy(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    said: str, remedy: str,
) -> None:  # fmt: skip
    del data

    def devices(platform: str) -> Any:
        assert platform == "cpu"
        raise RuntimeError(said)

    monkeypatch.setattr(jax, "devices", devices)
    assert run() == 1
    line = told(capsys)
    assert line.startswith(f"error: tpu: opening it: failed (got '{said}'); ")
    assert remedy in line
    assert files(tmp_path) == []


@pytest.mark.skipif(find_spec("libtpu") is not None, reason="libtpu is installed: a TPU could be here")
def test_jax_itself_is_asked_for_a_tpu_and_its_answer_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, said in ((False, "no TPU found"), (True, r"packages are missing \(got no libtpu\); run: pip")):
        monkeypatch.setattr(tpu_slice, "attached", lambda _, there=there: there)
        with pytest.raises(RunnerError, match=f"^tpu: {said}"):
            TpuDevice().open()
    monkeypatch.setattr(tpu, "not_installed", lambda: None)
    with pytest.raises(RunnerError, match=r"tpu: opening it: failed \(got '.*'\); (unset JAX|run: pip)"):
        TpuDevice().open()


def test_too_little_memory_at_load_is_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    put = jax.device_put

    def device_put(numbers: Any, device: Any) -> Any:
        if numbers.shape == (131, 54):  # the embedding's
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Attempting to allocate 445.12M.")
        return put(numbers, device)

    checked = InterpretedTpu.load

    def load(self: Any, *given: Any) -> float:
        monkeypatch.setattr(jax, "device_put", device_put)
        return checked(self, *given)

    monkeypatch.setattr(InterpretedTpu, "load", load)
    assert run() == 1
    line = told(capsys)
    assert "tpu: loading the step: failed (got 'RESOURCE_EXHAUSTED: Attempting to allocate 445.12M.')" in line
    assert line.endswith("or choose a --dtype of 16 bits")
    assert files(tmp_path) == []


@pytest.mark.parametrize("storage", TpuDevice.storages[:1])
def test_a_kernel_that_is_refused_and_one_that_is_wrong_have_failed_and_the_others_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    storage: Storage,
) -> None:  # fmt: skip
    del data, storage
    emit = InterpretedTpu.emit
    changes = {"q_proj_matvec": ("total + bias", "total +* bias"), "rope_qk": ("pl.pallas_call(", "pl.no_such_call("),
               "silu": ("1.0 +", "2.0 +")}  # fmt: skip

    def spoiled(self: Any, kernel: Any, *given: Any) -> Emitted:
        from dataclasses import replace

        found = emit(self, kernel, *given)
        before, after = changes.get(kernel.name, ("", ""))
        assert before in found.text
        return replace(found, text=found.text.replace(before, after))

    monkeypatch.setattr(InterpretedTpu, "emit", spoiled)
    assert run() == 1
    result = filed(tmp_path)
    assert result.kernels
    failed = {one.kernels[0]: one.error for one in result.kernels.timings if one.error}
    assert sorted(failed) == ["q_proj_matvec", "rope_qk", "silu"]
    assert "compiler: refuses it (got 'invalid syntax" in str(failed["q_proj_matvec"])
    assert "no_such_call" in str(failed["rope_qk"])
    assert "relative L2 error above" in str(failed["silu"])
    assert result.decode is None or result.decode.samples is None
    assert timed(result) == {"softmax", "layernorm", "gelu"}
    assert "Traceback" not in capsys.readouterr().err


def test_a_tpu_that_vanishes_between_repetitions_files_nothing_and_keeps_what_finished(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    said = "INTERNAL: Core halted unexpectedly: INTERNAL: Accelerator device halted prematurely"
    ran = InterpretedTpu.run
    repetitions = []

    def run_until(self: Any, steps: int) -> Any:
        repetitions.append(steps)
        if repetitions.count(4) > 2:

            def gone(*_: Any) -> Any:
                raise jax.errors.JaxRuntimeError(said)

            self.whole = gone
        return ran(self, steps)

    monkeypatch.setattr(InterpretedTpu, "run", run_until)
    assert run() == 1
    line = told(capsys)
    assert f"tpu: running the step: failed (got '{said}'); see whether the device is still there" in line
    (kept,) = files(tmp_path)
    assert kept.startswith("build/runs/")
