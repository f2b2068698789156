"""What every emitted kernel is run on: sizes tiny, odd and true, positions from the first to far, fresh inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import yaml

from runners.kernels.expr import Array
from runners.kernels.sizes import MICROBENCHMARK, Sizes, Storage, step_sizes
from runners.kernels.source import KERNELS

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "data" / "models" / "deepseek-r1-distill-qwen-1.5b.yml"
DTYPES: dict[Storage, Any] = {"bf16": ml_dtypes.bfloat16, "f16": np.float16, "f32": np.float32}
_MOST_DRAWN = 4_000_037  # a prime: a large matrix repeats its numbers, but no row equals another
STRESSED_ROWS = {"softmax": 50.0, "layernorm": 3e-3, "rms_norm": 1e-3, "residual_add_rms_norm": 1e-3}
"""Every other row is of numbers whose exponentials overflow, or so small that eps matters."""
POSITIONS = (0, 1, 128, 2047)


@dataclass(frozen=True, slots=True)
class Case:
    """One kernel at one set of sizes; ``position`` and ``capacity`` matter where an axis is dynamic."""

    kernel: str
    sizes: Sizes
    position: int = 0
    capacity: int = 1

    def __str__(self) -> str:
        lengths = "x".join(map(str, self.sizes.lengths.values()))
        at = f"@{self.position}" if self.dynamic else ""
        return f"{self.kernel}-{lengths}{at}"

    @property
    def dynamic(self) -> bool:
        """Whether the kernel has an axis of tokens."""
        return any(axis.dynamic for axis in KERNELS[self.kernel].axes)

    def inputs(self, storage: Storage, seed: int = 0) -> dict[str, Any]:
        """All arrays: inputs drawn afresh, outputs poisoned; caches hold numbers up to the position.

        Beyond the position a cache is poisoned, so that reading there shows.
        """
        kernel, rng = KERNELS[self.kernel], np.random.default_rng(seed)
        arrays = {array.name: self._drawn(array, rng, storage) for array in kernel.arrays}
        for array in kernel.outputs:
            if not any(axis.dynamic for axis in array.axes):
                arrays[array.name][...] = -1 if array.element == "i32" else np.nan
        return arrays

    def _drawn(self, array: Array, rng: np.random.Generator, storage: Storage) -> Any:
        shape = self.sizes.shape(array.axes, self.capacity)
        if array.element == "i32":
            return np.array(
                self.position if array.name == "position" else rng.integers(self._tokens()), np.int32
            )
        size = math.prod(shape)
        numbers = np.resize(rng.standard_normal(min(size, _MOST_DRAWN), np.float32), shape)
        if array.axes[:1] and array.axes[0].name == "rows":
            numbers[1::2] *= STRESSED_ROWS.get(self.kernel, 1.0)
        for place, axis in enumerate(array.axes):
            if axis.dynamic:
                numbers[(slice(None),) * place + (slice(self.position + 1, None),)] = np.nan
        return numbers.astype(DTYPES[storage] if array.element == "stored" else np.float32)

    def _tokens(self) -> int:
        return self.sizes.lengths.get("vocab", 1)


def relative_error(expected: Any, got: Any) -> float:
    """||got − expected|| / ||expected||, in float64; infinite where the NaNs are not at the same places."""
    expected, got = np.asarray(expected, np.float64), np.asarray(got).astype(np.float64)
    hole = np.isnan(expected)
    if expected.shape != got.shape or not np.array_equal(hole, np.isnan(got)):
        return float("inf")
    difference = float(np.linalg.norm((got - expected)[~hole]))
    return difference / max(float(np.linalg.norm(expected[~hole])), 1e-30)


def compare(expected: dict[str, Any], got: dict[str, Any]) -> dict[str, float]:
    """Output name to :func:`relative_error`."""
    return {name: relative_error(numbers, got[name]) for name, numbers in expected.items()}


def bound(kernel: str, output: str, storage: Storage) -> float:
    """What an output may be off: sums are in f32 of exactly representable inputs; a stored output is rounded."""
    array = next(array for array in KERNELS[kernel].outputs if array.name == output)
    return 4e-3 if array.element == "stored" and storage != "f32" else 1e-5


def _config(**changed: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**yaml.safe_load(MODEL.read_text("utf-8")), **changed})


def _dynamic(name: str) -> bool:
    return any(axis.dynamic for axis in KERNELS[name].axes)


def _cases(sizes: dict[str, Sizes], positions: tuple[int, ...]) -> list[Case]:
    return [
        Case(name, found, position, position + 1 + position % 7)
        for name, found in sizes.items()
        for position in (positions if _dynamic(name) else (0,))
    ]


TINY_CONFIGS = (
    _config(hidden_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=16, intermediate_size=96,
            vocab_size=256),
    _config(hidden_size=67, num_attention_heads=3, num_key_value_heads=1, head_dim=10, intermediate_size=129,
            vocab_size=131),
    _config(hidden_size=1, num_attention_heads=1, num_key_value_heads=1, head_dim=2, intermediate_size=3,
            vocab_size=2),
)  # fmt: skip
TINY_ROWS = tuple(
    Sizes({"rows": rows, "cols": cols}) for rows, cols in ((1, 1), (3, 67), (5, 128), (2, 1025))
)
MANY_ROWS = Sizes({"rows": 3, "cols": 200}, {"rms_norm_eps": 1e-6})

TINY: list[Case] = [
    *(case for config in TINY_CONFIGS for case in _cases(step_sizes(config), POSITIONS)),
    *(Case(name, sizes) for sizes in TINY_ROWS for name in ("softmax", "layernorm", "gelu", "silu")),
    Case("rms_norm", MANY_ROWS),
    Case("residual_add_rms_norm", MANY_ROWS),
]
TRUE: list[Case] = [
    *_cases(step_sizes(_config()), (192,)),
    *(Case(name, MICROBENCHMARK) for name in ("softmax", "layernorm", "gelu", "silu")),
]
"""The published model's shapes, at the depth that the protocol ends at, and the microbenchmarks' largest."""
