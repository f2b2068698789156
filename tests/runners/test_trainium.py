"""The Trainium runner over a strict stand-in for PyTorch on Neuron: the whole step, each kernel, and what fails."""

from __future__ import annotations

import ast
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generator.build import validate
from generator.layout import Layout as SiteLayout
from runners import command, trainium
from runners.check import check_kernels
from runners.device import KernelError, RunnerError
from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Storage
from runners.kernels.source import KERNELS
from runners.null import NullDevice
from runners.stacks.neuron import graph as neuron_graph
from runners.stacks.neuron import machine as neuron_machine
from runners.stacks.neuron.generations import on_host
from runners.step import Step, decode_step
from runners.trainium import TrainiumDevice
from runners.weights import Synthetic, first_contents
from schemas.records import Package
from tests.runners import runs
from tests.runners.fakes import neuron
from tests.runners.fakes.neuron import Chip
from tests.runners.runs import ROWS, TINY, filed, files
from tests.runners.tiny import emitted, tiny_model

DEPTH, STEPS, CAPACITY = 5, 4, 64
MODEL = tiny_model()
MACHINES = {"nki": ("Trainium1", "trn1.2xlarge"), "nki-trn2": ("Trainium2", "trn2.3xlarge")}
Installed = partial[Chip]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installed:
    """Puts the device and its SDK on this machine, for one test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEURON_")}
    monkeypatch.setattr(os, "environ", kept)
    monkeypatch.setitem(sys.modules, "torch_neuronx", None)
    return partial(neuron.install, partial(monkeypatch.setattr, raising=False), tmp_path / "machine")


@pytest.fixture
def chip(install: Installed) -> Chip:
    return install()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    return runs.prepare(tmp_path, monkeypatch.setattr)


def loaded(split: int | None = None, storage: Storage = "bf16", target: str = "nki") -> TrainiumDevice:
    """A device at the start of a decode."""
    device = TrainiumDevice(split)
    device.open()
    assert device.target == target
    step = decode_step(MODEL, storage, CAPACITY)
    contents = first_contents(MODEL, step, Synthetic(3, storage), DEPTH, seed=3)
    assert device.load(step, emitted(step, target), contents) > 0
    return device


def decoded(device: Any) -> tuple[list[int], Any]:
    """The tokens of the steps, and the logits after each."""
    found = [(device.run(1).tokens[0], device.read("logits")) for _ in range(STEPS)]
    return [token for token, _ in found], np.array([numbers for _, numbers in found])


def expected(storage: Storage) -> tuple[list[int], Any]:
    step, device = decode_step(MODEL, storage, CAPACITY), NullDevice()
    device.load(step, emitted(step, ""), first_contents(MODEL, step, Synthetic(3, storage), DEPTH, seed=3))
    return decoded(device)


def run(*arguments: str) -> int:
    return command.main("trainium", [*TINY, *arguments])


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert not any("Traceback" in line for line in lines)
    return next(line for line in reversed(lines) if "error:" in line)


# --- the step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", MACHINES)
@pytest.mark.parametrize("storage", TrainiumDevice.storages)
def test_tokens_and_logits_are_the_null_devices(install: Installed, storage: Storage, target: str) -> None:
    install(*MACHINES[target])
    tokens, numbers = decoded(loaded(storage=storage, target=target))
    right, close_to = expected(storage)
    assert tokens == right
    error = np.linalg.norm(numbers - close_to) / np.linalg.norm(close_to)
    assert error < (1e-5 if storage == "f32" else 1e-3)


@pytest.mark.parametrize(("split", "launches"), [(None, [12, 25]), (0, [37]), (1, [12, 25]), (2, [23, 14])])
def test_a_step_is_cut_where_it_is_asked_and_decodes_the_same(
    chip: Chip, split: int | None, launches: list[int]
) -> None:
    device = loaded(split)
    assert [len(graph) for graph in chip.traced[: len(launches)]] == launches
    assert device.decided == (Package("split", str(1 if split is None else split)),)
    assert decoded(device)[0] == expected("bf16")[0]


@pytest.mark.parametrize("target", MACHINES)
def test_a_repetition_begins_where_the_first_one_did(install: Installed, target: str) -> None:
    install(*MACHINES[target])
    device = loaded(target=target)
    first = device.run(STEPS)
    assert len(first.step_ns) == STEPS
    assert min(first.step_ns) > 0
    assert int(device.read("position")) == DEPTH + STEPS
    device.trace(1)
    device.write("token", np.array(1, np.int32))
    device.write("position", np.array(DEPTH, np.int32))
    assert device.run(STEPS).tokens == first.tokens


@pytest.mark.usefixtures("chip")
def test_a_loaded_step_holds_its_first_contents_though_each_graph_has_run_once() -> None:
    device = loaded()
    step = decode_step(MODEL, "bf16", CAPACITY)
    contents = first_contents(MODEL, step, Synthetic(3, "bf16"), DEPTH, seed=3)
    for name in ("token", "position", "0.keys", "2.values"):
        buffer = step.buffers[name]
        wanted = contents(buffer, 0, buffer.shape[0] if buffer.shape else 1)
        assert device.read(name).tobytes() == wanted.tobytes()


@pytest.mark.usefixtures("chip")
def test_a_trace_has_a_latency_for_each_kernel_with_its_first_launch() -> None:
    device = loaded()
    before = device.run(1).tokens
    columns = device.trace(2)
    launches = decode_step(MODEL, "bf16", 1).launches
    firsts = {launch.kernel: place for place, launch in reversed([*enumerate(launches)])}
    assert {place for place, column in enumerate(columns) if column} == set(firsts.values())
    assert all(len(columns[place]) == 2 and min(columns[place]) > 0 for place in firsts.values())
    assert before == expected("bf16")[0][:1]


def test_what_is_timed_has_finished(install: Installed) -> None:
    chip = install(*MACHINES["nki-trn2"])
    step = loaded(target="nki-trn2").loaded
    assert step
    for built, own in step.kinds.values():
        built.run(step.tensors | own)
        assert chip.unfinished == 0


@pytest.mark.usefixtures("chip")
def test_a_latency_is_that_of_a_launch_among_its_like(monkeypatch: pytest.MonkeyPatch) -> None:
    device = loaded()
    assert device.loaded
    together = {"rope_qk": 3_000, "rms_norm": 4_000, "lm_head_matvec": 9_000}
    monkeypatch.setattr(device.loaded, "time_kinds", lambda: together)
    assert [column for column in device.trace(1) if column] == [[1_000], [1_000], [9_000]]


def test_launches_of_a_traced_kernel_have_activations_of_their_own() -> None:
    step = decode_step(MODEL, "bf16", CAPACITY)
    graphs = neuron_graph.kinds(step, emitted(step, "nki"))
    assert {name: len(graph.launches) for name, graph in graphs.items()}["rope_qk"] == 3
    for graph in graphs.values():
        assert len(set(graph.launches)) == len(graph.launches)
        assert sum(len(launch.buffers) for launch in graph.launches) >= len({*graph.inputs, *graph.outputs})


# --- what a graph is ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", MACHINES)
def test_a_texts_parameters_are_what_is_given_to_it(target: str) -> None:
    sizes = decode_step(MODEL, "bf16", 1).sizes
    for kernel in KERNELS.values():
        text = emit(kernel, target, sizes.get(kernel.name, ROWS), "bf16")
        functions = [node for node in ast.parse(text.text).body if isinstance(node, ast.FunctionDef)]
        parameters = [argument.arg for argument in functions[0].args.args]
        assert [array.name for array in neuron_graph.taken(text)] == parameters


def test_a_half_keeps_its_caches_and_hands_on_one_activation() -> None:
    step = decode_step(MODEL, "bf16", CAPACITY)
    first, second = neuron_graph.halves(step, emitted(step, "nki"), 1)
    assert (first.states, first.outputs) == (("0.keys", "0.values"), ("x",))
    assert first.inputs[:2] == ("token", "embed_tokens")
    assert second.states == ("1.keys", "1.values", "2.keys", "2.values")
    assert (second.inputs[0], second.outputs) == ("x", ("logits", "token"))


def test_launches_alone_share_what_was_compiled_and_have_caches_of_their_own(chip: Chip) -> None:
    device = TrainiumDevice()
    device.open()
    step = decode_step(MODEL, "bf16", CAPACITY)
    kernels = emitted(step, "nki")
    contents = first_contents(MODEL, step, Synthetic(3, "bf16"), DEPTH, seed=3)
    device.load_graphs(neuron_graph.singles(step, kernels), step, kernels, contents)
    assert sorted(chip.traced) == [[name] for name in sorted(kernels)]
    assert decoded(device)[0] == expected("bf16")[0]


@pytest.mark.usefixtures("chip")
def test_a_split_beyond_the_layers_is_refused() -> None:
    with pytest.raises(
        RunnerError, match=r"^--split: must be less than the model's 3 layers \(got 3\); give"
    ):
        loaded(3)


@pytest.mark.usefixtures("chip")
def test_numbers_of_every_type_reach_the_device_bit_by_bit() -> None:
    device = TrainiumDevice()
    device.open()
    for storage in TrainiumDevice.storages:
        numbers = Synthetic(0, storage).rows("a.weight", (3, 5), 0, 3)
        tensor = device.stack.upload(numbers)
        assert on_host(numbers).shape == (3, 5)
        assert device.stack.download(tensor).tobytes() == numbers.tobytes()
        assert device.stack.download(tensor).dtype == numbers.dtype


# --- single kernels -------------------------------------------------------------------------------


def opened(target: str = "nki") -> tuple[TrainiumDevice, dict[str, Emitted], Step]:
    device = TrainiumDevice()
    device.open()
    step = decode_step(MODEL, "bf16", CAPACITY)
    return device, emitted(step, target), step


@pytest.mark.parametrize("target", MACHINES)
def test_every_kernel_passes_its_check_and_is_compiled_once(install: Installed, target: str) -> None:
    chip = install(*MACHINES[target])
    device, kernels, _ = opened(target)
    assert device.compile(list(kernels.values())) > 0
    checks = list(check_kernels(device, kernels, DEPTH, CAPACITY, 1))
    assert [check.error for check in checks] == [None] * len(kernels)
    if target == "nki":
        assert sorted(chip.traced) == [[name] for name in sorted(kernels)]


def test_a_kernel_that_the_compiler_refuses_is_named_with_its_first_fault(chip: Chip) -> None:
    chip.refused = "lm_head_matvec"
    device, kernels, _ = opened()
    with pytest.raises(KernelError) as failed:
        device.compile(list(kernels.values()))
    assert failed.value.kernel == "lm_head_matvec"
    assert str(failed.value).startswith(
        "neuronx-cc: refuses a graph (got 'neuronx-cc failed with 70: ERROR [NCC_ITEN404] no lowering of a tile'); "
    )
    del kernels["lm_head_matvec"]
    device.compile(list(kernels.values()))


@pytest.mark.parametrize("target", MACHINES)
def test_a_kernel_that_nki_refuses_at_its_check_has_failed(install: Installed, target: str) -> None:
    install(*MACHINES[target]).unsuited = "attention_decode_gqa"
    device, kernels, _ = opened(target)
    device.compile(list(kernels.values()))
    failed = [one for one in check_kernels(device, kernels, DEPTH, CAPACITY, 1) if one.error]
    assert [one.kernel for one in failed] == ["attention_decode_gqa"]
    assert "Failed to infer tile" in str(failed[0].error)


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("chip")
def test_a_run_files_a_result_of_the_device_on_record_that_the_board_takes(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on_record = runs.REPOSITORY / "data" / "devices" / "aws-trainium1.md"
    (data / "devices" / on_record.name).write_text(on_record.read_text("utf-8"), "utf-8")
    assert run("--dtype", "f16") == 0
    result = filed(tmp_path)
    assert [name for name in files(tmp_path) if name.endswith(".json")] == [
        f"data/results/aws-trainium1/{result.id}.json"
    ]
    assert validate(SiteLayout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []
    facts = result.environment
    assert facts
    assert (facts.device_name, facts.driver) == ("Trainium1 (trn1.2xlarge)", "2.25.4.0")
    assert {("neuronx-cc", "2.22.12471.0"), ("neuron-cores", "1"), ("split", "1")} <= {
        (package.name, package.version) for package in facts.toolchain
    }
    assert result.kernels
    assert len(result.kernels.timings) == 17
    assert all(timing.numerics_ok and timing.samples_ns for timing in result.kernels.timings)
    assert "compiled   the step in" in capsys.readouterr().out


@pytest.mark.usefixtures("data")
def test_a_run_on_a_later_generation_files_a_result_in_its_language(
    install: Installed, tmp_path: Path
) -> None:
    install(*MACHINES["nki-trn2"])
    assert run("--quick") == 0
    result = filed(tmp_path)
    assert result.environment
    assert result.kernels
    assert result.environment.device_name == "Trainium2 (trn2.3xlarge)"
    assert {timing.language for timing in result.kernels.timings} == {"NKI, Trainium2 and newer"}


@pytest.mark.usefixtures("data")
def test_a_kernel_that_is_wrong_is_filed_as_failed_and_not_timed(chip: Chip, tmp_path: Path) -> None:
    chip.wrong = "gelu"
    assert run("--quick") == 1
    block = filed(tmp_path).kernels
    assert block
    failed = [timing for timing in block.timings if timing.error]
    assert [timing.kernels for timing in failed] == [("gelu",)]
    assert failed[0].samples_ns is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"held": True}, "guide for help on this topic.'); end what else holds the NeuronCores (neuron-ls names it)"),
        ({"memory_bytes": 100_000}, "Allocation Failure'); close what else uses the device, or choose a --dtype"),
        ({"lost_after": 97}, "status=6 message=Hardware Error'); see whether the device is still there"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("data")
def test_a_device_that_fails_ends_a_run_with_one_line_and_files_nothing(
    chip: Chip, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: dict[str, Any], words: str
) -> None:
    for name, value in fault.items():
        setattr(chip, name, value)
    assert run() == 1
    line = last_line(capsys)
    assert line.startswith("error: ")
    assert words in line
    assert not [name for name in files(tmp_path) if name.endswith((".json", ".md"))]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("NRT allocation failed for size 466747392 (OOM)", "close what else uses the device"),
        ("Failed to initialize Neuron Runtime: status code 1", "end what else holds the NeuronCores"),
        ("NRT EXECUTION FAILED: Neuron core busy/locked by another model/process", "end what else holds"),
        ("Could not load the model status=10 message=Unsupported NEFF Version", "the runtime is older than the"),
        ("Failed to load model. Status: 10, Unsupported NEFF version", "the runtime is older than the compiler"),
        ("Execution completed with numerical errors (NaN)", "a kernel made what is no number"),
        ("Failed to execute the model status=1003 message=Numerical Error", "a kernel made what is no number"),
        ("one or more indirect memcopies and/or embedding updates are out of bound", "a kernel reached beyond"),
    ],
)  # fmt: skip
def test_what_each_pytorch_says_of_a_failure_comes_with_its_own_remedy(said: str, remedy: str) -> None:
    with pytest.raises(RunnerError) as failed, trainium._told("loading the step", trainium._REPORT):
        raise RuntimeError(said)
    assert str(failed.value).startswith(f"loading the step: failed (got '{said}'); {remedy}")


# --- the machine ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "instance", "name"),
    [
        ("Trainium1", "trn1.32xlarge", "Trainium1 (trn1.32xlarge)"),
        ("Inferentia2", "inf2.xlarge", "Inferentia2 (inf2.xlarge)"),
        ("Trainium3", "trn3.48xlarge", "Trainium3 (trn3.48xlarge)"),
        ("Trainium1", "Standard PC", "Trainium1"),
    ],
)
def test_the_device_says_what_it_is(install: Installed, device: str, instance: str, name: str) -> None:
    install(device, instance)
    assert TrainiumDevice().open().name == name


@pytest.mark.parametrize(
    ("device", "missing", "words"),
    [
        ("", (), r"^no Neuron device found .*; start an instance"),
        ("Inferentia", (), r"^this device is none that NKI is for \(got Inferentia\); use one of Trainium1"),
        ("Trainium1", ("torch_neuronx",), r"^torch_neuronx not installed, which Trainium1 needs; pip install .*2\.22"),
        ("Trainium2", ("torch", "nki"), r"^torch and nki not installed, which Trainium2 needs; pip install .*2\.14"),
    ],
)  # fmt: skip
def test_what_is_missing_comes_with_its_remedy(
    install: Installed, monkeypatch: pytest.MonkeyPatch, device: str, missing: tuple[str, ...], words: str
) -> None:
    install(device)
    monkeypatch.setattr(neuron_machine, "find_spec", lambda name: None if name in missing else name)
    with pytest.raises(RunnerError, match=words):
        TrainiumDevice().open()


def test_an_sdk_without_its_runtime_comes_with_its_remedy(install: Installed) -> None:
    def initialize() -> None:
        raise ImportError("libnrt.so.1: cannot open shared object file: No such file or directory")

    install().initialize = initialize  # type: ignore[method-assign]
    with pytest.raises(
        RunnerError, match=r"install the Neuron runtime: sudo apt-get install aws-neuronx-runtime"
    ):
        TrainiumDevice().open()


@pytest.mark.usefixtures("chip")
def test_another_system_has_no_neuron_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TrainiumDevice.lacking() is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "no Neuron device found" in str(TrainiumDevice.lacking())


@pytest.mark.usefixtures("chip")
def test_a_process_takes_one_core_and_that_which_the_person_chose() -> None:
    environ = os.environ
    assert TrainiumDevice().open().toolchain[-1] == Package("neuron-cores", "1")
    assert environ["NEURON_RT_NUM_CORES"] == "1"
    assert environ["NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS"] == "0"
    del environ["NEURON_RT_NUM_CORES"]
    environ["NEURON_RT_VISIBLE_CORES"] = "1"
    assert TrainiumDevice().open().toolchain[-1] == Package("neuron-cores", "number 1")
    assert "NEURON_RT_NUM_CORES" not in environ


def test_the_install_command_is_that_of_the_device(
    install: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    install("Trainium2")
    assert neuron_machine.main() == 0
    assert capsys.readouterr().out.endswith("'torch-neuronx==2.14.*' 'neuronx-cc==2.*' nki\n")


def test_a_python_that_no_package_is_made_for_is_told_before_any_is_installed(
    install: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install("Trainium2")
    monkeypatch.setattr(neuron_machine, "PYTHON", (3, 11))
    words = "Trainium2 needs Python 3.12 or newer (got 3.11); make the virtual environment by python3.12"
    assert TrainiumDevice.lacking() == words
    assert neuron_machine.main() == 1
    assert capsys.readouterr() == ("", f"error: {words}\n")
    install("Trainium1")
    monkeypatch.setattr(neuron_machine, "PYTHON", (3, 11))
    assert neuron_machine.main() == 0


def test_without_a_device_there_is_no_install_command(
    install: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    install("")
    assert neuron_machine.main() == 1
    assert capsys.readouterr().err.startswith("error: no Neuron device found")
