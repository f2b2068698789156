"""Drafts onto the disk: all of them or none, and nothing that is there is ever replaced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from generator.importers.drafts import Draft


class NotFiled(Exception):
    """Why nothing was written."""


def file_all(drafts: Sequence[Draft], folder: Path) -> None:
    """Every draft at its place below ``folder``; raises :class:`NotFiled`, and then none is there."""
    filed: list[Path] = []
    made: list[Path] = []
    try:
        for draft in drafts:
            path = folder / draft.place
            made += _make(path.parent)
            _place(path, draft.text)
            filed.append(path)
    except (OSError, KeyboardInterrupt) as error:
        for done in filed:
            done.unlink(missing_ok=True)
        for empty in reversed(made):
            empty.rmdir()
        if isinstance(error, OSError):
            why = "is there already" if isinstance(error, FileExistsError) else error.strerror or str(error)
            raise NotFiled(f"{path}: {why}; nothing was written") from None
        raise


def _make(folder: Path) -> list[Path]:
    """The folders that had to be made for ``folder``, outermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _place(path: Path, text: str) -> None:
    """A whole file under its name, or none: a link to a finished one fails where the name is taken."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
