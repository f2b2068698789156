"""What git knows of a submission: what changed since its base, and what the repository held at a revision.

Paths and contents come from a stranger: names are taken as bytes between zeros, no external diff or hook of a
repository runs, and a revision is handed over where no option can stand. A filter that the checkout's own
configuration names does run, as git compares nothing without it: nothing in a submission can define one.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from schemas.problems import escaped

_REGULAR = "100644"
_ABSENT = "000000"
_SECONDS = 60
_MOST_BYTES = 4_000_000
_REVISION = re.compile(r"[0-9a-f]{7,64}")
_SETTINGS = {
    "core.quotePath": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "log.showSignature": "false",
}
_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}
"""By these a hook is told its repository; what is judged is ``root``, whoever asks."""
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "POSIX",
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{place}": name for place, name in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{place}": value for place, value in enumerate(_SETTINGS.values())},
}
Kind = Literal["added", "changed", "deleted"]


class NoHistory(Exception):
    """git cannot tell what changed; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One path of the repository that differs from the base; ``regular``: a plain file without the x bit."""

    path: str
    kind: Kind
    regular: bool


class Git:
    """A checkout below ``root``; ``tip`` is what a submission is merged into, ``base`` the commit it starts from."""

    def __init__(self, root: Path, base: str) -> None:
        """Raises :class:`NoHistory` where ``root`` is no checkout, or shares no history with ``base``."""
        self.root, shown = root, escaped(base)
        top = self._said("rev-parse", "--show-toplevel")
        if top is None or Path(os.fsdecode(top.removesuffix(b"\n"))).resolve() != root.resolve():
            raise NoHistory(f"--root: is not the top of a git checkout (got '{escaped(root)}'); name one")
        if self._said("rev-parse", "--is-shallow-repository") == b"true\n":
            remedy = "fetch them by 'git fetch --unshallow'"
            raise NoHistory(f"--root: lacks commits that rows name (got a shallow clone); {remedy}")
        tip = self._said("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
        if tip is None:
            raise NoHistory(f"--base: names no revision here (got '{shown}'); fetch it, or name another")
        self.tip = tip.decode().strip()
        start = self._said("merge-base", self.tip, "HEAD")
        if start is None:
            remedy = "fetch all of it, or name the branch that yours started from"
            raise NoHistory(f"--base: shares no history with this checkout (got '{shown}'); {remedy}")
        self.base = start.decode().strip()

    def changes(self) -> list[Change]:
        """All paths whose state in the checkout, committed or not, differs from the base; by path."""
        raw = self._said(
            "diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", self.base
        )
        others = self._said("ls-files", "-z", "--others", "--exclude-standard")
        if raw is None or others is None:
            raise NoHistory(f"{self.root}: git cannot compare it with {self.base[:12]}; check the checkout")
        return sorted([*_differing(raw), *(self._untracked(name) for name in _names(others))])

    def file_at(self, revision: str, path: str) -> bytes | None:
        """A file's bytes as they were committed at ``revision``; None where either does not exist."""
        if not _REVISION.fullmatch(revision):
            return None
        size = self._said("cat-file", "-s", f"{revision}:{path}")
        if size is None or int(size) > _MOST_BYTES:
            return None
        return self._said("cat-file", "blob", f"{revision}:{path}")

    def committed(self, revision: str) -> datetime | None:
        """When a commit was made; None where the repository does not know it."""
        if not _REVISION.fullmatch(revision):
            return None
        said = self._said("show", "--no-patch", "--format=%ct", f"{revision}^{{commit}}")
        return datetime.fromtimestamp(int(said), UTC) if said else None

    def is_published(self, revision: str) -> bool:
        """Whether the history it is merged into holds a commit: else nobody but the submitter has seen its code."""
        known = bool(_REVISION.fullmatch(revision))
        return known and self._said("merge-base", "--is-ancestor", revision, self.tip) is not None

    def _untracked(self, name: str) -> Change:
        path = self.root / name
        return Change(
            name, "added", path.is_file() and not path.is_symlink() and not os.access(path, os.X_OK)
        )

    def _said(self, *arguments: str) -> bytes | None:
        """What git prints; None where it fails."""
        inherited = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
        command = ["git", *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=inherited | _QUIET,
                capture_output=True,
                check=True,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
        return done.stdout


def _differing(raw: bytes) -> list[Change]:
    """``:100644 100644 <from> <to> M`` and a path, each ended by a zero."""
    parts = raw.split(b"\0")[:-1]
    found = []
    for about, name in zip(parts[::2], parts[1::2], strict=True):
        before, after = about[1:].decode().split()[:2]
        kind: Kind = "added" if before == _ABSENT else "deleted" if after == _ABSENT else "changed"
        found.append(Change(os.fsdecode(name), kind, after == _REGULAR))
    return found


def _names(raw: bytes) -> list[str]:
    return [os.fsdecode(name) for name in raw.split(b"\0")[:-1]]
