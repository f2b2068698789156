"""How long ``check-submission`` takes beside a record of 10,000 result files, how much memory, and where the time goes.

``python -m tests.benchmarks.submission [--files N] [--repeat N] [--code FOLDER …]``. A scratch repository holds the
files, committed; one new valid measured result lies in its working tree. Each check is a process of its own, as a
pull request starts it, on a warm disk; memory is that process's peak resident set. ``--code`` names further checkouts
whose code is timed in turns with this one's.
"""

from __future__ import annotations

import os
import pkgutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click

ROOT = Path(__file__).resolve().parents[2]
KERNEL_ROWS = 4
_GOAL_S = 2.0
_STAGES = {
    "git": ("generator.submission.git.Git._said",),
    "reading results on file": ("generator.submission.submission.read_filed",),
    "reading what it must fit to": ("generator.submission.submission.read_dataset",),
    "rules between files": ("generator.submission.submission.cross_file_problems",),
    "rules of submissions, with their git": ("generator.submission.rules.Rule.problems",),
    "ranks": ("generator.submission.preview.fields_of",),
}
Cost = tuple[float, float, float]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--files", default=10_000, show_default=True, help="Result files on file.")
@click.option(
    "--repeat", default=7, show_default=True, help="Checks of each checkout; the median is printed."
)
@click.option("--code", "others", multiple=True, type=click.Path(path_type=Path, exists=True), metavar="FOLDER",
              help="A checkout whose code is timed in turns with this one's.")  # fmt: skip
@click.option("--inside", hidden=True, type=click.Path(path_type=Path, exists=True))
def main(files: int, repeat: int, others: tuple[Path, ...], inside: Path | None) -> None:
    """Print seconds and peak memory of a whole check, and the share of each of its parts."""
    if inside:
        _stages(inside)
        return
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {files:,} result files, one new; median of {repeat}"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = _record(Path(folder) / "board", files)
        checkouts = (ROOT, *(other.resolve() for other in others))
        _check(root, ROOT)  # warms the disk, and the modules' byte code
        taken = [[_check(root, code) for code in checkouts] for _ in range(repeat)]
        for code, costs in zip(checkouts, zip(*taken, strict=True), strict=True):
            seconds, busy, peak = (statistics.median(part) for part in zip(*costs, strict=True))
            print(
                f"{code}: {seconds:.2f} s of {_GOAL_S} s, {busy:.2f} s of processor time, peak {peak:.0f} MB",
                flush=True,
            )
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.submission", "--inside", str(root)], cwd=ROOT, check=True
        )


def _check(root: Path, code: Path) -> Cost:
    """Seconds, those of a processor, and peak megabytes of one check by the code of a checkout."""
    command = [sys.executable, "-m", "generator", "check-submission", "--base", "HEAD", "--root", str(root)]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=code, env=_paths(code), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the submission is refused; see why: cd {code}; {' '.join(command)}")
    seconds, busy = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    return seconds, busy, usage.ru_maxrss / 1024


def _paths(code: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(code)}


# --- the record -----------------------------------------------------------------------------------


def _record(root: Path, files: int) -> Path:
    """A repository with ``files`` results by as many people on 60 devices, and one more that nobody has committed."""
    from tests.benchmarks.synthetic import MODEL, make  # the child that measures itself needs none of these
    from tests.generator.examples import sha256, timing, timings
    from tests.submissions import SOURCE, SOURCE_TEXT, Repository

    made, text, device = Repository(root), "rms_norm in cuda\n", "device-000"
    (root / SOURCE).parent.mkdir(parents=True)
    (root / SOURCE).write_text(SOURCE_TEXT)
    make(made.data, files * (1 + KERNEL_ROWS), 1 + KERNEL_ROWS, people=files)
    made.retract().emitted({("rms_norm", "cuda"): text}, model=MODEL).instructions()
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("config", "gc.auto", "0")  # so many new objects would be packed in the background meanwhile
    made.commit("the record")
    norm = timing(
        "rms_norm", ns=[900 + call for call in range(20)], emitted_sha256=sha256(text), rel_l2_error=1e-3
    )
    row = made.row(f"{device}-f16-20260201t120000z", device=device, decode_model=MODEL, decode_depth_tokens=128,
                   kernels=timings(norm, model=MODEL))  # fmt: skip
    made.submit(row | {"environment": row["environment"] | {"device_name": device}})
    return root


# --- where the time goes --------------------------------------------------------------------------


def _stages(root: Path) -> None:
    """One check in this process, its parts timed; a part that asks for another has the other's time too."""
    started = time.perf_counter()
    command = import_module("generator.commands.check_submission").check_submission_command
    spent = {"imports": time.perf_counter() - started} | dict.fromkeys(_STAGES, 0.0)
    with ExitStack() as stack:
        for what, names in _STAGES.items():
            for name in names:
                stack.enter_context(patch(name, _timed(pkgutil.resolve_name(name), what, spent)))
        stack.enter_context(redirect_stdout(StringIO()))
        stack.enter_context(suppress(SystemExit))
        command(["--base", "HEAD", "--root", str(root)])
    for what, seconds in [*spent.items(), ("all but starting Python", time.perf_counter() - started)]:
        print(f"  {what:<36} {seconds:6.3f} s")


def _timed(call: Callable[..., Any], what: str, spent: dict[str, float]) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            spent[what] += time.perf_counter() - started

    return wrapper


if __name__ == "__main__":
    main()
