"""llama.cpp through its own C API, with its default settings but for the threads and the room of the cache.

Beside a GPU all layers are on that GPU, and on no other.
"""

from __future__ import annotations

import ctypes
from importlib.metadata import version
from typing import Any

import llama_cpp
import numpy as np

from runners.baselines.gguf_file import kept_file
from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.device import RunnerError

_PREFILLED_AT_ONCE = 512
_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_WITHOUT = "measure without it"
_BUILD = (
    "CMAKE_ARGS=-DGGML_{}=on pip install --constraint constraints.txt --force-reinstall --no-deps --no-cache-dir "
    "--no-binary llama-cpp-python llama-cpp-python"
)


class Llama:
    """The loaded model and a context whose cache holds the job's prompt."""

    def __init__(self, job: Job) -> None:
        self._depth_tokens, self._vocab_size = job.depth_tokens, job.model.vocab_size
        self._said: list[str] = []
        self._listen = llama_cpp.llama_log_callback(self._hear)
        llama_cpp.llama_log_set(self._listen, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        _refuse_a_build_without(job)
        path = kept_file(job)
        model = llama_cpp.llama_model_load_from_file(bytes(path), _placed(job))
        if not model:
            raise RunnerError(f"{path}: file: is not loaded by llama.cpp (got: {self._errors}); {_WITHOUT}")
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = job.depth_tokens + job.steps + 1
        settings.n_threads = settings.n_threads_batch = job.threads
        self._context = llama_cpp.llama_init_from_model(model, settings)
        if not self._context:
            raise RunnerError(f"--baseline: llama.cpp makes no context (got: {self._errors}); {_WITHOUT}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        for first in range(0, job.depth_tokens, _PREFILLED_AT_ONCE):
            self._decode(job.prompt[first : first + _PREFILLED_AT_ONCE])

    @property
    def versions(self) -> dict[str, str]:
        return {"llama-cpp-python": version("llama-cpp-python"), "gguf": version("gguf")}

    def restart(self) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, 0, self._depth_tokens, -1)

    def step(self, token: int) -> int:
        self._decode([token])
        logits = llama_cpp.llama_get_logits_ith(self._context, -1)
        return int(np.ctypeslib.as_array(logits, (self._vocab_size,)).argmax())

    def _decode(self, tokens: list[int]) -> None:
        """Add ``tokens`` to the cache, after those that are there."""
        ids = (llama_cpp.llama_token * len(tokens))(*tokens)
        status = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(ids, len(tokens)))
        if status:
            raise RunnerError(f"--baseline: llama.cpp does not decode (got status {status}); {_WITHOUT}")

    def _hear(self, level: int, text: bytes, _: object) -> None:
        """llama.cpp's errors are kept for ours to quote; the rest of what it says is not wanted."""
        if level == _ERROR:
            self._said.append(text.decode("utf-8", "replace").strip())

    @property
    def _errors(self) -> str:
        return " / ".join(self._said) or "nothing said"


def _refuse_a_build_without(job: Job) -> None:
    if job.runner != "cpu" and not llama_cpp.llama_supports_gpu_offload():
        build = _BUILD.format(job.runner.upper())
        raise RunnerError(f"--baseline: llama.cpp is built for the CPU alone (got no {job.runner}); {build}")


def _placed(job: Job) -> Any:
    """Where the model's layers go: to the run's GPU, the head too."""
    settings = llama_cpp.llama_model_default_params()
    if job.runner != "cpu":
        settings.n_gpu_layers = job.model.num_hidden_layers + 1
        settings.split_mode = llama_cpp.LLAMA_SPLIT_MODE_NONE
        settings.main_gpu = job.settings.get("gpu", 0)
    return settings


DECODER = Llama

if __name__ == "__main__":
    serve(DECODER)
