"""``team.c``: the threads that run a decode step on a CPU, read its memory and pack its weights."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runners.device import Numbers, RunnerError

TEXT = (Path(__file__).parent / "team.c").read_text("utf-8")
_MOST_ARRAYS = 8
_LONG, _ADDRESS, _INT = ctypes.c_long, ctypes.c_void_p, ctypes.c_int
_SIGNATURES = {
    "team_run": (_ADDRESS, _LONG, _LONG, _LONG, _LONG, *[_ADDRESS] * 5),
    "team_probe": (_ADDRESS, _LONG, _LONG, _LONG, _ADDRESS, _ADDRESS),
    "team_pack": (_ADDRESS, _ADDRESS, _LONG, _LONG, _LONG, _LONG, _LONG),
}


class Launch(ctypes.Structure):
    """``launch`` of team.c: a kernel's entry, its programs, whether to wait before it, its arrays."""

    _fields_ = (
        ("run", ctypes.c_void_p),
        ("programs", ctypes.c_long),
        ("wait", ctypes.c_long),
        ("array", ctypes.c_void_p * _MOST_ARRAYS),
    )


class Team:
    """The functions of one built library, with a fixed number of threads."""

    def __init__(self, library: Path, threads: int) -> None:
        try:
            self.library, self.threads = ctypes.CDLL(str(library)), threads
        except OSError as error:
            remedy = "set XDG_CACHE_HOME to a folder that programs may run from"
            raise RunnerError(f"{library}: cannot be loaded (got '{error}'); {remedy}") from None
        for name, types in _SIGNATURES.items():
            function = getattr(self.library, name)
            function.argtypes, function.restype = types, _INT

    def launch(self, kernel: str, programs: int, arrays: Sequence[Numbers], wait: bool) -> Launch:
        """A call of ``kernel`` on ``arrays``, which must outlive it."""
        entry = ctypes.cast(getattr(self.library, f"{kernel}_entry"), ctypes.c_void_p)
        addresses = [array.ctypes.data for array in arrays]
        return Launch(entry, programs, wait, (ctypes.c_void_p * _MOST_ARRAYS)(*addresses))

    def run(
        self,
        launches: Sequence[Launch],
        steps: int,
        capacity: int,
        state: Sequence[Numbers] = (),
        trace: bool = False,
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Times of the steps in ns [steps], of the launches [steps, launches] (zeros but for ``trace``), tokens.

        ``state`` is (token, position) where the launches are a decode step.
        """
        count = len(launches)
        step_ns, tokens = np.zeros(steps, np.int64), np.zeros(steps, np.int32)
        launch_ns = np.zeros((steps if trace else 0, count), np.int64)
        token, position = [array.ctypes.data for array in state] if len(state) == 2 else (None, None)
        kept = (Launch * count)(*launches)
        traced = launch_ns.ctypes.data if trace else None
        self._call(
            "team_run", ctypes.addressof(kept), count, steps, capacity, self.threads,
            token, position, step_ns.ctypes.data, traced, tokens.ctypes.data,
        )  # fmt: skip
        return step_ns, launch_ns, tokens

    def probe(self, memory: Numbers, passes: int) -> list[int]:
        """The ns that each of ``passes`` readings of the whole of ``memory`` took."""
        pass_ns, total = np.zeros(passes, np.int64), np.zeros(1, np.uint64)
        self._call(
            "team_probe",
            memory.ctypes.data,
            memory.nbytes,
            passes,
            self.threads,
            pass_ns.ctypes.data,
            total.ctypes.data,
        )
        return [int(ns) for ns in pass_ns]

    def pack(self, rows: Numbers, panels: Numbers, width: int, first: int) -> None:
        """``rows`` [count, inner] into ``panels`` [panel, inner, width], from row ``first``, a panel's first."""
        count, inner = rows.shape
        target = panels.ctypes.data + first * inner * panels.itemsize
        self._call("team_pack", rows.ctypes.data, target, count, inner, width, rows.itemsize, self.threads)

    def _call(self, function: str, *arguments: Any) -> None:
        error = getattr(self.library, function)(*arguments)
        if error:
            said = os.strerror(error)
            raise RunnerError(
                f"threads: {self.threads} could not be started (got '{said}'); ask for fewer by --threads"
            )
