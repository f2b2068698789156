"""What the person is told around a run: what is about to happen, what was left behind, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from runners import journal
from runners.device import Identity
from runners.session import Options
from schemas.records import Result

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
_NOBODY = "anonymous"


def announcement(
    identity: Identity,
    options: Options,
    submitter: str,
    device: str,
    known: bool,
    meant: str | None,
    path: Path,
) -> Iterator[str]:
    """What will be measured, on what, and where the result goes."""
    plan, weights = options.plan, options.weights.record
    yield f"device     {identity.name}"
    drafted = "" if known else ", whose file will be drafted"
    yield f"           {device}{drafted}{f' (or did you mean {meant}?)' if meant else ''}"
    yield f"toolchain  {'; '.join(f'{one.name}: {one.version}' for one in identity.toolchain)}"
    yield f"workload   {options.model.name}, {options.storage}, {weights.kind} weights"
    repetitions = f"{plan.least_repetitions} repetitions of {plan.steps} steps or more"
    yield f"           from depth {options.depth_tokens}, {'kernels only' if options.kernels_only else repetitions}"
    if options.baselines:
        yield f"baselines  {', '.join(options.baselines)}"
    yield from _credit(submitter)
    yield f"result     {shown(path)}"


def _credit(submitter: str | None) -> Iterator[str]:
    """Who is credited, and what a name is for where none was given."""
    if submitter != _NOBODY:
        yield f"submitter  {submitter}"
    else:
        yield f"submitter  {_NOBODY}; --submitter NAME is what is credited, and what makes it"
        yield "           possible for others to reproduce yours"


def left_over(paths: Sequence[Path]) -> Iterator[str]:
    """Journals of other runs: what they hold, and how to be rid of them."""
    for path in paths:
        count = journal.repetitions(path)
        yield f"left over  of a run that did not end, or still runs (repetitions: {count});"
        yield f"           to delete them: rm {shlex.quote(shown(path))}"


def kept(path: Path) -> Iterator[str]:
    """What an unfinished run has measured."""
    count = journal.repetitions(path)
    if count:
        yield f"kept: what has been measured (repetitions: {count}); to delete them: rm {shlex.quote(shown(path))}"


def next_steps(written: Sequence[Path], result: Result, drafted: bool) -> Iterator[str]:
    """What was filed, and the commands that contribute it."""
    for path in written:
        yield f"filed      {shown(path)}"
    yield from _credit(result.submitter)
    yield ""
    in_data = all(path.is_relative_to(DATA) for path in written)
    if result.quick:
        yield "This result is marked quick: it is not for submission, and not ranked."
        yield f"To measure in full: the same command {_in_full(result)}."
        yield "make check then says how a pull request with that result will be judged."
        if in_data:
            yield "To see it on your own board: make site"
        return
    if not in_data:
        yield f"To contribute it, move it to data/results/{result.device}/ (a drafted device file to"
        yield "data/devices/), then: make validate"
        return
    yield "First complete the drafted device file. To contribute both:" if drafted else "To contribute it:"
    yield "  make site     # the row on the board; it must build"
    yield "  make check    # how the pull request will be judged"
    yield f"  git switch -c {result.id}"
    yield " \\\n      ".join(["  git add", *map(shown, written)])
    yield f"  git commit -m 'Measured: {result.device}'"
    yield "Then push the branch to your fork, and open a pull request."


def _in_full(result: Result) -> str:
    """What to change in the command of a quick run; one may be quick as it was stopped, or cut short by an option."""
    asked = shlex.split(result.environment.command) if result.environment else []
    if "--quick" in asked:
        return "without --quick (after make quick: make measure)"
    return "to its end, with all steps and repetitions"


def shown(path: Path) -> str:
    """A path from the checkout on, where it lies there."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
