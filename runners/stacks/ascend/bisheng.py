"""CANN's compiler: a kernel's text to a shared library with one function of the host, which launches it.

AscendC goes in as it is, in the way that CANN documents for a library from 8.3 on (``bisheng -x asc
--npu-arch=dav-2201 -shared -fPIC``). PTO-MLIR goes through ``ptoas`` to C++ over the headers of pto-isa,
which is compiled as that project compiles its own tests of vector kernels for A2 and A3.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runners.compiler import kept_library
from runners.device import KernelError, RunnerError
from runners.environment import line
from runners.kernels.emit import Emitted
from runners.kernels.emit.schedule import has_dynamic
from runners.kernels.expr import Array
from runners.stacks.ascend.cann import SET_UP, cann_version, home, loaded
from runners.vendor import complaint
from schemas.records import Package

Launcher = Callable[..., None]
"""Takes blocks, the stream, the arrays' addresses, and the capacity where the kernel has one."""

ASCENDC = ("-x", "asc", "--npu-arch=dav-2201", "-DASCENDC_DUMP=0", "-O3", "-std=c++17", "-fPIC", "-shared")
PTO = (
    "-xcce", "--cce-aicore-arch=dav-c220-vec", "-D__DAV_VEC__", "-DMEMORY_BASE", "-O2", "-std=c++17", "-fPIC",
    "-Wno-macro-redefined", "-Wno-ignored-attributes", "-Xhost-start", "-Xhost-end",
    "-mllvm", "-cce-aicore-stack-size=0x8000", "-mllvm", "-cce-aicore-function-stack-size=0x8000",
    "-mllvm", "-cce-aicore-record-overflow=true", "-mllvm", "-cce-aicore-addr-transform",
    "-mllvm", "-cce-aicore-dcci-insert-for-scalar=false",
)  # fmt: skip
PTO_LINK = ("--cce-fatobj-link", "-shared", "-fPIC")
PTOAS = ("--pto-arch=a3", "--enable-insert-sync")
_LIMIT_S = 600
_TYPES = {"bf16": "bfloat16_t", "f16": "half", "f32": "float", "i32": "int32_t"}
_NO_PTOAS = (
    "install it (github.com/hw-native-sys/PTOAS) and set PTO_ISA_ROOT to a checkout of pto-isa, "
    "or take all kernels in AscendC: --pto 0"
)


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs that compile, and what they say of themselves.

    ``ptoas`` is None where it is not installed or not wanted.
    """

    bisheng: str
    ptoas: str | None
    packages: tuple[Package, ...]

    def build(self, emitted: Emitted) -> tuple[Launcher, float]:
        """What launches the kernel, and the seconds that compiling took; 0.0 where it was kept."""
        if emitted.target == "pto" and self.ptoas is None:
            raise RunnerError(f"ptoas: not found, and {emitted.kernel.name} is in PTO-MLIR; {_NO_PTOAS}")
        flags = (*ASCENDC, *PTO, *PTO_LINK, *PTOAS, *_headers())
        versions = [f"{one.name} {one.version}" for one in self.packages]
        parts = [self.bisheng, *versions, *flags, emitted.target, emitted.text, launcher(emitted)]
        library, seconds = kept_library(parts, lambda scratch: self._build(scratch, emitted))
        return _function(library, emitted), seconds

    def build_all(self, kernels: Sequence[Emitted]) -> tuple[dict[str, Launcher], float]:
        """All of them by name, several at a time, and the seconds; 0.0 where all were kept."""
        start = time.monotonic()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            built = list(pool.map(self.build, kernels))
        took = time.monotonic() - start if any(seconds for _, seconds in built) else 0.0
        return {one.kernel.name: found for one, (found, _) in zip(kernels, built, strict=True)}, took

    def _build(self, folder: Path, emitted: Emitted) -> Path:
        name = emitted.kernel.name
        run = partial(_run, name, folder)
        if emitted.target == "ascendc":
            (folder / f"{name}.cpp").write_text(f"{emitted.text}\n{launcher(emitted)}", "utf-8")
            run(self.bisheng, *ASCENDC, f"{name}.cpp", "-o", f"{name}.so")
            return folder / f"{name}.so"
        assert self.ptoas
        (folder / f"{name}.pto").write_text(emitted.text, "utf-8")
        run(self.ptoas, *PTOAS, f"{name}.pto", "-o", f"{name}.cpp")
        with (folder / f"{name}.cpp").open("a", encoding="utf-8") as written:
            written.write(f"\n{launcher(emitted)}")
        run(self.bisheng, *PTO, *_headers(), "-c", f"{name}.cpp", "-o", f"{name}.o")
        libraries = (f"-L{home() / 'lib64'}", "-lruntime", "-lascendcl")
        run(self.bisheng, *PTO_LINK, f"{name}.o", *libraries, "-o", f"{name}.so")
        return folder / f"{name}.so"


def path() -> str:
    """The compiler of the CANN that is set up, or :class:`RunnerError`."""
    own = home() / "bin" / "bisheng"
    found = shutil.which("bisheng") or (str(own) if own.is_file() else None)
    if found is None:
        raise RunnerError(f"CANN: has no compiler (looked for bisheng); {SET_UP}")
    return found


def find(pto: bool) -> Tools:
    """The compiler, and where ``pto`` is wanted ptoas, if it is installed."""
    bisheng, ptoas = path(), shutil.which("ptoas") if pto else None
    packages = [Package("CANN", cann_version()), Package("bisheng", _version(bisheng))]
    if ptoas:
        packages.append(Package("ptoas", _version(ptoas)))
    return Tools(bisheng, ptoas, tuple(packages))


def launcher(emitted: Emitted) -> str:
    """The function of the host that launches the kernel: its arrays, then the capacity, are the kernel's own."""
    name, arrays = emitted.kernel.name, emitted.kernel.arrays
    dynamic = has_dynamic(emitted.kernel.axes)
    taken = [f"uint8_t *{array.name}" for array in arrays] + ["int32_t capacity"] * dynamic
    given = [_given(emitted, array) for array in arrays] + ["capacity"] * dynamic
    return (
        f'extern "C" void launch_{name}(uint32_t blocks, void *stream, {", ".join(taken)}) {{\n'
        f"    {name}<<<blocks, nullptr, stream>>>({', '.join(given)});\n"
        "}\n"
    )


def _given(emitted: Emitted, array: Array) -> str:
    """An array as the kernel takes it: AscendC as bytes, PTO by its elements' type."""
    if emitted.target == "ascendc":
        return array.name
    element = emitted.storage if array.element == "stored" else array.element
    return f"({_TYPES[element]} *){array.name}"


def _headers() -> tuple[str, ...]:
    """Where PTO's C++ finds its headers: a checkout of pto-isa before what this CANN has of it."""
    newer = os.environ.get("PTO_ISA_ROOT", "").strip()
    folders = [Path(newer) / "include"] if newer else []
    inner = ("include", "pkg_inc", "pkg_inc/profiling", "pkg_inc/runtime/runtime")
    return tuple(f"-I{folder}" for folder in (*folders, *(home() / name for name in inner)))


def _run(kernel: str, folder: Path, *command: str) -> None:
    """Run a compiler; :class:`KernelError` where it refuses the kernel, or gives nothing."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False,
            timeout=_LIMIT_S,
        )  # fmt: skip
        said, ended = f"{done.stderr}\n{done.stdout}", f"exit status {done.returncode}"
        if done.returncode == 0 and (folder / command[command.index("-o") + 1]).is_file():
            return
    except subprocess.TimeoutExpired:
        said, ended = "", f"no end after {_LIMIT_S} s"
    found, program = line(complaint(said, ended)), Path(command[0]).name
    raise KernelError(
        kernel, f"{program}: {kernel} is refused (got '{found}'); see that CANN is 8.5 or newer"
    )


def _function(library: Path, emitted: Emitted) -> Launcher:
    function = getattr(loaded(library), f"launch_{emitted.kernel.name}")
    dynamic = has_dynamic(emitted.kernel.axes)
    addresses = [ctypes.c_void_p] * len(emitted.kernel.arrays)
    function.argtypes = (ctypes.c_uint32, ctypes.c_void_p, *addresses, *[ctypes.c_int32] * dynamic)
    function.restype = None
    found: Launcher = function
    return found


def _version(program: str) -> str:
    """The first line of what a program says of itself that holds a digit."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    lines = [text for text in done.stdout.splitlines() if any(letter.isdigit() for letter in text)]
    return line(next(iter(lines), "unknown")).removeprefix(f"{Path(program).name} ")
