"""The process that inputs run in: ``python -m tests.fuzz.child TARGET ENGINE FOLDER SECONDS SEED``.

``atheris`` follows what each input reaches and keeps those that reach more; ``plain`` changes files of the corpus
without looking. Findings, the corpus and the journal lie in FOLDER.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.attempt import Journal
    from tests.fuzz.targets import Run, Target

MOST_BYTES = 64_000
_FOLLOWED = ["schemas", "generator", "yaml", "markdown"]


def main(target_name: str, engine: str, folder: Path, seconds: float, seed: int) -> None:
    """Run inputs until ``seconds`` are over."""
    atheris = import_module("atheris") if engine == "atheris" else None
    with atheris.instrument_imports(include=_FOLLOWED) if atheris else nullcontext():
        targets, attempts = import_module("tests.fuzz.targets"), import_module("tests.fuzz.attempt")
        mutate = import_module("tests.fuzz.mutate").mutated
    target: Target = targets.TARGETS[target_name]
    journal: Journal = attempts.Journal(folder / f"{target_name}.journal")
    with tempfile.TemporaryDirectory(dir=_memory()) as place, attempts.limited():
        run: Run = target.make(Path(place))

        def one(raw: bytes) -> int:
            parts = target.parts(raw)
            if parts is None:
                return -1  # no part of the corpus
            journal.begin(raw)
            if found := attempts.attempt(run, *parts):
                found.save(folder, target_name)
            return 0

        if atheris:
            _followed(atheris, target, mutate, one, folder, seconds, seed)
        else:
            _plain(target, mutate, one, seconds, seed)


def _memory() -> str | None:
    """A folder in memory where there is one: each input is a file for a moment."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def _plain(target: Target, mutate: Any, one: Any, seconds: float, seed: int) -> None:
    random, inputs = Random(seed), target.inputs()  # noqa: S311 - no secret
    bodies = [parts[1] for raw in inputs if (parts := target.parts(raw))]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name, body = target.parts(random.choice(inputs)) or ("", b"")
        one(name.encode() + b"\n" + mutate(name, body, bodies, random)[:MOST_BYTES])


def _followed(
    atheris: Any, target: Target, mutate: Any, one: Any, folder: Path, seconds: float, seed: int
) -> None:
    corpus = folder / f"{target.name}.corpus"
    corpus.mkdir(exist_ok=True)
    for place, raw in enumerate(target.inputs()):
        (corpus / f"seed-{place:03}").write_bytes(raw)
    bodies = [parts[1] for raw in target.inputs() if (parts := target.parts(raw))]

    def mutator(raw: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311 - no secret
        name, body = target.parts(raw) or (random.choice(target.names), b"")
        room = most - len(name) - 1
        other = (
            atheris.Mutate(body[:room], room) if random.random() < 0.4 else mutate(name, body, bodies, random)
        )
        return name.encode() + b"\n" + bytes(other[:room])

    limits = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-max_len={MOST_BYTES}",
        "-timeout=60",
        "-rss_limit_mb=0",
    ]
    places = [f"-artifact_prefix={folder}/{target.name}-died-", str(corpus)]
    options = [sys.argv[0], f"-seed={seed}", *limits, "-len_control=0", "-print_final_stats=1", *places]
    atheris.Setup(options, one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
