"""Runs emitted SIMT kernels on the CPU: compiles them with a C++ compiler and the simulator's headers.

Many kernels share one compilation, which takes longer to start than to do. A simulator proves arithmetic,
indexing and barriers. It does not prove that a vendor's compiler takes the text, nor how fast it runs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from tests.simulators.simt.languages import LANGUAGES, Language
from tests.simulators.simt.languages import SimulationError as SimulationError

HEADERS = Path(__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused")
LIBRARY = ("-march=native", "-fPIC", "-shared")
SANITIZED = (
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
    "-ftrivial-auto-var-init=pattern",
)

_LIBRARY = """
extern "C" const char *simulate(int place, int grid, int threads, int reverse, const int *blocks, int count,
                                void *const *arguments, int capacity) {
    simt::arguments = arguments, simt::capacity = capacity;
    return simt::launch(KERNELS[place], grid, threads, reverse, blocks, count);
}
"""

_PROGRAM = """
#include <cstdlib>

// kernel grid threads reverse capacity file...: each array is read from its file, alone in memory, and written back.
int main(int count, char **words) {
    auto number = [&](int place) { return atoi(words[place]); };
    void *arrays[32];
    long bytes[32];
    for (int place = 6; place < count; place++) {
        FILE *file = fopen(words[place], "rb");
        fseek(file, 0, SEEK_END);
        bytes[place - 6] = ftell(file);
        rewind(file);
        arrays[place - 6] = malloc(bytes[place - 6]);
        if (fread(arrays[place - 6], 1, bytes[place - 6], file) != (size_t)bytes[place - 6]) return 2;
        fclose(file);
    }
    simt::arguments = arrays, simt::capacity = number(5);
    const char *report = simt::launch(KERNELS[number(1)], number(2), number(3), number(4), nullptr, 0);
    if (report) return fprintf(stderr, "%s", report), 1;
    for (int place = 6; place < count; place++) {
        FILE *file = fopen(words[place], "wb");
        fwrite(arrays[place - 6], 1, bytes[place - 6], file);
        fclose(file);
        free(arrays[place - 6]);
    }
}
"""


def compiler() -> str:
    """The C++ compiler; a test that needs it is skipped where there is none."""
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if found is None:
        pytest.skip("no C++ compiler")
    return found


def distinct(kernels: Sequence[Emitted]) -> list[Emitted]:
    """The kernels without repeated texts, as at several depths."""
    return list({emitted.sha256: emitted for emitted in kernels}.values())


def places(kernels: Sequence[Emitted]) -> dict[str, int]:
    """A text's hash to its place in the table of a compilation."""
    return {emitted.sha256: place for place, emitted in enumerate(distinct(kernels))}


def language_of(kernels: Sequence[Emitted]) -> Language:
    """The language of all ``kernels``."""
    (target,) = {emitted.target for emitted in kernels}
    return LANGUAGES[target]


def source(kernels: Sequence[Emitted], tail: str) -> str:
    """One file with all ``kernels``, each in a namespace and under a name of its own, and a table of them."""
    language = language_of(kernels)
    parts, calls = [f'#include "{language.header}"'], []
    for place, emitted in enumerate(distinct(kernels)):
        name = language.function.format(name=emitted.kernel.name)
        parts += [f"namespace in_{place} {{", f"#define {name} kernel_{place}", "#line 1"]
        parts += [language.text(emitted), f"#undef {name}"]
        parts += [f"#undef {setting.upper()}" for setting in emitted.sizes.settings]
        parts += ["}"]
        calls.append(f"[] {{ {language.call(emitted, f'in_{place}::kernel_{place}')} }}")
    return "\n".join([*parts, f"static void (*const KERNELS[])() = {{{', '.join(calls)}}};", tail])


def build(kernels: Sequence[Emitted], tail: str, output: Path, flags: Sequence[str]) -> Path:
    """Compile ``kernels`` to ``output``."""
    own = (*WARNINGS, *language_of(kernels).flags, *flags, f"-I{HEADERS}")
    return compiled(source(kernels, tail), output, own)


def compiled(text: str, output: Path, flags: Sequence[str]) -> Path:
    """Compile one file of C++ to ``output``; what the compiler refuses is a :class:`SimulationError`."""
    output.with_suffix(".cpp").write_text(text, "utf-8")
    done = subprocess.run(
        [compiler(), "-std=c++17", *flags, str(output.with_suffix(".cpp")), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SimulationError(done.stderr)
    return output


class Simulator:
    """Some emitted kernels, compiled together."""

    def __init__(self, kernels: Sequence[Emitted], folder: Path, flags: Sequence[str] = ("-O2",)) -> None:
        self.places = places(kernels)
        output = folder / f"kernels_{id(self)}.so"
        self.library = ctypes.CDLL(str(build(kernels, _LIBRARY, output, (*flags, *LIBRARY))))
        self.library.simulate.restype = ctypes.c_char_p

    def run(
        self,
        emitted: Emitted,
        arrays: Mapping[str, Any],
        *,
        capacity: int = 1,
        reverse: bool = False,
        blocks: Sequence[int] | None = None,
    ) -> None:
        """Run the kernel on ``arrays``, in place; of its blocks all, or those in ``blocks`` only."""
        chosen = None if blocks is None else np.array(blocks, np.int32)
        found = [arrays[array.name] for array in emitted.kernel.arrays]
        if any(not array.flags.c_contiguous or array.ctypes.data % 16 for array in found if array.ndim):
            raise SimulationError("arrays must be contiguous and begin at a multiple of 16 bytes")
        least = LANGUAGES[emitted.target].least_dynamic
        for array in emitted.kernel.inputs:
            if has_dynamic(array.axes) and arrays[array.name].size < least:
                raise SimulationError(f"{array.name}: must have {least} elements or more")
        report = self.library.simulate(
            self.places[emitted.sha256],
            emitted.launch["grid"],
            emitted.launch["block"],
            int(reverse),
            None if chosen is None else chosen.ctypes.data_as(ctypes.c_void_p),
            0 if chosen is None else len(chosen),
            (ctypes.c_void_p * len(found))(*(array.ctypes.data for array in found)),
            capacity,
        )
        if report is not None:
            raise SimulationError(report.decode())


class Sanitized:
    """Some kernels as a program of their own, under the address and undefined-behaviour sanitizers.

    An array is an allocation of exactly its size, so that an access outside of it, or not aligned, ends the run.
    """

    def __init__(self, kernels: Sequence[Emitted], folder: Path) -> None:
        self.places, self.folder = places(kernels), folder
        self.program = build(kernels, _PROGRAM, folder / "sanitized", SANITIZED)

    def run(
        self, emitted: Emitted, arrays: Mapping[str, Any], *, capacity: int = 1, reverse: bool = False
    ) -> None:
        """Run the kernel on ``arrays``, in place."""
        place = self.places[emitted.sha256]
        found = {array.name: arrays[array.name] for array in emitted.kernel.arrays}
        files = [self.folder / name for name in found]
        for file, array in zip(files, found.values(), strict=True):
            file.write_bytes(array.tobytes())
        numbers = (place, emitted.launch["grid"], emitted.launch["block"], int(reverse), capacity)
        command = [str(self.program), *map(str, numbers), *map(str, files)]
        options = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=0"}
        done = subprocess.run(command, capture_output=True, text=True, env=options, check=False)
        if done.returncode:
            raise SimulationError(done.stderr or f"ended with {done.returncode}")
        for file, array in zip(files, found.values(), strict=True):
            array[...] = np.frombuffer(file.read_bytes(), array.dtype).reshape(array.shape)


def execute(
    texts: Sequence[Emitted], folder: Path
) -> Callable[[Emitted, dict[str, np.ndarray[Any, Any]], int], None]:
    """Compile all ``texts`` of one language; what is returned runs one of them on host arrays, in place.

    It takes the text, the kernel's arrays by name, and the capacity of those with the dynamic axis.
    """
    simulator = Simulator(texts, folder)

    def run(emitted: Emitted, arrays: dict[str, np.ndarray[Any, Any]], capacity: int) -> None:
        simulator.run(emitted, arrays, capacity=capacity)

    return run
