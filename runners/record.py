"""One validated result file, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runners.device import RunnerError
from runners.kernels import source
from schemas.contract import KERNEL_SOURCE, REPOSITORY
from schemas.integrity import seal
from schemas.load import RESULT, parse
from schemas.parse import parse_json
from schemas.records import KernelSource, Result

_NUMBERS = re.compile(r"\[\n\s*(-?\d[\d,\s-]*?)\n\s*\]")
"""Lists of numbers go on one line, as samples are read by people. No text of a result holds a line end."""
SCHEMA = "decode-board/result/1"


def now() -> str:
    """This second in UTC, as a result states it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kernel_source(revision: str | None) -> KernelSource:
    """The one kernel source, by the hash of its text."""
    text = Path(source.__file__).read_bytes()
    return KernelSource(REPOSITORY, KERNEL_SOURCE, revision, hashlib.sha256(text).hexdigest())


def text_of(result: Result) -> str:
    """The file's text, sealed; RunnerError with every problem if the result would not pass its own schema."""
    bare = _written(replace(result, integrity=None))
    raw = bare.encode("utf-8", "backslashreplace")
    problems = parse(raw, RESULT, f"{result.id}.json", result.id)
    if isinstance(problems, list):
        raise RunnerError("\n".join(map(str, problems)))
    return _written(replace(result, integrity=seal(parse_json(raw)))) + "\n"


def _written(result: Result) -> str:
    text = json.dumps(asdict(result), indent=1, ensure_ascii=False, allow_nan=False, default=plain)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)


def plain(value: Any) -> Any:
    """A number of NumPy's as JSON's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"not JSON: {type(value).__name__}")


def write(path: Path, text: str) -> None:
    """``text`` at ``path``, whole; RunnerError and no file where that fails.

    An existing file is never replaced: results are append-only.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        _place(Path(temporary), path)
    except OSError as error:
        raise RunnerError(_refused(path, error)) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _place(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        temporary.rename(path)


def _refused(path: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError) and path.is_file():
        return (
            f"{path}: exists already (got a second result); results are never overwritten, remove it yourself"
        )
    return f"{path}: cannot be written (got '{error.strerror}'); make room or choose another --output"


def refuse_unwritable(folder: Path) -> None:
    """RunnerError where no file can be made in ``folder``, or in the folder where it would be made."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise RunnerError(f"{folder}: cannot be written to (got '{there}'); choose another --output")


def file_all(texts: Mapping[Path, str]) -> list[Path]:
    """Write each text at its path, or none: what was written before a failure is removed again."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            write(path, text)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written
