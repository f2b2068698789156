"""A worker whose stack counts up from each token, and prints where it should not."""

from __future__ import annotations

import os
import sys

from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.device import RunnerError


class Counting:
    """Dies at the job's seed, if that is a token that it comes to; refuses a job without threads."""

    versions = {"counting": "1"}  # noqa: RUF012 - as a Decoder has it

    def __init__(self, job: Job) -> None:
        print("loading", flush=True)
        os.write(1, b"a C library speaks\n")
        if not job.threads:
            raise RunnerError("threads: must be 1 or more (got 0); give --threads")
        self.job, self.restarts = job, 0

    def restart(self) -> None:
        self.restarts += 1

    def step(self, token: int) -> int:
        print("step", flush=True)
        if token == self.job.seed:
            sys.exit("the stack\nfell over")
        return token + self.restarts


DECODER = Counting

if __name__ == "__main__":
    serve(DECODER)
