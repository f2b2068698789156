"""The machine's C compiler: texts to one shared library, kept by the hash of all that it depends on."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from runners.device import RunnerError

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
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        library = CACHE_FOLDER / f"{key}.so"
        if library.is_file():
            library.touch()
            return library, 0.0
        start = time.monotonic()
        CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE_FOLDER) as folder:
            built = self._build(Path(folder), texts, flags)
            built.replace(library)
        _forget_oldest()
        return library, time.monotonic() - start

    def _build(self, folder: Path, texts: Mapping[str, str], flags: tuple[str, ...]) -> Path:
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
        compile_only = [[*self.command, *flags, "-c", name, "-o", f"{name}.o"] for name in texts]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda command: self._run(command, folder), compile_only))
        objects = [f"{name}.o" for name in texts]
        self._run([*self.command, *flags, "-shared", *objects, "-o", "library.so", "-lm"], folder)
        return folder / "library.so"

    def _run(self, command: list[str], folder: Path) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " | ".join(done.stderr.strip().splitlines()[:3]) or f"exit status {done.returncode}"
            raise RunnerError(
                f"{self.command[0]}: compiling {command[-1]} failed (got '{said}'); set CC to another"
            )


def find() -> Compiler:
    """The compiler that ``CC`` names, or the first of cc, gcc and clang. RunnerError where there is none."""
    wanted = os.environ.get("CC", "").strip()
    names = [shlex.split(wanted)] if wanted else [["cc"], ["gcc"], ["clang"]]
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
            [*command, "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise RunnerError(
            f"{command[0]}: does not say its version (got '{error}'); set CC to gcc or clang"
        ) from None
    return (said.splitlines() or [""])[0].strip()


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


def _forget_oldest() -> None:
    libraries = sorted(CACHE_FOLDER.glob("*.so"), key=lambda path: path.stat().st_mtime)
    for path in libraries[:-_KEPT_LIBRARIES]:
        path.unlink(missing_ok=True)
