"""Texts become a library once; a compiler that is missing or wrong is named with its remedy."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runners import compiler
from runners.compiler import Compiler, find
from runners.device import KernelError, RunnerError

SEVEN = {"team.c": "int seven(void) { return 7; }\n"}
FLAGS = ("-O0", "-fPIC")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiler, "CACHE_FOLDER", tmp_path / "cache")
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "cache"


def build(texts: dict[str, str] = SEVEN, flags: tuple[str, ...] = FLAGS) -> tuple[Path, float]:
    return find().build(texts, flags)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def seven(library: Path) -> int:
    found: int = ctypes.CDLL(str(library)).seven()
    return found


# --- which compiler -------------------------------------------------------------------------------


def test_a_compiler_is_found_and_says_its_version(cache: Path) -> None:
    del cache
    assert find().command == ("cc",)
    assert any(letter.isdigit() for letter in find().version)


def test_cc_is_taken_with_its_arguments(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del cache
    monkeypatch.setenv("CC", "gcc -DTIMES=3 '-DPLUS= + 1'")
    library, _ = build({"team.c": "int seven(void) { return 2 * TIMES PLUS; }"})
    assert seven(library) == 7


@pytest.mark.parametrize("wrong", ["no-such-compiler", "'not closed", "/etc/passwd"])
def test_a_cc_that_is_no_program_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    del cache
    monkeypatch.setenv("CC", wrong)
    with pytest.raises(RunnerError, match="CC: names no program") as refused:
        find()
    assert f"(got '{wrong}')" in str(refused.value)


@pytest.mark.parametrize("does", ["exit 0", "exit 1", "echo"])
def test_a_cc_that_is_no_compiler_is_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    del cache
    monkeypatch.setenv("CC", str(script(tmp_path / "odd", does)))
    with pytest.raises(RunnerError, match="odd: does not say its version"):
        find()


def test_a_compiler_that_makes_nothing_is_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cache
    monkeypatch.setenv("CC", str(script(tmp_path / "idle", "echo idle 1.0")))
    with pytest.raises(RunnerError, match=r"compiling team\.c failed .*no output"):
        build()


@pytest.mark.parametrize(
    ("tool", "remedy"),
    [("apt-get", "apt-get install gcc libc6-dev"), ("dnf", "dnf install gcc"), ("", "install gcc or clang")],
)
def test_without_a_compiler_the_machines_own_package_is_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, remedy: str
) -> None:
    del cache
    (tmp_path / "bin").mkdir()
    if tool:
        script(tmp_path / "bin" / tool, "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(RunnerError, match="C compiler: not found") as refused:
        find()
    assert remedy in str(refused.value)


# --- compiling ------------------------------------------------------------------------------------


def test_a_text_that_does_not_compile_is_named_with_the_compilers_words(cache: Path) -> None:
    with pytest.raises(RunnerError, match=r"compiling team\.c failed \(got '.*error.*'\); set CC") as refused:
        build({"team.c": "int seven(void) { return nothing; }"})
    assert len(str(refused.value).splitlines()) == 1
    assert not isinstance(refused.value, KernelError)
    assert list(cache.iterdir()) == []


def test_a_kernels_text_that_does_not_compile_is_that_kernels_failure(cache: Path) -> None:
    del cache
    with pytest.raises(KernelError) as refused:
        build({**SEVEN, "gelu.c": "this is no C"})
    assert refused.value.kernel == "gelu"


def test_what_does_not_link_is_said(cache: Path) -> None:
    del cache
    texts = {"team.c": "int twice(void) { return 1; }", "other.c": "int twice(void) { return 2; }"}
    with pytest.raises(RunnerError, match=r"compiling library\.so failed"):
        build(texts)


def test_a_header_that_is_missing_names_the_package(cache: Path) -> None:
    del cache
    with pytest.raises(RunnerError, match="install"):
        build({"team.c": "#include <no_such_header.h>"})


# --- what is kept ---------------------------------------------------------------------------------


def test_what_was_compiled_before_is_kept(cache: Path) -> None:
    library, seconds = build()
    assert seconds > 0
    assert build() == (library, 0.0)
    assert seven(library) == 7
    assert list(cache.iterdir()) == [library]


def test_another_text_name_flag_or_compiler_is_another_library(cache: Path) -> None:
    found = find()
    libraries = {
        build()[0],
        build({"team.c": "int seven(void) { return 8; }\n"})[0],
        build({"other.c": SEVEN["team.c"]})[0],
        build(flags=("-O1", "-fPIC"))[0],
        Compiler((*found.command, "-g"), found.version).build(SEVEN, FLAGS)[0],
        Compiler(found.command, f"{found.version} newer").build(SEVEN, FLAGS)[0],
    }
    assert len(libraries) == 6
    assert set(cache.iterdir()) == libraries


def test_another_processor_is_another_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del cache
    first = build()[0]
    monkeypatch.setattr(compiler, "_processor", lambda: "another one")
    assert build()[0] != first


@pytest.mark.parametrize("damaged", [b"", b"\x7fELF", None])
def test_a_damaged_library_is_compiled_again(cache: Path, damaged: bytes | None) -> None:
    library, _ = build()
    whole = library.read_bytes()
    library.write_bytes(whole[:-100] if damaged is None else damaged)
    again, seconds = build()
    assert seconds > 0
    assert seven(again) == 7
    assert list(cache.iterdir()) == [again]


def test_builds_at_the_same_time_do_not_meet(cache: Path) -> None:
    cache.mkdir()
    with ThreadPoolExecutor(4) as pool:
        libraries = [found for found, _ in pool.map(lambda _: build(), range(8))]
    assert {seven(library) for library in libraries} == {7}
    assert {path.suffix for path in cache.iterdir()} == {".so"}


def test_only_the_last_used_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_KEPT_LIBRARIES", 2)
    first = build()[0]
    second = build({"team.c": "int second;"})[0]
    for age, library in enumerate((first, second)):
        os.utime(library, (1000 - age, 1000 - age))
    third = build({"team.c": "int third;"})[0]
    assert set(cache.iterdir()) == {first, third}


@pytest.mark.parametrize("how", ["a file", "not writable"])
def test_a_cache_that_cannot_be_written_is_done_without(
    cache: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "a file":
        cache.write_text("in the way")
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
        monkeypatch.setattr(shutil, "which", lambda name: name)
    library, seconds = build()
    assert seconds > 0
    assert not library.is_relative_to(cache)
    assert seven(library) == 7
    assert build() == (library, 0.0)
    shutil.rmtree(library.parent)
    compiler._passing_folder.cache_clear()


def test_a_full_disk_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunnerError, match=r"cannot be written \(got 'No space left on device'\); make room"):
        build()
    assert list(cache.iterdir()) == []
