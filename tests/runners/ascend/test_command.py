"""The command on an Ascend NPU: what is filed, and each failure as one line with nothing half-written."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.build import validate
from generator.layout import Layout
from runners import command
from runners.ascend import AscendDevice
from tests.runners import runs
from tests.runners.ascend.devices import MATVECS
from tests.runners.fakes.ascend import Machine
from tests.runners.runs import TINY, add_device, filed, files

DEVICE = runs.KNOWN_DEVICE.replace("aliases: [null-device]", "aliases: [ascend910b2]").replace(
    "languages: []",
    f"languages:\n  - {{target: pto, kernels: [{', '.join(MATVECS)}]}}\n  - {{target: ascendc, kernels: []}}",
)
Patch = pytest.MonkeyPatch
Told = Callable[..., tuple[int, str]]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: Patch) -> Path:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    made = runs.prepare(tmp_path, monkeypatch.setattr)
    add_device(made, DEVICE)
    return made


@pytest.fixture
def told(data: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Run the command: its status, and what it said on standard error but for what it was doing."""
    del data

    def run(*arguments: str) -> tuple[int, str]:
        status = command.main("ascend", ["--quick", *TINY, *arguments])
        return status, capsys.readouterr().err

    return run


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


def results(root: Path) -> list[str]:
    return [name for name in files(root) if name.endswith(".json")]


# --- what is filed --------------------------------------------------------------------------------


def test_a_run_files_a_result_that_the_board_takes(
    machine: Machine, data: Path, tmp_path: Path, told: Told
) -> None:
    assert told("--execute", "rms_norm=host", "--execute", "argmax_greedy=vendor_library")[0] == 0
    result = filed(tmp_path)
    assert validate(Layout(runs.REPOSITORY, data, tmp_path / "site", tmp_path / "work")) == []
    assert (result.device, result.device_as_stated) == ("tried", "Ascend910B2")
    assert result.decode
    assert result.decode.numerics_ok
    assert set(result.stack.languages) == {"AscendC C++", "PTO-MLIR"}
    assert result.stack.toolchain == "CANN 8.5.0"
    assert result.kernels
    timings = {timing.kernels[0]: timing for timing in result.kernels.timings}
    assert len(timings) == 17
    for name, timing in timings.items():
        execution, what = {
            "rms_norm": ("host", None), "argmax_greedy": ("vendor_library", None),
        }.get(name, ("emitted", "PTO-MLIR" if name in MATVECS else "AscendC C++"))  # fmt: skip
        assert (timing.execution, timing.language, timing.error) == (execution, what, None)
        assert (timing.emitted_sha256 is None) == (execution != "emitted")
    assert timings["argmax_greedy"].implementation == "aclnnArgMax"
    assert machine.left == 0


def test_a_whole_run_by_graph_with_its_wish_on_file(
    machine: Machine, data: Path, tmp_path: Path, told: Told
) -> None:
    del machine, data
    assert told("--graph", "1")[0] == 0
    environment = filed(tmp_path).environment
    assert environment
    assert environment.command == "python -m runners.ascend --depth 4 --graph 1 --quick"
    assert ("launches", "a captured graph") in {(one.name, one.version) for one in environment.toolchain}


# --- what a machine lacks -------------------------------------------------------------------------


def unset_home(monkeypatch: Patch, machine: Machine) -> None:
    del machine
    monkeypatch.delenv("ASCEND_HOME_PATH")


def another_system(monkeypatch: Patch, machine: Machine) -> None:
    del machine
    monkeypatch.setattr(sys, "platform", "win32")


def empty_home(monkeypatch: Patch, machine: Machine) -> None:
    monkeypatch.setenv("ASCEND_HOME_PATH", str(machine.home / "bin"))


def no_compiler(monkeypatch: Patch, machine: Machine) -> None:
    bare = machine.home.parent / "bare"
    bare.mkdir(exist_ok=True)
    if not (bare / "lib64").exists():
        (bare / "lib64").symlink_to(machine.home / "lib64")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("ASCEND_HOME_PATH", str(bare))


def no_device(monkeypatch: Patch, machine: Machine) -> None:
    del machine
    monkeypatch.setenv("FAKE_DEVICES", "0")


def not_allowed(monkeypatch: Patch, machine: Machine) -> None:
    del monkeypatch
    machine.fail("aclrtSetDevice", 207006)


def another_chip(monkeypatch: Patch, machine: Machine) -> None:
    del machine
    monkeypatch.setenv("FAKE_SOC", "Ascend310P3")


def too_small(monkeypatch: Patch, machine: Machine) -> None:
    del machine
    monkeypatch.setenv("FAKE_FREE_BYTES", "100000")


def full_memory(monkeypatch: Patch, machine: Machine) -> None:
    del monkeypatch
    machine.fail("aclrtMalloc", 207001, after=100)  # beyond the checks of single kernels


def lost_before(monkeypatch: Patch, machine: Machine) -> None:
    del monkeypatch
    machine.fail("aclInit", 507033)


FAILURES: dict[Callable[[Patch, Machine], None], str] = {
    unset_home: "CANN: not found (got no ASCEND_HOME_PATH); install CANN, then run: source /usr/local/",
    another_system: "ascend: runs on Linux alone (got win32); use python -m runners.cpu here",
    empty_home: "CANN: has no libascendcl.so (looked in ",
    no_compiler: "CANN: has no compiler (looked for bisheng); install CANN, then run: source /usr/",
    no_device: "aclrtGetDeviceCount: no device (got 207004: 'EZ9999: aclrtGetDeviceCount of the fake'); see npu-smi",
    not_allowed: "aclrtSetDevice: no permission (got 207006: 'EZ9999: aclrtSetDevice of the fake'); join the group",
    another_chip: "ascend: the kernels are for the 910B and 910C (got Ascend310P3); use a server with one",
    too_small: "memory: too little is free on the device (got 0.0 GB, the step needs 0.0 GB); close what else",
    full_memory: "aclrtMalloc: out of memory (got 207001: 'EZ9999: aclrtMalloc of the fake'); close what else",
    lost_before: "aclInit: the device cannot be set up (got 507033: 'EZ9999: aclInit of the fake'); see whether",
}


@pytest.mark.parametrize("spoil", FAILURES, ids=lambda spoil: spoil.__name__)
def test_what_is_missing_is_one_line_and_nothing_is_filed(
    machine: Machine, tmp_path: Path, told: Told, monkeypatch: Patch, spoil: Callable[[Patch, Machine], None]
) -> None:
    spoil(monkeypatch, machine)
    status, text = told()
    (error,) = errors(text)
    assert error.startswith(f"error: {FAILURES[spoil]}")
    assert status == 1
    assert "Traceback" not in text
    assert results(tmp_path) == []


@pytest.mark.parametrize(
    "spoil", [unset_home, another_system, empty_home, no_compiler], ids=lambda s: s.__name__
)
def test_what_is_missing_can_be_asked_without_a_run(
    machine: Machine, monkeypatch: Patch, spoil: Callable[[Patch, Machine], None]
) -> None:
    assert AscendDevice.lacking() is None
    spoil(monkeypatch, machine)
    assert (AscendDevice.lacking() or "").startswith(FAILURES[spoil])


@pytest.fixture
def without_ptoas(machine: Machine, tmp_path: Path, monkeypatch: Patch) -> Machine:
    """The machine with CANN's compiler and no assembler of PTO."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bisheng").symlink_to(machine.home / "bin" / "bisheng")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return machine


def test_a_language_without_its_assembler_is_refused(
    without_ptoas: Machine, tmp_path: Path, told: Told
) -> None:
    del without_ptoas
    status, text = told()
    (error,) = errors(text)
    assert error.startswith(
        "error: ptoas: not found, and q_proj_matvec is in PTO-MLIR; install it (github.com/"
    )
    assert error.endswith("or take all kernels in AscendC: --pto 0")
    assert (status, results(tmp_path)) == (1, [])


def test_a_person_without_the_assembler_can_take_all_in_ascendc_and_the_file_says_so(
    without_ptoas: Machine, tmp_path: Path, told: Told
) -> None:
    del without_ptoas
    assert told("--pto", "0")[0] == 0
    result = filed(tmp_path)
    assert result.stack.languages == ("AscendC C++",)
    assert result.kernels
    assert {timing.language for timing in result.kernels.timings} == {"AscendC C++"}
    assert result.environment
    assert result.environment.command == "python -m runners.ascend --depth 4 --pto 0 --quick"


def test_an_assembler_that_is_not_wanted_is_not_on_file(machine: Machine) -> None:
    del machine
    named = {
        pto: {one.name for one in AscendDevice(pto=pto).open().toolchain} & {"bisheng", "ptoas"}
        for pto in (0, 1)
    }
    assert named == {0: {"bisheng"}, 1: {"bisheng", "ptoas"}}


# --- kernels and devices that fail ----------------------------------------------------------------


@pytest.mark.parametrize(("kernel", "program"), [("rope_qk", "bisheng"), ("o_proj_matvec", "ptoas")])
def test_a_text_that_is_refused_fails_alone(
    machine: Machine, tmp_path: Path, told: Told, monkeypatch: Patch, kernel: str, program: str
) -> None:
    own = AscendDevice.emit

    def emit(device: AscendDevice, found: Any, *given: Any) -> Any:
        emitted = own(device, found, *given)
        return replace(emitted, text=f"// REFUSED\n{emitted.text}") if found.name == kernel else emitted

    monkeypatch.setattr(AscendDevice, "emit", emit)
    assert told()[0] == 1
    result = filed(tmp_path)
    assert result.kernels
    failed = {one.kernels[0]: one.error for one in result.kernels.timings if one.error}
    assert failed.keys() == {kernel}
    assert str(failed[kernel]).startswith(f"{program}: {kernel} is refused (got '{kernel}.")
    assert "error: " in str(failed[kernel])
    assert result.decode is None
    assert kernel not in machine.ran
    assert {"silu", "rms_norm"} <= set(machine.ran)


def test_a_kernel_that_is_wrong_is_not_timed(machine: Machine, tmp_path: Path, told: Told) -> None:
    machine.spoil = lambda kernel, outputs: runs.spoiled(outputs[0]) if kernel == "silu" else None
    assert told()[0] == 1
    result = filed(tmp_path)
    assert result.kernels
    timing = next(one for one in result.kernels.timings if one.kernels == ("silu",))
    assert (timing.numerics_ok, timing.samples_ns) == (False, None)
    assert machine.ran.count("silu") == 1


def test_a_kernel_that_the_device_stops_fails_its_check(machine: Machine, tmp_path: Path, told: Told) -> None:
    def spoil(kernel: str, outputs: Any) -> None:
        del outputs
        assert kernel != "softmax", "a fault of the hardware"

    machine.spoil = spoil
    assert told()[0] == 1
    assert machine.raised.pop()
    result = filed(tmp_path)
    assert result.kernels
    timing = next(one for one in result.kernels.timings if one.kernels == ("softmax",))
    assert str(timing.error).startswith(
        "aclrtSynchronizeStreamWithTimeout: an exception in a core (got 507015: 'EZ9999: "
    )


def test_a_launch_that_is_refused_is_seen_though_it_gives_no_status(
    machine: Machine, tmp_path: Path, told: Told
) -> None:
    machine.fail("launch", 507008)
    assert told()[0] == 1
    result = filed(tmp_path)
    assert result.kernels
    (error,) = (one.error for one in result.kernels.timings if one.error)
    assert str(error).startswith(
        "embedding_lookup: the runtime does not know the chip (got 507008: 'EZ9999: launch"
    )


@pytest.mark.parametrize("status", [507899, 507046, 507015])
def test_a_device_that_is_lost_after_a_repetition_is_one_line(
    machine: Machine, tmp_path: Path, told: Told, monkeypatch: Patch, status: int
) -> None:
    own, ran = AscendDevice.run, list[int]()

    def run(device: AscendDevice, steps: int) -> Any:
        if steps > 1 and len(ran) == 2:  # a warm-up and a repetition are over
            machine.vanish(status)
        ran.extend([steps] if steps > 1 else [])
        return own(device, steps)

    monkeypatch.setattr(AscendDevice, "run", run)
    code, text = told()
    (error,) = errors(text)
    assert f"(got {status}: 'EZ9999: " in error
    assert error.startswith("error: aclmdlRIExecuteAsync: ")
    assert (code, results(tmp_path)) == (1, [])
    assert "Traceback" not in text
    assert len(ran) == 3
