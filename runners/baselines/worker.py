"""The loop of every worker: a job, then repetitions, until its input ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from runners.baselines.job import Job
from runners.device import Ran, RunnerError, timed_steps
from runners.weights import START_TOKEN


class Decoder(Protocol):
    """A stack that has loaded its weights and filled its cache."""

    @property
    def versions(self) -> dict[str, str]:
        """Package to version."""

    def restart(self) -> None:
        """Cut the cache back to the job's depth."""

    def step(self, token: int) -> int:
        """One decode step: a token in, the greedy next one out, on the host."""


def serve(load: Callable[[Job], Decoder]) -> None:
    """Answer on standard output, which from here on is ours alone: what a library prints goes to the errors."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        try:
            job = Job.from_json(json.loads(sys.stdin.readline()))
            decoder = load(job)
            _answer(answers, {"ready": True, "versions": decoder.versions})
            for line in sys.stdin:
                _answer(answers, asdict(repetition(decoder, json.loads(line)["repetition"])))
        except RunnerError as error:
            _answer(answers, {"error": str(error)})


def repetition(decoder: Decoder, steps: int) -> Ran:
    """``steps`` greedy steps, each timed from its token to the next one."""
    decoder.restart()
    token = START_TOKEN

    def step() -> int:
        nonlocal token
        token = decoder.step(token)
        return token

    return timed_steps(steps, step)


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)
