"""What a result says of the machine: enough to doubt it, and no host name, user name or path."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from runners.device import Identity
from schemas.load import schema
from schemas.records import Environment, Package

ROOT = Path(__file__).resolve().parents[1]
_MEASURING_PACKAGES = ("numpy",)


def environment(identity: Identity, runner: str, arguments: Sequence[str]) -> Environment:
    """The environment of a run on the device of ``identity``; ``arguments`` are the command line's."""
    revision, dirty = git_state()
    packages = (Package("python", platform.python_version()), *map(_package, _MEASURING_PACKAGES))
    return Environment(
        device_name=line(identity.name),
        device_count=identity.count,
        driver=line(identity.driver) if identity.driver else None,
        toolchain=tuple(
            Package(line(one.name), line(one.version)) for one in (*identity.toolchain, *packages)
        ),
        os=line(_operating_system()),
        cpu_model=line(cpu_model()),
        cpu_count=os.cpu_count() or 1,
        memory_bytes=float(psutil.virtual_memory().total),
        runner=runner,
        runner_version=_package("decode-board").version,
        git_revision=revision,
        git_dirty=dirty,
        command=command(runner, arguments),
    )


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What the operating system calls this machine's processor.

    A virtual machine often hides the model ("AMD EPYC"): family and model number then tell generations apart.
    """
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    facts: dict[str, str] = {}
    for entry in lines:
        name, _, value = entry.partition(":")
        facts.setdefault(name.strip(), value.strip())
    named = facts.get("model name", "")
    numbers = facts.get("cpu family"), facts.get("model")
    if named and all(numbers) and not re.search(r"\d", named):
        return f"{named} family {numbers[0]} model {numbers[1]}"
    arm = facts.get("CPU implementer"), facts.get("CPU part")
    if not named and all(arm):
        return f"{platform.machine()} implementer {arm[0]} part {arm[1]}"
    return named or _brand() or platform.processor() or platform.machine()


def _brand() -> str:
    """What macOS calls the processor; empty elsewhere."""
    if platform.system() != "Darwin":
        return ""
    return _said("sysctl", "-n", "machdep.cpu.brand_string") or ""


def line(text: str) -> str:
    """``text`` as one line that a schema admits; the person's own folder, whose name is theirs, is ``~``."""
    home = os.path.expanduser("~")  # noqa: PTH111 - unlike Path's, it gives "~" where there is none
    shown = text.replace(home, "~") if len(home) > 1 else text
    return _fit(shown)[:300].strip() or "unknown"


def command(runner: str, arguments: Sequence[str]) -> str:
    """The command line; ``arguments`` name no path, as a path may name a person."""
    return _fit(shlex.join(["python", "-m", f"runners.{runner}", *arguments]))[:2000].strip()


def _fit(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(letter if _fits(letter) else " " for letter in composed).split())


@cache
def _fits(letter: str) -> bool:
    """Whether a line of a result file may hold it: what the schema lets through, and prints."""
    line = schema("common")["$defs"]["line"]["pattern"]
    return letter.isprintable() and bool(re.match(line, f"x{letter}x"))


def git_state() -> tuple[str | None, bool | None]:
    """The revision of this checkout, and whether what decides a measurement differs from it.

    (None, None) where this is no checkout of its own, but say a package within somebody's other one.
    """
    if _git("rev-parse", "--show-prefix") != "":
        return None, None
    revision = _git("rev-parse", "HEAD")
    if revision is None:
        return None, None
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "runners", "schemas", "data/models")
    return revision, bool(changed)


def _git(*arguments: str) -> str | None:
    return _said("git", "-C", str(ROOT), *arguments)


def _said(*command: str) -> str | None:
    """What a program of the person's path says; None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _operating_system() -> str:
    try:
        release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        release = ""
    name = release or f"{platform.system()} {platform.mac_ver()[0]}".strip()
    return f"{name}, {platform.system()} {platform.release()}, {platform.machine()}"


def _package(name: str) -> Package:
    try:
        return Package(name, version(name))
    except PackageNotFoundError:
        return Package(name, "unknown")
