"""What a submission may change: it adds results and devices, and withdraws rows. It never rewrites the record."""

from __future__ import annotations

from collections.abc import Iterator

from generator.submission.git import Change
from generator.submission.submission import MOST_FILES, Submission
from schemas.load import load
from schemas.problems import Problem
from schemas.records import Ledger

_RECORD = ("results", "reported", "retracted.yml")
_WITHDRAW = "leave it as it is; a wrong row is withdrawn by an entry in data/retracted.yml"
_APART = "propose it in a pull request of its own; this one adds to the record"


def touches_record(submission: Submission) -> bool:
    """Whether there is anything to judge: a change of rows, of the ledger, or a new device."""
    return any(
        submission.is_under(change, *_RECORD)
        or (change.kind == "added" and submission.is_under(change, "devices"))
        for change in submission.changes
    )


def allowed_changes(submission: Submission) -> Iterator[Problem]:
    """Results and devices are added, the ledger grows, and nothing else changes beside them."""
    if not touches_record(submission):
        return
    if len(submission.changes) > MOST_FILES:
        said = f"are too many to look at (got {len(submission.changes):,})"
        yield Problem("the submission", "files", said, f"submit at most {MOST_FILES} at once")
    for change in submission.changes[:MOST_FILES]:
        yield from _change(submission, change)


def _change(submission: Submission, change: Change) -> Iterator[Problem]:
    if submission.is_under(change, "retracted.yml"):
        if change.kind == "deleted":
            yield Problem(change.path, "file", "was deleted (got none)", "restore it")
    elif submission.is_under(change, "results", "reported"):
        if change.kind != "added":
            yield Problem(change.path, "file", f"was {change.kind} (got another version)", _WITHDRAW)
    elif submission.is_under(change, "devices"):
        if change.kind != "added":
            yield Problem(
                change.path, "file", f"was {change.kind} beside new rows (got another version)", _APART
            )
    else:
        yield Problem(change.path, "file", f"is no part of a submission (got a file {change.kind})", _APART)
    if change.kind != "deleted" and not change.regular:
        said = "is no plain file (got a link, a submodule, or one that can be executed)"
        yield Problem(change.path, "file", said, "put the file itself there, with mode 644")


def ledger_grows(submission: Submission) -> Iterator[Problem]:
    """The entries of the ledger stay as they were; new ones come after them."""
    name = f"{submission.data_folder.name}/retracted.yml"
    if name not in {change.path for change in submission.changes}:
        return
    before, after = (
        submission.ledger_before,
        load(submission.data_folder / "retracted.yml", submission.data_folder),
    )
    if before is None or not isinstance(after, Ledger):
        return
    kept = after.retractions[: len(before.retractions)]
    for place, (old, new) in enumerate(zip(before.retractions, kept, strict=False)):
        if old != new:
            said = f"is another entry than before (got '{new.result}', had '{old.result}')"
            yield Problem(name, f"retractions[{place}]", said, "restore it; new entries go to the end")
    if len(kept) < len(before.retractions):
        said = f"has lost entries (got {len(kept)}, had {len(before.retractions)})"
        yield Problem(name, "retractions", said, "restore them; the ledger only grows")


def withdrawals(submission: Submission) -> Iterator[Problem]:
    """Each row that the submission withdraws."""
    old = len(submission.ledger_before.retractions) if submission.ledger_before else 0
    path = submission.dataset.paths.get(("ledger", ""), "")
    for place, entry in enumerate(list(submission.dataset.retractions.values())[old:], old):
        said = f"withdraws a row (got '{entry.result}': {entry.reason})"
        yield Problem(path, f"retractions[{place}]", said, "decide whether the reason holds")


def added_devices(submission: Submission) -> Iterator[Problem]:
    """Each device that the submission adds: its bandwidth decides over MBU and rank."""
    for device in submission.dataset.devices.values():
        path = submission.dataset.paths["device", device.id]
        if any(change.path == path for change in submission.changes):
            peak = device.peak_bandwidth
            said = (
                f"{peak.gb_per_s:g} GB/s by {peak.source.url}" if peak else "none, so its rows carry no rank"
            )
            yield Problem(path, "peak_bandwidth", f"is new (got {said})", "compare it with the source")


def published_figures(submission: Submission) -> Iterator[Problem]:
    """Each figure that the submission takes from a publication, which no runner can vouch for."""
    for new in submission.new:
        if new.result.source:
            said = f"is a publication's (got {new.result.source.locator})"
            yield Problem(new.path, "source.url", said, f"compare it with {new.result.source.url}")
