"""Tiles and memory of ones, for tests of the NKI simulators."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.simulators.nki.memory import Storage
from tests.simulators.nki.packages.neuronxcc.nki import isa as isa1
from tests.simulators.nki.packages.neuronxcc.nki import language as nl1
from tests.simulators.nki.packages.nki import isa
from tests.simulators.nki.packages.nki import language as nl


def sbuf(*shape: int, dtype: Any = nl.float32) -> nl.NkiTensor:
    tile = nl.ndarray(shape, dtype)
    isa.memset(tile, 1)
    return tile


def psum(*shape: int, dtype: Any = nl.float32) -> nl.NkiTensor:
    return nl.ndarray(shape, dtype, buffer=nl.psum)


def memory(*shape: int, dtype: Any = np.float32) -> nl.NkiTensor:
    return nl.NkiTensor(np.ones(shape, dtype), Storage("hbm"))


def on_trn1(*shape: int, dtype: Any = nl1.float32) -> nl1.tensor:
    return isa1.memset(shape, 1, dtype)


def in_memory(*shape: int, dtype: Any = np.float32) -> nl1.tensor:
    return nl1.tensor(np.ones(shape, dtype), Storage("hbm"))


def held(count: int, shape: tuple[int, int], buffer: str) -> list[nl.NkiTensor]:
    return [nl.ndarray(shape, nl.float32, buffer=buffer) for _ in range(count)]
