"""What a run starts from: weights from a source, angles, a KV cache of some depth, the first token.

Every number is had by rows, so that a device packs a tensor block by block and no second copy of the
weights need exist; and every number can be had again, so that the reference sees what the device saw.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from runners.device import Contents, Numbers, element_type
from runners.kernels.sizes import Storage
from runners.step import Buffer, Step
from schemas.records import Model, Weights

START_TOKEN = 1


class WeightSource(Protocol):
    """Where weights come from: synthetic ones, or a checkpoint's."""

    @property
    def record(self) -> Weights:
        """Which weights these are, as a result file says it."""

    def rows(self, tensor: str, shape: tuple[int, ...], first: int, last: int) -> Numbers:
        """Rows [first, last) of a checkpoint's tensor of ``shape``, in the storage's NumPy type."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The bits of a bfloat16 that are random, and what is added: sign, exponent and mantissa in one go."""

    random: int
    base: int


_SIGNED = 0x81FF  # the sign, four exponents, all of the mantissa
MATRIX = Kind(_SIGNED, (127 - 8) << 7)  # ±2^-8 to ±2^-4: rms 0.028, which keeps activations near 1
BIAS = Kind(_SIGNED, (127 - 5) << 7)  # ±2^-5 to ±2^-1: a bias left out shows
NORM = Kind(0x000F, 0x3F78)  # 0.969 to 1.055: a norm's weight left out shows
CACHE = Kind(_SIGNED, (127 - 3) << 7)  # ±2^-3 to ±2: rms 0.88

_BLOCK_ROWS = 64


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Deterministic numbers, the same on every machine and in every storage type.

    A block of 64 rows of a matrix (a vector is one block) has its own generator, seeded by seed, tensor and
    block. Its raw bits become bfloat16 by two integer operations; the other storage types hold the same
    numbers exactly. NumPy keeps the raw streams of its bit generators, but not the distributions made of them.
    """

    seed: int
    storage: Storage

    @property
    def record(self) -> Weights:
        return Weights("synthetic", self.seed, None)

    def rows(self, tensor: str, shape: tuple[int, ...], first: int, last: int) -> Numbers:
        vector = BIAS if tensor.endswith(".bias") else NORM
        return self.drawn(tensor, MATRIX if len(shape) > 1 else vector, shape, first, last)

    def drawn(self, tensor: str, kind: Kind, shape: tuple[int, ...], first: int, last: int) -> Numbers:
        """Rows [first, last) of numbers of any kind."""
        rows, width = (_BLOCK_ROWS, shape[1]) if len(shape) > 1 else (shape[0], 1)
        bits = np.empty((max(last - first, 0), width), np.uint16)
        for block in range(first // rows, -(-last // rows)):
            start, stop = max(first, block * rows), min(last, (block + 1) * rows)
            found = self._block(tensor, kind, block, rows * width).reshape(rows, width)
            bits[start - first : stop - first] = found[start - block * rows : stop - block * rows]
        numbers = bits.view(element_type("stored", "bf16")).reshape(len(bits), *shape[1:])
        return numbers.astype(element_type("stored", self.storage), copy=False)

    def _block(self, tensor: str, kind: Kind, block: int, count: int) -> Numbers:
        """``count`` bfloat16 numbers as their bits."""
        name = int.from_bytes(hashlib.sha256(tensor.encode()).digest()[:8], "little")
        generator = np.random.SFC64(np.random.SeedSequence([self.seed, name, block]))
        raw = generator.random_raw(-(-count // 4)).astype("<u8", copy=False)
        four = 0x0001_0001_0001_0001  # a word is four numbers; no sum carries from one into the next
        raw &= np.uint64(kind.random * four)
        raw += np.uint64(kind.base * four)
        return raw.view("<u2")[:count]


def first_contents(model: Model, step: Step, source: WeightSource, depth_tokens: int, seed: int) -> Contents:
    """What each buffer of ``step`` but an activation holds before the first step at ``depth_tokens``.

    The cache's first ``depth_tokens`` rows are drawn by ``seed``, the same for every depth and capacity;
    the others are zero. A buffer of one number has no rows and is given whole.
    """
    drawn = Synthetic(seed, step.storage)
    tables = dict(zip(("cosines", "sines"), angles(model, step.capacity), strict=True))
    state = {"token": np.array(START_TOKEN, np.int32), "position": np.array(depth_tokens, np.int32)}

    def contents(buffer: Buffer, first: int, last: int) -> Numbers:
        match buffer.role:
            case "weight":
                return source.rows(buffer.tensor, buffer.shape, first, last)
            case "table":
                return tables[buffer.name][first:last]
            case "state":
                return state[buffer.name]
            case "cache":
                return _cache(drawn, buffer, depth_tokens, first, last)
        raise ValueError(f"an activation has no first contents (got {buffer.name})")

    return contents


def angles(model: Model, capacity: int) -> tuple[Numbers, Numbers]:
    """Cosines and sines of each position's rotary angles: (capacity, head_dim / 2), f32 of f64 angles."""
    pairs = np.arange(model.head_dim // 2, dtype=np.float64)
    frequencies = model.rope_theta ** (-2.0 * pairs / model.head_dim)
    turned = np.arange(capacity, dtype=np.float64)[:, None] * frequencies
    return np.cos(turned).astype(np.float32), np.sin(turned).astype(np.float32)


def _cache(drawn: Synthetic, buffer: Buffer, depth_tokens: int, first: int, last: int) -> Numbers:
    """Heads [first, last) of a cache (KV heads, capacity, head_dim)."""
    _, capacity, head_dim = buffer.shape
    numbers = np.zeros((last - first, capacity, head_dim), element_type("stored", drawn.storage))
    filled = (depth_tokens, head_dim)
    for head in range(first, last):
        name = f"{buffer.name}.{head}"
        numbers[head - first, :depth_tokens] = drawn.drawn(name, CACHE, filled, 0, depth_tokens)
    return numbers
