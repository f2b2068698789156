"""What a baseline's worker is told: plain data, as it goes from one process to the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runners.checkpoint import Checkpoint
from runners.kernels.sizes import Storage
from runners.weights import START_TOKEN, Synthetic, WeightSource
from schemas.records import Model, Reference


@dataclass(frozen=True, slots=True)
class Job:
    """One workload. Weights are those of ``weights_folder``, or synthetic ones of ``seed``.

    ``runner`` is the one beside which the baseline runs, on the same device, and ``settings`` are that one's.
    """

    model: Model
    storage: Storage
    depth_tokens: int
    steps: int
    runner: str
    settings: dict[str, int]
    seed: int | None
    weights_folder: Path | None
    cache_folder: Path

    @property
    def weights(self) -> WeightSource:
        """The weights, read or made in the process that asks."""
        if self.weights_folder is not None:
            return Checkpoint(self.weights_folder, self.model, self.storage)
        return Synthetic(self.seed or 0, self.storage)

    @property
    def threads(self) -> int:
        """Threads of the host: as many as ours has."""
        return self.settings.get("threads", 1)

    @property
    def prompt(self) -> list[int]:
        """The tokens of the cache when a repetition starts: any, as time does not depend on them."""
        return [(START_TOKEN + 7 * place) % self.model.vocab_size for place in range(self.depth_tokens)]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        folders = {"weights_folder": self.weights_folder, "cache_folder": self.cache_folder}
        return {**asdict(self), **{name: path and str(path) for name, path in folders.items()}}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Job:
        """The job that :meth:`to_json` told."""
        model = Model(**{**told["model"], "source": Reference(**told["model"]["source"])})
        folder = told["weights_folder"]
        paths = {
            "weights_folder": Path(folder) if folder else None,
            "cache_folder": Path(told["cache_folder"]),
        }
        return cls(**{**told, "model": model, **paths})
