"""CANN's compilers are called as documented, their refusals are told, and what they made is kept."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners.device import KernelError
from runners.kernels.emit import Emitted, emit
from runners.kernels.source import KERNELS
from runners.stacks.ascend import bisheng
from runners.stacks.ascend.cann import written_version
from runners.step import Step
from tests.runners.fakes.ascend import Machine

Patch = pytest.MonkeyPatch


def text(step: Step, kernel: str, target: str) -> Emitted:
    return emit(KERNELS[kernel], target, step.sizes[kernel], step.storage)


def commands(monkeypatch: Patch) -> list[list[str]]:
    """What is run from now on, without the programs' folders."""
    seen, own = list[list[str]](), subprocess.run

    def run(command: Any, **more: Any) -> Any:
        seen.append([Path(command[0]).name, *command[1:]])
        return own(command, **more)

    monkeypatch.setattr("runners.stacks.ascend.bisheng.subprocess.run", run)
    return seen


def test_ascendc_is_compiled_in_one_go_to_a_library(machine: Machine, step: Step, monkeypatch: Patch) -> None:
    del machine
    tools, seen = bisheng.find(pto=True), commands(monkeypatch)
    emitted = replace(
        text(step, "rms_norm", "ascendc"), text=text(step, "rms_norm", "ascendc").text + "// 1\n"
    )
    assert tools.build(emitted)[1] > 0
    flags = ["-x", "asc", "--npu-arch=dav-2201", "-DASCENDC_DUMP=0", "-O3", "-std=c++17", "-fPIC", "-shared"]
    assert seen == [["bisheng", *flags, "rms_norm.cpp", "-o", "rms_norm.so"]]


def test_pto_goes_through_its_assembler_and_is_linked_as_one_object(
    machine: Machine, step: Step, monkeypatch: Patch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PTO_ISA_ROOT", str(tmp_path))
    tools, seen = bisheng.find(pto=True), commands(monkeypatch)
    tools.build(text(step, "o_proj_matvec", "pto"))
    assembled, compiled, linked = seen
    assert assembled == [
        "ptoas", "--pto-arch=a3", "--enable-insert-sync", "o_proj_matvec.pto", "-o", "o_proj_matvec.cpp",
    ]  # fmt: skip
    assert [one for one in compiled if one.startswith("-I")][:2] == [
        f"-I{tmp_path}/include",
        f"-I{machine.home}/include",
    ]
    assert {"-xcce", "--cce-aicore-arch=dav-c220-vec", "-DMEMORY_BASE"} <= set(compiled)
    assert linked[:4] == ["bisheng", "--cce-fatobj-link", "-shared", "-fPIC"]


def test_what_was_compiled_is_kept_by_its_text_and_its_compiler(
    machine: Machine, step: Step, monkeypatch: Patch
) -> None:
    del machine
    tools, emitted = bisheng.find(pto=True), text(step, "rope_qk", "ascendc")
    tools.build(emitted)
    seen = commands(monkeypatch)
    assert tools.build_all([emitted])[1] == tools.build(emitted)[1] == 0.0
    assert seen == []
    tools.build(replace(emitted, text=f"{emitted.text}// longer\n"))
    replace(tools, packages=tools.packages[1:]).build(emitted)
    assert len(seen) == 2
    monkeypatch.setattr(bisheng, "ASCENDC", (*bisheng.ASCENDC, "-g"))
    tools.build(emitted)
    assert len(seen) == 3


def test_a_launcher_takes_what_the_kernel_takes(machine: Machine, step: Step) -> None:
    del machine
    name = "kv_cache_append"
    taken = "uint8_t *k, uint8_t *v, uint8_t *position, uint8_t *keys, uint8_t *values, int32_t capacity"
    head = f'extern "C" void launch_{name}(uint32_t blocks, void *stream, {taken}) {{\n'
    call = f"    {name}<<<blocks, nullptr, stream>>>"
    assert bisheng.launcher(text(step, name, "ascendc")) == (
        f"{head}{call}(k, v, position, keys, values, capacity);\n}}\n"
    )
    assert bisheng.launcher(text(step, name, "pto")) == (
        f"{head}{call}((float *)k, (float *)v, (int32_t *)position, (bfloat16_t *)keys, (bfloat16_t *)values, "
        "capacity);\n}\n"
    )
    assert "capacity" not in bisheng.launcher(text(step, "rms_norm", "pto"))


def test_a_program_that_gives_nothing_or_does_not_end_is_told(
    machine: Machine, step: Step, monkeypatch: Patch
) -> None:
    del machine
    tools, emitted = bisheng.find(pto=True), text(step, "argmax_greedy", "ascendc")
    quiet = replace(tools, bisheng="/bin/true")
    with pytest.raises(
        KernelError, match=r"^true: argmax_greedy is refused \(got 'exit status 0'\); see that CANN is"
    ):
        quiet.build(emitted)
    monkeypatch.setattr(bisheng, "_LIMIT_S", 0.01)
    again = replace(emitted, text=f"{emitted.text}// again\n")
    with pytest.raises(KernelError, match=r"refused \(got 'no end after 0.01 s'\)"):
        replace(tools, packages=()).build(again)


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("package_name=x\nversion=8.5.0\n", "8.5.0"),
        ("Version = 25.2.0\n", "25.2.0"),
        ("version_dir=8\n", None),
    ],
)
def test_a_version_is_read_from_the_vendor_s_file(tmp_path: Path, written: str, version: str | None) -> None:
    (tmp_path / "info").write_text(written, "utf-8")
    assert written_version(tmp_path / "info") == version
    assert written_version(tmp_path / "none") is None
