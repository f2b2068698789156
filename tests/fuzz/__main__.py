"""``python -m tests.fuzz [--minutes N] [--target NAME …]``: strangers' files by the hundred thousand.

Each target runs in a process of its own, which is started again where an input kills it. Where atheris is installed
(``pip install --constraint constraints.txt --editable '.[fuzz]'``) it is guided by what inputs reach. A finding is
saved as a file; one that was mended goes to ``tests/fuzz/found/``, which the suite runs again.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import click

from tests.fuzz.attempt import Finding, Journal
from tests.fuzz.targets import TARGETS
from tests.generator.examples import REPOSITORY

_GRACE_S = 90


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", default=1.0, show_default=True, help="Time for each target.")
@click.option(
    "--target", "names", multiple=True, type=click.Choice([*TARGETS]), default=[*TARGETS], show_default=True
)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=REPOSITORY / "build" / "fuzz",
              show_default="build/fuzz", help="Where findings and the corpus go.")  # fmt: skip
@click.option("--seed", default=1, show_default=True, help="Where chance begins.")
@click.option("--plain", is_flag=True, help="Change files without looking at what they reach.")
def main(minutes: float, names: tuple[str, ...], output: Path, seed: int, plain: bool) -> None:
    """Run files of strangers through the code that reads them, and say what breaks."""
    engine = "atheris" if find_spec("atheris") and not plain else "plain"
    if engine == "plain" and not plain:
        print(
            "atheris is not installed (pip install '.[fuzz]'): files are changed without looking at what they reach"
        )
    output.mkdir(parents=True, exist_ok=True)
    found = [path for name in names for path in _fuzz(name, engine, output, minutes * 60, seed)]
    for path in found:
        print(f"{path}: {path.with_name(f'{path.name}.txt').read_text().strip().splitlines()[-1][:200]}")
    sys.exit(1 if found else 0)


def _fuzz(name: str, engine: str, output: Path, seconds: float, seed: int) -> list[Path]:
    """The findings of one target."""
    journal, log = output / f"{name}.journal", output / f"{name}.log"
    journal.unlink(missing_ok=True)
    before, started, deaths = set(_findings(output, name)), time.monotonic(), 0
    while (left := seconds - (time.monotonic() - started)) > 1:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.child",
            name,
            engine,
            str(output),
            str(left),
            str(seed + deaths),
        ]
        with log.open("w") as file:
            try:
                done = subprocess.run(
                    command, check=False, cwd=REPOSITORY, stdout=file, stderr=file, timeout=left + _GRACE_S
                )
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = -9
        if code:
            deaths += 1
            _died(name, code, journal, output, log.read_text(errors="replace"))
    new = [path for path in _findings(output, name) if path not in before]
    taken, reached = time.monotonic() - started, re.findall(r"cov: (\d+)", log.read_text(errors="replace"))
    executions = Journal(journal).count if journal.exists() else 0
    print(f"{name}: {executions:,} files in {taken / 60:.1f} minutes by {engine}, {len(new)} findings"
          + (f", {reached[-1]} places reached" if reached else ""), flush=True)  # fmt: skip
    return new


def _died(name: str, code: int, journal: Path, output: Path, log: str) -> None:
    """An input that ended its process, or never ended."""
    raw = Journal(journal).last if journal.exists() else b""
    Finding(
        f"died {code} {raw[:40]!r}", f"{log[-5_000:]}\nthe process died (got exit code {code})", raw
    ).save(output, name)


def _findings(output: Path, name: str) -> list[Path]:
    return sorted(path.with_suffix("") for path in output.glob(f"{name}-*.txt"))


if __name__ == "__main__":
    main()
