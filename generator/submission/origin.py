"""Where a measured row comes from: a runner of a revision that everybody has, unchanged, at a time that can be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache

from generator.formats import plural
from generator.submission.git import Git
from generator.submission.runner import STAMP, instant, runner_of
from generator.submission.submission import New, Submission
from schemas.contract import KERNEL_SOURCE, REPOSITORY
from schemas.load import EMITTED, parse
from schemas.metrics import measured_ns
from schemas.problems import Problem, escaped
from schemas.records import EmittedIndex, KernelSource, KernelTiming
from schemas.reproduce import RunnerFacts

CLOCKS_APART = timedelta(hours=1)
Text = tuple[str, str, str | None]  # kernel, storage type, SHA-256
Known = set[tuple[str, Text]]
_STAMP = re.compile(r"-(\d{8}t\d{6}z)(?:-|$)")
_AS_PUBLISHED = "measure with an unchanged checkout of a revision that is on the main branch"


def sealed(submission: Submission) -> Iterator[Problem]:
    """Each measured row has a seal, which holds."""
    yield from (problem for problem in submission.problems if problem.rule == "integrity")
    for new in submission.measured:
        if new.result.integrity is None:
            yield Problem(
                new.path, "integrity", "is missing (got null)", "measure with this repository's runner"
            )


def not_quick(submission: Submission) -> Iterator[Problem]:
    """A quick run shows that everything works; it is not for the record."""
    for new in submission.measured:
        if new.result.quick:
            yield Problem(
                new.path, "quick", "is a quick or unfinished run (got true)", "measure without --quick"
            )


def known_revision(submission: Submission) -> Iterator[Problem]:
    """The code that measured is on the main branch, unchanged, and its kernel source is what the row says."""
    for new in submission.measured:
        environment = new.result.environment
        if environment is None:
            continue
        revision = environment.git_revision or ""
        published = submission.git.is_published(revision)
        if not published:
            said = f"is not on the main branch (got {_said(revision)})"
            yield Problem(new.path, "environment.git_revision", said, _AS_PUBLISHED)
        if environment.git_dirty is not False:
            said = f"does not say that the code was unchanged (got {_word(environment.git_dirty)})"
            yield Problem(new.path, "environment.git_dirty", said, _AS_PUBLISHED)
        if published and new.result.kernel_source:
            yield from _source(submission.git, new, new.result.kernel_source, revision)
        elif new.result.kernel_source is None and new.result.role == "contender":
            yield Problem(new.path, "kernel_source", "is missing (got null)", "measure with a runner")


def _source(git: Git, new: New, source: KernelSource, revision: str) -> Iterator[Problem]:
    """The kernel source is a file of the revision that measured, as it was then."""
    if source.revision != revision:
        said = f"is not the one that measured (got {_said(source.revision)}, measured by {_said(revision)})"
        yield Problem(new.path, "kernel_source.revision", said, _AS_PUBLISHED)
    if source.repository != REPOSITORY:
        said = f"is not '{REPOSITORY}' (got '{escaped(source.repository)}')"
        yield Problem(new.path, "kernel_source.repository", said, _AS_PUBLISHED)
    text = git.file_at(revision, source.path or "")
    if source.path != KERNEL_SOURCE:
        said = f"is not {KERNEL_SOURCE} (got '{escaped(source.path)}')"
        yield Problem(new.path, "kernel_source.path", said, _AS_PUBLISHED)
    elif text is None:
        said = f"is no file at {_said(revision)} (got '{escaped(source.path)}')"
        yield Problem(new.path, "kernel_source.path", said, _AS_PUBLISHED)
    elif hashlib.sha256(text).hexdigest() != source.sha256:
        said = f"is not that of {source.path} at {_said(revision)} (got {_said(source.sha256)})"
        yield Problem(new.path, "kernel_source.sha256", said, _AS_PUBLISHED)


def known_texts(submission: Submission) -> Iterator[Problem]:
    """Each emitted kernel that was timed is a text that the repository held at the row's revision."""
    index = f"{submission.data_folder.name}/emitted/index.json"
    at = cache(lambda revision: _hashes(submission.git, index, revision))
    for new in submission.measured:
        kernels = new.result.kernels
        if kernels is None:
            if new.result.role == "contender":
                yield Problem(
                    new.path, "kernels", "are missing (got null)", "measure with a runner, which times them"
                )
            continue
        revision = (new.result.environment.git_revision or "") if new.result.environment else ""
        timings = [one for one in enumerate(kernels.timings) if one[1].execution == "emitted"]
        if not timings or not submission.git.is_published(revision):
            continue  # of an unknown revision nothing can be known
        known, runner = at(revision), runner_of(submission, new)
        if not known:
            said = f"has no index of emitted kernels that can be read (got {_said(revision)})"
            yield Problem(new.path, "environment.git_revision", said, _AS_PUBLISHED)
        elif unknown := [(place, one) for place, one in timings if not _texts(one) <= _of(known, runner)]:
            yield _unknown_texts(new, revision, *unknown[0], len(unknown) - 1)


def _of(known: Known, runner: RunnerFacts | None) -> set[Text]:
    """The texts in the languages of a runner; in all of them where it is unknown, which another rule says."""
    return {text for target, text in known if runner is None or target in runner.targets}


def _texts(timing: KernelTiming) -> set[Text]:
    return {(name, timing.dtype, timing.emitted_sha256) for name in timing.kernels}


def _unknown_texts(new: New, revision: str, place: int, timing: KernelTiming, more: int) -> Problem:
    """One problem for all of them: what changed one text changed most."""
    names, others = " + ".join(timing.kernels), f", and {plural(more, 'more', 'more')}" if more else ""
    said = f"is no {timing.dtype} text of {names} at {_said(revision)} (got {_said(timing.emitted_sha256)}{others})"
    return Problem(new.path, f"kernels.timings[{place}].emitted_sha256", said, _AS_PUBLISHED)


def _hashes(git: Git, path: str, revision: str) -> Known | None:
    """Every text that the index named at ``revision``, beside its language."""
    raw = git.file_at(revision, path)
    index = parse(raw, EMITTED, path, "index") if raw else None
    if not isinstance(index, EmittedIndex):
        return None
    return {
        (entry.target, (entry.kernel, storage, sha256))
        for entry in index.kernels
        for storage, sha256 in entry.hashes.items()
    }


def possible_times(submission: Submission) -> Iterator[Problem]:
    """A run starts after its code was written, and ends no sooner than its samples take."""
    for new in submission.measured:
        ended, started = instant(new.result.measured_at), _started(new)
        if started and ended:  # an id without a start is no runner's, which another rule says
            yield from _order(submission, new, started, ended)


def _order(submission: Submission, new: New, started: datetime, ended: datetime) -> Iterator[Problem]:
    written = (
        submission.git.committed(new.result.environment.git_revision or "")
        if new.result.environment
        else None
    )
    if written and started < written - CLOCKS_APART:
        said = f"lies before its code was written (got {started:%Y-%m-%d %H:%M} UTC, written {written:%Y-%m-%d %H:%M})"
        yield Problem(new.path, "id", said, "set the machine's clock and measure again")
    samples = new.result.decode.samples if new.result.decode else None
    taken = timedelta(microseconds=measured_ns(samples) / 1e3) if samples else timedelta(0)
    if ended - started + timedelta(seconds=1) < taken:
        seconds = f"{(ended - started).total_seconds():.0f} s after the start"
        said = f"comes too soon (got {seconds}, samples take {taken.total_seconds():.0f} s)"
        yield Problem(new.path, "measured_at", said, "submit the file as the runner wrote it")


def _started(new: New) -> datetime | None:
    stamp = _STAMP.search(new.result.id.removeprefix(new.result.device))
    return instant(stamp[1], STAMP) if stamp else None


def _said(text: str | None) -> str:
    return f"'{text[:16]}'" if text else "nothing"


def _word(value: bool | None) -> str:
    return "null" if value is None else str(value).lower()
