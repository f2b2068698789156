"""PyTorch as fast as it comes: Hugging Face's Qwen2 over a static cache, compiled, its whole step one CUDA graph.

``torch.compile`` with ``fullgraph`` fails where it cannot compile all of the step. Its slowest mode to compile, for
the fastest code, tries each matrix in several kernels and keeps the best. That mode's other half makes CUDA graphs
by itself, but falls back without them where it finds a reason, with a log message at most. So the graph is
recorded here, of the compiled step: what is replayed is that graph or nothing. Token, position and cache stay at
their addresses: the step ends by writing its token to where it begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
import transformers

from runners.baselines.job import Job
from runners.baselines.pytorch import TYPES, device_of, loaded_model, loading
from runners.baselines.worker import serve

_MODE = "max-autotune-no-cudagraphs"
_WARM_UP = 3  # calls before a step is recorded: compilation, autotuning and libraries' workspaces


class Compiled:
    """The compiled step, recorded where the device is a GPU, and a cache of the job's prompt."""

    def __init__(self, job: Job, backend: str = "inductor") -> None:
        torch.set_num_threads(job.threads)
        self._device, self._backend, self._depth_tokens = device_of(job), backend, job.depth_tokens
        with loading(), torch.no_grad():
            self._model = loaded_model(job, self._device)
            self._cache = self._empty_cache(job)
            self._token = torch.zeros((1, 1), dtype=torch.long, device=self._device)
            if job.prompt:
                prompt = torch.tensor([job.prompt], device=self._device)
                self._model(input_ids=prompt, past_key_values=self._cache, logits_to_keep=1)
            compiled = torch.compile(
                self._one_step, fullgraph=True, dynamic=False, backend=backend, mode=_MODE
            )
            self._step = self._recorded(compiled)
        self.restart()

    def _empty_cache(self, job: Job) -> Any:
        """Of a fixed size, at fixed addresses before anything is compiled."""
        cache = transformers.StaticCache(
            config=self._model.config, max_cache_len=job.depth_tokens + max(job.steps, _WARM_UP)
        )
        heads, width = job.model.num_key_value_heads, job.model.head_dim
        cache.early_initialization(1, heads, width, TYPES[job.storage], self._device)
        return cache

    def _one_step(self) -> None:
        """The token's successor takes its place."""
        logits = self._model(input_ids=self._token, past_key_values=self._cache, logits_to_keep=1).logits
        self._token.copy_(logits[:, -1].argmax(-1, keepdim=True))

    def _recorded(self, step: Callable[[], None]) -> Callable[[], None]:
        """``step`` as a CUDA graph, after calls on another stream, as recording asks; on a CPU, as it is."""
        if self._device.type != "cuda":
            return step
        aside = torch.cuda.Stream(self._device)
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                self.restart()
                step()
        torch.cuda.current_stream(self._device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        replay: Callable[[], None] = graph.replay
        return replay

    @property
    def versions(self) -> dict[str, str]:
        how = "of the compiled step" if self._device.type == "cuda" else "none"
        return {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "torch.compile": f"{self._backend}, {_MODE}",
            "CUDA graph": how,
        }

    def restart(self) -> None:
        for layer in self._cache.layers:
            layer.cumulative_length.fill_(self._depth_tokens)
        self._told: int | None = None

    def step(self, token: int) -> int:
        with torch.no_grad():
            if token != self._told:
                self._token.fill_(token)
            self._step()
            self._told = int(self._token)
        return self._told


DECODER = Compiled

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(DECODER)
