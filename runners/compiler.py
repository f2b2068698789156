"""The machine's C compiler: texts to one shared library, kept by the hash of all that it depends on."""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

from runners.device import KernelError, RunnerError
from runners.kernels.source import KERNELS

_NATIVE = "-mcpu=native" if platform.machine().lower() in ("arm64", "aarch64", "ppc64le") else "-march=native"
FLAGS = ("-std=gnu11", "-O3", _NATIVE, "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-pthread")
CACHE_FOLDER = Path(platformdirs.user_cache_dir("decode-board")) / "compiled"
_KEPT_LIBRARIES = 64


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler: how it is called, and what it says of itself."""

    command: tuple[str, ...]
    version: str

    def build(self, texts: Mapping[str, str], flags: tuple[str, ...] = FLAGS) -> tuple[Path, float]:
        """The library made of ``texts`` (file name to C text), and the seconds it took; 0.0 when it was kept.

        The key holds the processor too, as ``native`` means another thing on another one.
        """
        machine = f"{platform.machine()} {_processor()}"
        parts = [
            *self.command,
            self.version,
            *flags,
            machine,
            *(part for text in texts.items() for part in text),
        ]
        return kept_library(parts, lambda scratch: self._build(scratch, texts, flags))

    def _build(self, folder: Path, texts: Mapping[str, str], flags: tuple[str, ...]) -> Path:
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
        compile_only = [[*self.command, *flags, "-o", f"{name}.o", "-c", name] for name in texts]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda command: self._run(command, folder), compile_only))
        objects = [f"{name}.o" for name in texts]
        self._run([*self.command, *flags, "-shared", *objects, "-lm", "-o", "library.so"], folder)
        return folder / "library.so"

    def _run(self, command: list[str], folder: Path) -> None:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
        lacks_output = not (folder / command[command.index("-o") + 1]).is_file()
        if not (done.returncode or lacks_output):
            return
        said = " | ".join(done.stderr.strip().splitlines()[:3]) or f"exit status {done.returncode}, no output"
        made = command[-1]
        problem = f"{self.command[0]}: compiling {made} failed (got '{said}')"
        if Path(made).stem in KERNELS:
            raise KernelError(Path(made).stem, f"{problem}; set CC to another compiler")
        lacks_header = "No such file" in said
        raise RunnerError(f"{problem}; {_remedy() if lacks_header else 'set CC to another compiler'}")


def find() -> Compiler:
    """The compiler that ``CC`` names, or the first of cc, gcc and clang. RunnerError where there is none."""
    wanted = os.environ.get("CC", "").strip()
    try:
        names = [shlex.split(wanted)] if wanted else [["cc"], ["gcc"], ["clang"]]
    except ValueError:  # a quote that is not closed
        names = []
    for command in names:
        if command and shutil.which(command[0]):
            return Compiler(tuple(command), _version(command))
    if wanted:
        raise RunnerError(
            f"CC: names no program that can be found (got '{wanted}'); set it to gcc or clang, or unset it"
        )
    raise RunnerError(f"C compiler: not found (looked for cc, gcc, clang); {_remedy()}")


def _version(command: list[str]) -> str:
    try:
        said = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=60,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        said = ""
    first = next(iter(said.splitlines()), "").strip()
    if not first:
        raise RunnerError(
            f"{command[0]}: does not say its version, so it is no C compiler; set CC to gcc or clang"
        )
    return first


def _remedy() -> str:
    if platform.system() == "Darwin":
        return "install one with: xcode-select --install"
    for tool, line in {
        "apt-get": "apt-get install gcc libc6-dev",
        "dnf": "dnf install gcc",
        "pacman": "pacman -S gcc",
        "apk": "apk add gcc musl-dev",
    }.items():
        if shutil.which(tool):
            return f"install one with: {line}"
    return "install gcc or clang"


def _processor() -> str:
    """The processor's model and features as Linux tells them, else its name."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor()
    kept = [
        line
        for line in text.split("\n\n")[0].splitlines()
        if line.startswith(("model name", "flags", "Features", "CPU part"))
    ]
    return "\n".join(kept)


# --- what was compiled before ---------------------------------------------------------------------


def kept_library(parts: Iterable[str], build: Callable[[Path], Path]) -> tuple[Path, float]:
    """The library that ``build`` makes in a scratch folder, and the seconds it took; 0.0 when it was kept.

    ``parts`` are all that it depends on: it is kept by their hash.
    """
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    folder = _cache_folder()
    kept = _kept(folder, key)
    if kept:
        return kept, 0.0
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            library = _keep(build(Path(scratch)), folder, key)
    except OSError as error:
        raise RunnerError(f"{folder}: cannot be written (got '{error.strerror}'); make room") from None
    _forget_oldest(folder)
    return library, time.monotonic() - start


def _cache_folder() -> Path:
    """The person's cache, or one that ends with this process where that cannot be written, or others can.

    What lies there is loaded and run.
    """
    try:
        CACHE_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = CACHE_FOLDER.stat()
    except OSError:
        return _passing_folder()
    ours = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return CACHE_FOLDER if ours and os.access(CACHE_FOLDER, os.W_OK | os.X_OK) else _passing_folder()


@cache
def _passing_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="decode-board-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _kept(folder: Path, key: str) -> Path | None:
    """The library of ``key``. Its name holds the hash of its bytes, so that a damaged one is not loaded."""
    for library in folder.glob(f"{key}-*.so"):
        if library.stem == f"{key}-{_digest(library)}":
            library.touch()
            return library
        library.unlink(missing_ok=True)
    return None


def _keep(built: Path, folder: Path, key: str) -> Path:
    return built.replace(folder / f"{key}-{_digest(built)}.so")


def _digest(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest()[:16]


def _forget_oldest(folder: Path) -> None:
    """By a library's last use; another process may forget at the same time."""
    libraries = sorted(folder.glob("*.so"), key=_last_used)
    for path in libraries[:-_KEPT_LIBRARIES]:
        path.unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
