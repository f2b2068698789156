"""The CUDA runner on a strict CUDA: a whole step gives the reference's tokens, and what fails is told in one line."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners import command, cuda
from runners.cuda import CudaDevice
from runners.device import Ran, RunnerError
from runners.kernels.emit import Emitted, emit
from runners.kernels.sizes import Storage
from runners.kernels.source import DECODE_STEP, KERNELS, MICROBENCHMARKS
from runners.latencies import rotated
from runners.null import NullDevice
from runners.stacks.cuda import memory as cuda_memory
from runners.stacks.cuda import overlap as cuda_overlap
from runners.stacks.cuda import versions as cuda_versions
from runners.stacks.cuda.gpu import Gpu
from runners.step import decode_step
from tests.runners import runs
from tests.runners.fakes.cuda import FakeCuda
from tests.runners.fakes.cuda_streams import Misuse
from tests.runners.kernels.executors import EXECUTORS, Call
from tests.runners.runs import ROWS, TINY, filed, files
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


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Emitted], Call]:
    """Every text that a run of the tiny model compiles, in every storage type, and what runs one of them."""
    found = texts("cuda", CudaDevice.storages)
    return found, EXECUTORS["cuda"](found, tmp_path_factory.mktemp("cuda"))


@pytest.fixture
def fake(simulated: tuple[list[Emitted], Call], monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """A machine with an H200."""
    made = FakeCuda(*simulated)
    for name, module in made.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(cuda_versions, "_loads", lambda _: True)
    for module in (cuda, cuda_versions):
        monkeypatch.setattr(module, "version", {"cuda-core": "1.2.2", "cuda-bindings": "13.5.0"}.__getitem__)
    monkeypatch.setattr(cuda_overlap, "ROUNDS", 1)
    return made


# --- the step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", CudaDevice.storages)
def test_logits_and_tokens_are_those_of_the_null_device(fake: FakeCuda, storage: Storage) -> None:
    del fake
    ours, expected = loaded(CudaDevice(), storage), loaded(NullDevice(), storage)
    assert_same(decoded(ours), decoded(expected), storage)
    for name in ("0.keys", "2.values", "position"):
        assert ours.read(name).shape == expected.read(name).shape
        assert np.array_equal(ours.read(name) == 0, expected.read(name) == 0)


def test_a_step_is_one_launch_of_one_graph(fake: FakeCuda) -> None:
    device = loaded(CudaDevice())
    before = [graph.launches for graph in fake.graphs]
    ran = device.run(STEPS)
    after = [graph.launches for graph in fake.graphs]
    assert sum(after) - sum(before) == STEPS
    assert len(ran.step_ns) == len(ran.tokens) == STEPS
    assert min(ran.step_ns) > 0
    assert int(device.read("position")) == DEPTH + STEPS


def test_what_loading_tried_is_put_back(fake: FakeCuda) -> None:
    tried = loaded(CudaDevice())
    fake.capability = (8, 0)
    plain = loaded(CudaDevice())
    for name in (
        "token",
        "position",
        *(f"{layer}.{kind}" for layer in range(3) for kind in ("keys", "values")),
    ):
        assert np.array_equal(tried.read(name), plain.read(name)), name
    assert tried.run(STEPS).tokens == plain.run(STEPS).tokens
    assert np.array_equal(tried.read("logits"), plain.read("logits"))


def test_a_step_can_be_written_back_to_its_start(fake: FakeCuda) -> None:
    del fake
    assert_can_be_written_back(loaded(CudaDevice()))


def test_a_trace_has_a_time_for_each_launch_and_decodes_the_same(fake: FakeCuda) -> None:
    del fake
    traced, plain = loaded(CudaDevice()), loaded(CudaDevice())
    times = traced.trace(2)
    assert [len(column) for column in times] == [2] * len(decode_step(MODEL, "bf16", 1).launches)
    assert min(min(column) for column in times) > 0
    plain.run(2)
    assert np.array_equal(traced.read("logits"), plain.read("logits"))
    assert int(traced.read("position")) == DEPTH + 2


def test_a_microbenchmark_is_timed_on_a_step_without_token_and_position(
    fake: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    del fake
    monkeypatch.setattr("runners.latencies.ROTATED_BYTES", 1)
    device, text = CudaDevice(), emit(KERNELS["softmax"], "cuda", ROWS, "f16")
    device.open()
    device.compile([text])
    assert min(rotated(device, text, "f16")) > 0


def test_all_memory_and_every_graph_is_let_go(fake: FakeCuda) -> None:
    device = loaded(CudaDevice())
    device.trace(1)
    device.read_bandwidth()
    assert fake.used_bytes > 0
    device.close()
    assert fake.used_bytes == 0
    assert not [one for one in fake.memory if one.alive]
    assert all(graph.closed for graph in fake.graphs)
    device.close()


def test_what_was_compiled_is_not_compiled_again(fake: FakeCuda) -> None:
    device = loaded(CudaDevice())
    fake.refused = dict.fromkeys(KERNELS, "twice")
    device.compile(list(emitted(decode_step(MODEL, "bf16", 1), "cuda").values()))


@pytest.mark.parametrize(
    "broken",
    [
        lambda patch: patch.setattr(Gpu, "run", lambda self, graph: graph.launch(self.stream)),
        lambda patch: patch.setattr(cuda, "packed", lambda *_: np.zeros(1, np.int32)),
        lambda patch: patch.setattr(cuda_memory, "_ALIGNED_BYTES", 4),
        lambda patch: patch.setattr(CudaDevice, "_fill", lambda *_: None),
        lambda patch: patch.setattr(cuda, "has_dynamic", lambda _: False),
    ],
    ids=["not waited for", "not all filled", "not aligned", "not filled", "no capacity"],
)
def test_a_runner_that_does_it_wrong_is_found_out(
    fake: FakeCuda, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    del fake
    expected = loaded(NullDevice()).run(3).tokens
    broken(monkeypatch)
    with suppress(Misuse):
        assert loaded(CudaDevice()).run(3).tokens != expected


# --- launches that overlap ------------------------------------------------------------------------


def test_from_hopper_on_a_step_is_recorded_both_ways_and_one_is_kept(fake: FakeCuda) -> None:
    device = loaded(CudaDevice())
    launches = len(decode_step(MODEL, "bf16", 1).launches)
    plain, overlapping = fake.graphs
    assert (plain.early, overlapping.early) == (0, launches)  # all but the first, and the step's end
    assert plain.launches == overlapping.launches == STEPS
    assert device.graph in fake.graphs
    (decided,) = device.decided
    assert re.match(r"one a step, launches (overlap|in order) \(tried for a step: \d+ us ", decided.version)


def test_before_hopper_nothing_overlaps(fake: FakeCuda) -> None:
    fake.capability = (7, 5)
    device = loaded(CudaDevice())
    assert [graph.early for graph in fake.graphs] == [0]
    assert [one.version for one in device.decided] == ["one a step, launches in order"]


def test_overlapping_launches_that_give_other_logits_are_not_kept(fake: FakeCuda) -> None:
    fake.overlap_spoils = True
    device = loaded(CudaDevice())
    assert device.graph.early == 0
    assert device.decided[0].version.endswith("overlapping ones gave other logits")


def test_a_driver_that_does_not_record_launches_that_overlap_runs_them_in_order(fake: FakeCuda) -> None:
    fake.fails = {"capture": (1, "CUDA_ERROR_NOT_SUPPORTED")}
    device = loaded(CudaDevice())
    assert device.graph.early == 0
    assert (
        "in order: overlapping ones are not recorded (cuda: recording launches that"
        in device.decided[0].version
    )
    assert device.run(STEPS).tokens == loaded(NullDevice()).run(STEPS).tokens


@pytest.mark.parametrize(("plain_ns", "overlapping_ns", "expected"), [(9, 8, "b"), (8, 9, "a"), (8, 8, "a")])
def test_the_faster_graph_is_kept(plain_ns: int, overlapping_ns: int, expected: str) -> None:
    step_ns = {"a": plain_ns * 1000, "b": overlapping_ns * 1000}
    found, said = cuda_overlap.kept("a", "b", lambda graph: (Ran([step_ns[graph]] * 3, [1] * 3), np.zeros(2)))
    assert found == expected
    assert f"{overlapping_ns} us overlapping, {plain_ns} us in order" in said


# --- the machine ----------------------------------------------------------------------------------


def test_the_probe_reads_the_arena(fake: FakeCuda) -> None:
    device = loaded(CudaDevice())
    assert device.read_bandwidth() > 0
    assert device.read_bandwidth() > 0
    assert len(fake.graphs) == 3
    assert fake.graphs[-1].launches == 2
    assert device.memory.size_bytes - 2 * 16 * 8192 < device.probe.size_bytes <= device.memory.size_bytes


def test_nothing_is_probed_where_nothing_is_loaded(fake: FakeCuda) -> None:
    del fake
    device = CudaDevice()
    device.open()
    assert device.read_bandwidth() is None


def test_the_device_says_what_it_is(fake: FakeCuda) -> None:
    del fake
    identity = CudaDevice().open()
    assert (identity.name, identity.count, identity.driver) == ("NVIDIA H200", 1, "580.65.06")
    assert [(one.name, one.version) for one in identity.toolchain] == [
        ("NVRTC", "13.0"),
        ("cuda-core", "1.2.2"),
        ("cuda-bindings", "13.5.0"),
    ]


def test_energy_is_the_gpus_own_counter_or_nothing(fake: FakeCuda) -> None:
    device = CudaDevice()
    device.open()
    assert device.energy_j() == 5.0
    fake.divided = True
    assert device.energy_j() is None
    fake.divided, fake.energy_mj = False, -1
    assert device.energy_j() is None


def test_without_the_management_library_the_driver_is_named_by_its_cuda(fake: FakeCuda) -> None:
    fake.nvml = False
    device = CudaDevice()
    assert device.open().driver == "CUDA 13.0"
    assert device.energy_j() is None


@pytest.mark.parametrize(
    ("driver", "others", "line"),
    [
        (False, {}, "no NVIDIA driver found (got no libcuda.so.1); install your GPU's, or use python -m "),
        (
            True,
            {"cuda-core": "", "cuda-bindings": ""},
            "a package is missing or too old (got no cuda-core 1.2 and cuda-bindings 12.9 or newer); pip install -",
        ),
        (
            True,
            {"cuda-core": ""},
            "a package is missing or too old (got no cuda-core 1.2 or newer); pip install ",
        ),
        (
            True,
            {"cuda-core": "0.10.1"},
            "a package is missing or too old (got no cuda-core 1.2 or newer); pip i",
        ),
        (True, {"cuda-core": "1.10.0"}, None),
        (True, {}, None),
    ],
)
def test_what_the_machine_lacks_comes_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, driver: bool, others: dict[str, str], line: str | None
) -> None:
    def version(name: str) -> str:
        if others.get(name) == "":
            raise PackageNotFoundError(name)
        return others.get(name) or {"cuda-core": "1.2.2", "cuda-bindings": "13.5.0"}[name]

    monkeypatch.setattr(cuda_versions, "_loads", lambda _: driver)
    monkeypatch.setattr(cuda_versions, "version", version)
    assert (CudaDevice.lacking() is None) == (line is None)
    assert (line or "") in (CudaDevice.lacking() or "")
    if line:
        with pytest.raises(RunnerError, match=re.escape(f"cuda: {line}")):
            CudaDevice().open()


def test_a_library_is_looked_for_as_the_system_does() -> None:
    assert cuda_versions._loads("libc.so.6") == sys.platform.startswith("linux")
    assert not cuda_versions._loads("libno-such-thing.so.1")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"cuda_version": 12080},
            r"^cuda: the driver is older than NVRTC \(got CUDA 12\.8, NVRTC 13\.0\); install driver R580 or newer, or "
            r"for this one: pip uninstall -y nvidia-cuda-nvrtc && pip install 'cuda-bindings<13' nvidia-cuda-nvrtc-cu1",
        ),
        (
            {"capability": (6, 0), "name": "Tesla P100"},
            r"^cuda: Tesla P100 is too old \(got compute capability 6\.0\); take a GPU of 7\.5 or newer$",
        ),
        (
            {"fails": {"open": (0, "CUDA_ERROR_NO_DEVICE")}},
            r"^cuda: opening the GPU: failed \(got 'CUDA_ERROR_NO_DEVICE: This is what has happened'\); see wh",
        ),
        (
            {"fails": {"set_current": (0, "CUDA_ERROR_DEVICE_UNAVAILABLE")}},
            r"; another process has the GPU for itself; nvidia-smi says which$",
        ),
        (
            {"fails": {"open": (0, "CUDA_ERROR_SYSTEM_NOT_READY")}},
            r"; start what joins this machine's GPUs \(systemctl start nvidia-fabricmanager\), and wait for it$",
        ),
        (
            {"refused": {"cuda.cu": "invalid value for --gpu-architecture (-arch)"}},
            r"^cuda: cuda\.cu: NVRTC refuses it \(got .*--upgrade nvidia-cuda-nvrtc$",
        ),
    ],
    ids=["driver", "GPU", "none", "taken", "fabric", "NVRTC"],
)
def test_what_keeps_a_gpu_from_being_opened_is_one_line(fake: FakeCuda, changed: Any, line: str) -> None:
    for name, value in changed.items():
        setattr(fake, name, value)
    with pytest.raises(RunnerError, match=line) as failed:
        CudaDevice().open()
    assert "\n" not in str(failed.value)


def test_a_gpu_is_chosen_by_its_number(fake: FakeCuda) -> None:
    fake.gpus = 3
    device = CudaDevice(2)
    device.open()
    assert fake.opened == 2
    assert device.energy_j() == 5.0
    told = r"^--gpu: there is none of that number \(got 3\); device_id must be within \[0, 3\)"
    with pytest.raises(RunnerError, match=told):
        CudaDevice(3).open()


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def data(fake: FakeCuda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    del fake
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    return runs.prepare(tmp_path, monkeypatch.setattr)


def run(*arguments: str) -> int:
    return command.main("cuda", [*TINY, "--quick", *arguments])


def test_the_command_files_a_result_and_a_drafted_device(data: Path, tmp_path: Path) -> None:
    assert run() == 0
    result = filed(tmp_path)
    assert (data / "devices" / "nvidia-h200.md").is_file()
    assert (result.device, result.device_as_stated) == ("nvidia-h200", "NVIDIA H200")
    assert result.stack.languages == ("CUDA C++",)
    assert (result.stack.toolchain, result.stack.driver) == ("NVRTC 13.0", "580.65.06")
    assert result.environment
    assert result.environment.toolchain[-1].name == "CUDA graph"
    assert "launches" in result.environment.toolchain[-1].version
    assert result.decode
    assert result.decode.numerics_ok
    assert result.decode.samples
    assert all(one.read_gb_per_s_before for one in result.decode.samples.repetitions)
    assert [one.energy_j for one in result.decode.samples.repetitions] == [0.021, 0.021]
    assert result.kernels
    assert len(result.kernels.timings) == len(DECODE_STEP) + len(MICROBENCHMARKS)
    assert all(min(one.samples_ns or (0,)) > 0 for one in result.kernels.timings)


def failed_kernel(tmp_path: Path) -> Any:
    """The one kernel of the result that failed."""
    result = filed(tmp_path)
    assert result.kernels
    (failed,) = (one for one in result.kernels.timings if not one.numerics_ok)
    assert failed.samples_ns is None
    return failed


def test_a_kernel_that_nvrtc_refuses_is_not_timed_and_the_others_go_on(
    data: Path, fake: FakeCuda, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    fake.refused["gelu"] = 'identifier "x" is undefined'
    assert run() == 1
    assert "FAILED gelu: NVRTC refuses it" in " ".join(capsys.readouterr().out.split())
    assert "gelu(7): error: identifier" in str(failed_kernel(tmp_path).error)
    assert filed(tmp_path).decode


def test_a_kernel_that_the_driver_does_not_load_is_not_timed(
    data: Path, fake: FakeCuda, tmp_path: Path
) -> None:
    del data
    fake.unloadable["silu"] = "CUDA_ERROR_NO_BINARY_FOR_GPU"
    assert run() == 1
    assert "CUDA_ERROR_NO_BINARY_FOR_GPU" in str(failed_kernel(tmp_path).error)


def test_a_kernel_that_computes_wrongly_is_not_timed_and_neither_is_the_step(
    data: Path, fake: FakeCuda, tmp_path: Path
) -> None:
    del data
    fake.spoiled.add("o_proj_matvec")
    assert run() == 1
    assert "relative L2 error" in str(failed_kernel(tmp_path).error)
    assert filed(tmp_path).decode is None


def out_of(call: str, after: int, code: str) -> dict[str, Any]:
    """A machine on which ``call`` fails after so many times."""
    return {"fails": {call: (after, f"CUDA_ERROR_{code}")}}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"free_bytes": 1 << 16},
            r"cuda: memory: too little is free on the GPU \(got 0\.0 GB, the arrays need ",
        ),
        (
            out_of("allocate", 21, "OUT_OF_MEMORY"),
            "cuda: .*'CUDA_ERROR_OUT_OF_MEMORY'.; close what else uses the device",
        ),
        (
            out_of("capture", 0, "OUT_OF_MEMORY"),
            "cuda: loading the step: .*; close what else uses the device",
        ),
        (out_of("graph", 120, "LAUNCH_FAILED"), "cuda: .*'CUDA_ERROR_LAUNCH_FAILED: This .*; .*NVRM: Xid"),
        (out_of("graph", 120, "ILLEGAL_ADDRESS"), "cuda: .*ILLEGAL_ADDRESS: .*; a kernel left its arrays"),
        (out_of("graph", 120, "ECC_UNCORRECTABLE"), "cuda: .*; the GPU's memory is damaged"),
        (
            out_of("graph", 120, "UNKNOWN"),
            "cuda: .*; see the system's log for NVRM: Xid, as when a GPU has fa",
        ),
    ],
    ids=["too little", "memory", "graph's memory", "Xid", "address", "ECC", "bus"],
)
def test_what_fails_under_way_is_one_line_and_files_nothing(
    data: Path, fake: FakeCuda, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: Any, line: str
) -> None:
    del data
    fake.capability = (8, 0)
    for name, value in changed.items():
        setattr(fake, name, value)
    assert run("--steps", "4", "--repetitions", "40") == 1
    out, err = capsys.readouterr()
    (told,) = [one for one in err.splitlines() if one.startswith("error: ")]
    assert re.match(f"error: {line}", told), told
    assert "Traceback" not in out + err
    assert not [name for name in files(tmp_path) if "results" in name or "devices" in name]
