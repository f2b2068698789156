"""The loop of every worker: a job, then repetitions, until its input ends."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from runners.baselines.job import Job
from runners.device import RunnerError
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
                _answer(answers, repetition(decoder, json.loads(line)["repetition"]))
        except RunnerError as error:
            _answer(answers, {"error": str(error)})


def repetition(decoder: Decoder, steps: int) -> dict[str, list[int]]:
    """``steps`` greedy steps, each timed from its token to the next one."""
    decoder.restart()
    token, step_ns, tokens = START_TOKEN, [], []
    for _ in range(steps):
        started_ns = time.perf_counter_ns()
        token = decoder.step(token)
        step_ns.append(time.perf_counter_ns() - started_ns)
        tokens.append(token)
    return {"step_ns": step_ns, "tokens": tokens}


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)
