"""Without CUDA the runner says in one line what is missing."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from runners import cuda
from tests.runners.runs import REPOSITORY


def test_on_this_machine_it_ends_with_one_line_and_1() -> None:
    told = [sys.executable, "-m", "runners.cuda"]
    done = subprocess.run(told, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: cuda: ")


@pytest.mark.parametrize(
    ("library", "package", "words"),
    [
        (None, True, "no NVIDIA driver"),
        ("libcuda.so.1", False, "pip install cuda-core"),
        ("libcuda.so.1", True, ""),
    ],
)
def test_what_is_missing_comes_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, library: str | None, package: bool, words: str
) -> None:
    def spec(name: str) -> Any:
        return ModuleSpec(name, None) if package else None

    monkeypatch.setattr(ctypes.util, "find_library", lambda _: library)
    monkeypatch.setattr(cuda, "find_spec", spec)
    assert (cuda.missing() is None) == (not words)
    assert words in (cuda.missing() or "")
