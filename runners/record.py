"""One validated result file, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runners.device import RunnerError
from runners.kernels import source
from schemas.load import RESULT, parse
from schemas.records import Contract, KernelSource, Result

_NUMBERS = re.compile(
    r"\[\s+(-?\d[\d,\s-]*?)\s+\]"
)  # lists of numbers go on one line: samples are read by people
SCHEMA = "decode-board/result/1"
SOURCE_PATH = "runners/kernels/source.py"
CONTRACT = Contract(
    tokenization="excluded",
    prefill="excluded",
    embedding_lookup="included",
    decoder_layers="all",
    lm_head="included",
    sampling="greedy_argmax",
    token_to_host="included",  # noqa: S106  # a token id, not a secret
    compilation="excluded",
    end_of_sequence="ignored",
)
"""What the protocol's decode step contains; every runner measures this one and no other."""


def now() -> str:
    """This second in UTC, as a result states it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kernel_source(revision: str | None) -> KernelSource:
    """The one kernel source, by the hash of its text."""
    text = Path(source.__file__).read_bytes()
    return KernelSource("decode-board", SOURCE_PATH, revision, hashlib.sha256(text).hexdigest())


def text_of(result: Result) -> str:
    """The file's text; RunnerError with every problem if the result would not pass its own schema."""
    text = json.dumps(asdict(result), indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
    problems = parse(text.encode(), RESULT, f"{result.id}.json", result.id)
    if isinstance(problems, list):
        raise RunnerError("\n".join(map(str, problems)))
    return text + "\n"


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"not JSON: {type(value).__name__}")


def write(path: Path, text: str) -> None:
    """``text`` at ``path``, atomically and durably; RunnerError and no file where that fails.

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
        os.link(temporary, path)
    except FileExistsError:
        raise RunnerError(
            f"{path}: exists already; results are never overwritten, choose another --output"
        ) from None
    except OSError as error:
        raise RunnerError(
            f"{path}: cannot be written (got '{error.strerror}'); make room or choose another --output"
        ) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def file_all(folder: Path, results: Sequence[Result]) -> list[Path]:
    """Write each result as ``<id>.json`` below ``folder``, or none: all are judged before the first is written."""
    texts = {folder / f"{result.id}.json": text_of(result) for result in results}
    written: list[Path] = []
    try:
        for path, text in texts.items():
            write(path, text)
            written.append(path)
    except RunnerError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written
