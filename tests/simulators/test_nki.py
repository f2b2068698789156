"""The NKI simulators refuse what the hardware or the compiler would, in both packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.simulators.nki.memory import Chip, RefusedError
from tests.simulators.nki.packages.neuronxcc import nki as trn1
from tests.simulators.nki.packages.neuronxcc.nki import language as nl1
from tests.simulators.nki.packages.nki import isa, jit
from tests.simulators.nki.packages.nki import language as nl
from tests.simulators.nki.tiles import held, in_memory, memory, on_trn1, psum, sbuf

Act = Callable[[], Any]


@pytest.fixture(autouse=True)
def _fresh_chip() -> None:
    Chip.current = Chip()


def product(stationary: nl.NkiTensor, moving: nl.NkiTensor, **accumulate: Any) -> None:
    isa.nc_matmul(psum(stationary.shape[1], moving.shape[1]), stationary, moving, **accumulate)


def added_without_a_product() -> None:
    sums = nl1.zeros((2, 2), nl1.float32, buffer=nl1.psum)
    sums += nl1.zeros((2, 2), nl1.float32, buffer=nl1.psum)


def assigned_in_another_type() -> None:
    tile = nl1.ndarray((2, 2), nl1.bfloat16)
    tile[...] = on_trn1(2, 2)


BF16, F16 = nl.bfloat16, nl.float16
REFUSED: dict[str, tuple[Act, str]] = {
    # memories
    "a tile of 129 partitions": (lambda: sbuf(129, 1), "at most 128 partitions"),
    "a tile without columns": (lambda: sbuf(128), "partitions and columns"),
    "a PSUM tile beyond its bank": (lambda: psum(1, 513), "2048 bytes"),
    "nine PSUM tiles": (lambda: held(9, (1, 512), nl.psum), "8 banks"),
    "more than SBUF holds": (lambda: held(3, (128, 16 << 10), nl.sbuf), "180224 bytes"),
    "columns past the end": (lambda: sbuf(2, 8)[:, nl.ds(4, 5)], "out of bounds"),
    "a slice past the end": (lambda: memory(4, 4)[2:5, :], "out of bounds"),
    "a place past the end": (lambda: memory(4, 4)[4, :], "out of bounds"),
    "a memory of another name": (lambda: nl.ndarray((2, 2), nl.float32, buffer="hbm2"), "no memory"),
    "partitions reshaped": (lambda: sbuf(4, 4).reshape((2, 8)), "partitions cannot"),
    "partitions repeated": (lambda: sbuf(1, 4).broadcast(0, 2), "partitions cannot"),
    "a part of a number as a whole one": (
        lambda: isa.tensor_scalar(sbuf(1, 1, dtype=nl.int32), sbuf(1, 1), nl.multiply, 0.5),
        "no whole number",
    ),
    # engines
    "an engine on memory": (lambda: isa.tensor_copy(memory(2, 2), sbuf(2, 2)), "does not reach memory"),
    "partitions from 16 on": (lambda: isa.tensor_copy(sbuf(16, 2), sbuf(32, 2)[16:32, :]), "0, 32, 64 or 96"),
    "33 partitions from 32 on": (
        lambda: isa.tensor_copy(sbuf(33, 2), sbuf(65, 2)[32:65, :]),
        "at most 32 partitions from 32",
    ),
    "across partitions": (
        lambda: isa.tensor_tensor(sbuf(2, 2), sbuf(2, 2), sbuf(1, 2), nl.add),
        "must be the same",
    ),
    "two operands in PSUM": (
        lambda: isa.tensor_tensor(sbuf(2, 2), psum(2, 2), psum(2, 2), nl.add),
        "both operands",
    ),
    "a function as an operator": (
        lambda: isa.tensor_tensor(sbuf(2, 2), sbuf(2, 2), sbuf(2, 2), nl.exp),
        "no operator",
    ),
    "an operator as a function": (lambda: isa.activation(sbuf(2, 2), nl.add, sbuf(2, 2)), "no function"),
    "rsqrt of nothing": (lambda: isa.activation(sbuf(1, 1), nl.rsqrt, memory_tile(0.0)), "2\\^-87"),
    "a bf16 column as operand": (
        lambda: isa.tensor_scalar(sbuf(2, 2), sbuf(2, 2), nl.add, sbuf(2, 1, dtype=BF16)),
        "an operand is f32",
    ),
    "an operand of many columns": (
        lambda: isa.tensor_scalar(sbuf(2, 2), sbuf(2, 2), nl.add, sbuf(2, 2)),
        "one for each",
    ),
    "partitions reduced": (
        lambda: isa.tensor_reduce(sbuf(2, 1), nl.add, sbuf(2, 2), 0, keepdims=True),
        "columns are",
    ),
    "a comparison as reduction": (
        lambda: isa.tensor_reduce(sbuf(2, 1), nl.equal, sbuf(2, 2), 1, keepdims=True),
        "no reduction",
    ),
    "a predicate of f32": (lambda: isa.tensor_copy_predicated(sbuf(2, 2), 0.0, sbuf(2, 2)), "unsigned"),
    "a whole number where f32 is": (
        lambda: isa.tensor_copy_predicated(sbuf(2, 2), 1, sbuf(2, 2, dtype=nl.uint8)),
        "1 into float32",
    ),
    "a pattern of other columns": (lambda: isa.iota(sbuf(2, 2), [[1, 3]]), "does not fit"),
    # Tensor Engine
    "129 stationary columns": (lambda: product(sbuf(2, 129), sbuf(2, 2)), "128 "),
    "513 moving columns": (lambda: product(sbuf(2, 2), sbuf(2, 513)), "2048 bytes|512 moving"),
    "f32 times bf16": (lambda: product(sbuf(2, 2), sbuf(2, 2, dtype=BF16)), "f32 only"),
    "operands of other partitions": (lambda: product(sbuf(2, 2), sbuf(3, 2)), "partitions differ"),
    "an operand in PSUM": (lambda: product(psum(2, 2), sbuf(2, 2)), "are in SBUF"),
    "a product to SBUF": (lambda: isa.nc_matmul(sbuf(2, 2), sbuf(2, 2), sbuf(2, 2)), "goes to PSUM"),
    "a product in bf16": (lambda: isa.nc_matmul(psum(2, 2, dtype=BF16), sbuf(2, 2), sbuf(2, 2)), "in f32"),
    "whole numbers multiplied": (
        lambda: product(sbuf(2, 2, dtype=nl.int32), sbuf(2, 2, dtype=nl.int32)),
        "no product",
    ),
    "a product added to nothing": (
        lambda: product(sbuf(2, 2), sbuf(2, 2), accumulate=True),
        "nothing to add",
    ),
    "an infinity turned": (lambda: isa.nc_transpose(psum(1, 1), memory_tile(np.inf)), "does not pass"),
    "a transposition to SBUF": (lambda: isa.nc_transpose(sbuf(2, 2), sbuf(2, 2)), "SBUF to PSUM"),
    "a transposition to another type": (
        lambda: isa.nc_transpose(psum(2, 2), sbuf(2, 2, dtype=BF16)),
        "the type",
    ),
    "129 columns turned": (lambda: isa.nc_transpose(psum(128, 2), sbuf(2, 129)), "128 columns"),
    # DMA
    "a DMA from PSUM": (lambda: isa.dma_copy(memory(2, 2), psum(2, 2)), "a DMA from psum"),
    "a DMA to another type": (lambda: isa.dma_copy(sbuf(2, 2, dtype=F16), memory(2, 2)), "from float32 to"),
    "a DMA to another shape": (lambda: isa.dma_copy(sbuf(2, 2), memory(4, 1)), "does not fit"),
    "a row past the end": (
        lambda: memory(1, 2).vector_select(0, sbuf(1, 1, dtype=nl.int32)),
        "row \\[1\\] of 1",
    ),
    "a row chosen by f32": (lambda: memory(2, 2).vector_select(0, sbuf(1, 1)), "i32"),
    "two partitions to one row": (
        lambda: isa.dma_copy(memory(2, 2).vector_select(0, sbuf(2, 1, dtype=nl.int32)), sbuf(2, 2)),
        "two partitions",
    ),
    # neuronxcc
    "a result assigned in another type": (assigned_in_another_type, "assigned to bfloat16"),
    "no product added up": (added_without_a_product, "only products"),
    "a counter compared": (lambda: min(3, *nl1.affine_range(2)), "not known"),
    "a place that is no number": (lambda: in_memory(2, 2)[0.5], "must be a number"),
    "an arange of one axis": (
        lambda: in_memory(2, 2)[on_trn1(1, 1, dtype=nl1.int32), nl1.arange(2)],
        "whole rows",
    ),
    "some columns of chosen rows": (
        lambda: in_memory(2, 2)[on_trn1(1, 1, dtype=nl1.int32), nl1.arange(1)[None, :]],
        "whole rows",
    ),
    "many partitions broadcast": (lambda: nl1.broadcast_to(on_trn1(2, 1), shape=(4, 1)), "not one partition"),
    "memory assigned to": (lambda: in_memory(2, 2).__setitem__(Ellipsis, on_trn1(2, 2)), "by nl.store"),
    "a kernel without a device": (lambda: trn1.jit(_copied)(np.ones((2, 2))), "no device"),
    "a later kernel without a device": (lambda: jit(_copied)(np.ones((2, 2))), "no device"),
}


def memory_tile(value: float) -> nl.NkiTensor:
    tile = nl.ndarray((1, 1), nl.float32)
    isa.memset(tile, value)
    return tile


def _copied(x):  # type: ignore[no-untyped-def]
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    act, why = REFUSED[name]
    with pytest.raises(RefusedError, match=why):
        act()
