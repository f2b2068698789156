"""Other stacks decode beside ours, each in a worker process: its memory, threads and crashes stay its own.

The worker reads lines of JSON and answers each with one: a job, answered ``{"ready": true, "versions": {…}}``;
then ``{"repetition": 64}``, answered ``{"step_ns": […], "tokens": […]}``; the end of its input ends it. What a
person can mend is answered ``{"error": "…"}``. A worker waits in a blocking read, so that it uses no processor
between repetitions: OpenMP's threads sleep after some milliseconds of spinning, whatever the person's own
settings of it, which the worker does not inherit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol, Self

import platformdirs

from runners.baselines import stacks
from runners.baselines.job import Job
from runners.baselines.worker import Decoder, repetition
from runners.device import Ran, RunnerError
from runners.kernels.sizes import Storage
from runners.measure import Plan
from runners.weights import WeightSource
from schemas.records import Model

CACHE_FOLDER = Path(platformdirs.user_cache_dir("decode-board")) / "gguf"
_THREADING = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_")
_CLOSING_S = 5.0
_TOLD_LINES = 8


class Running(Protocol):
    """A baseline that has loaded its weights. Leaving the context ends it."""

    name: str
    versions: dict[str, str]

    def repetition(self, steps: int) -> Ran: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Options(Protocol):
    """What a baseline must know of a run."""

    @property
    def model(self) -> Model: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def depth_tokens(self) -> int: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def weights(self) -> WeightSource: ...
    @property
    def weights_folder(self) -> Path | None: ...
    @property
    def runner(self) -> str: ...
    @property
    def settings(self) -> dict[str, int]: ...


def start(name: str, options: Options, cache_folder: Path = CACHE_FOLDER) -> Running:
    """Start the baseline ``name`` on the workload of ``options``; returns when it has loaded its weights."""
    stack = stacks.STACKS[name]
    if lacking := stacks.missing(stack):
        raise RunnerError(
            f"--baseline: {name} cannot run here (got: {lacking} not installed); {stack.install}"
        )
    job = Job(
        model=options.model,
        storage=options.storage,
        depth_tokens=options.depth_tokens,
        steps=options.plan.steps,
        runner=options.runner,
        settings=options.settings,
        seed=options.weights.record.seed,
        weights_folder=options.weights_folder,
        cache_folder=cache_folder,
    )
    return Beside(name, stack.module, job) if stack.in_process else Baseline(name, stack.module, job)


class Beside:
    """A baseline in our own process, for a device that no second one may open. Leaving the context forgets it."""

    def __init__(self, name: str, module: str, job: Job) -> None:
        self.name = name
        self._decoder: Decoder | None = import_module(module).DECODER(job)
        self.versions: dict[str, str] = self._decoder.versions

    def repetition(self, steps: int) -> Ran:
        """``steps`` decode steps from the job's depth on."""
        assert self._decoder, "in use only within its context"
        return repetition(self._decoder, steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._decoder = None


class Baseline:
    """A running worker. Leaving the context ends it."""

    def __init__(self, name: str, module: str, job: Job) -> None:
        self.name = name
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._worker = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(job.runner),
            text=True,
            start_new_session=True,  # an interrupt is for us, who then end it
        )
        try:
            self.versions: dict[str, str] = self._ask(job.to_json())["versions"]
        except BaseException:
            self.close()
            raise

    def repetition(self, steps: int) -> Ran:
        """``steps`` decode steps from the job's depth on."""
        answer = self._ask({"repetition": steps})
        return Ran(answer["step_ns"], answer["tokens"])

    def close(self) -> None:
        """End the worker, by force if it does not end by itself."""
        assert self._worker.stdin
        assert self._worker.stdout
        with suppress(BrokenPipeError):
            self._worker.stdin.close()
        try:
            self._worker.wait(_CLOSING_S if self._worker.poll() is None else 0)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
        self._worker.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._worker.stdin
        assert self._worker.stdout
        try:
            print(json.dumps(message), file=self._worker.stdin, flush=True)
        except BrokenPipeError:
            raise RunnerError(self._last_words()) from None
        line = self._worker.stdout.readline()
        if not line:
            raise RunnerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RunnerError(answer["error"])
        return answer

    def _last_words(self) -> str:
        """That the worker died, its exit status, and the last lines that it wrote."""
        status = self._worker.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()[-_TOLD_LINES:]
        said = "".join(f"\n  {line[:200]}" for line in lines)
        return f"--baseline: {self.name} stopped (got exit status {status}); measure without it, or see why:{said}"


def _environment(runner: str) -> dict[str, str]:
    """Ours, without settings of threads and without the network; beside a CPU also without other devices."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_THREADING)}
    no_devices = {"CUDA_VISIBLE_DEVICES": "", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"} if runner == "cpu" else {}
    return {**kept, **no_devices, "HF_HUB_OFFLINE": "1"}
