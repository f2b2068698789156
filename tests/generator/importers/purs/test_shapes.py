"""Shapes as files spell them: each spelling has one meaning or is refused."""

from __future__ import annotations

import pytest

from generator.importers.purs.cells import Refused
from generator.importers.purs.names import Names, read_names
from generator.importers.purs.shapes import shape_of
from tests.generator.examples import REPOSITORY


@pytest.fixture(scope="module")
def names() -> Names:
    return read_names(REPOSITORY / "data")


def lengths(names: Names, kernel: str, text: str, batch: int = 1) -> tuple[int, ...]:
    return tuple(shape_of(text, names.shapes[names.kernels[kernel].shape], batch).values())


@pytest.mark.parametrize(
    "text",
    ["[1, 1024]", "[1,1024]", "(1, 1024)", "1x1024", "1 x 1024", "1×1024", "1 × 1024", "1*1024", "1024", "[1024]",
     " [1, 1024] ", "1, 1024", "1;1024", "[1 1024]", "1X1024", "B=1,D=1024", "R=1, C=1024", "rows=1,cols=1024",
     "N=1024", "B=1 D=1024", "B=1 x D=1024", "b:1,d:1024", "[B=1, D=1024]", "[1\u00a0,\u00a01024]", "１x１０２４"],
)  # fmt: skip
def test_one_row_of_1024_has_many_spellings(names: Names, text: str) -> None:
    assert lengths(names, "softmax", text) == (1, 1024)


@pytest.mark.parametrize(
    ("kernel", "text", "batch", "shape"),
    [
        ("softmax", "[64, 1024]", 64, (64, 1024)),
        ("softmax", "1024", 64, (64, 1024)),
        ("gelu", "[2, 400, 512]", 1, (800, 512)),
        ("silu", "[2, 3, 4, 5]", 1, (24, 5)),
        ("vq_quantize", "N=256,K=512,D=64", 1, (256, 512, 64)),
        ("exp", "B=2,S=400,D=512", 1, (800, 512)),
        ("matmul", "[1024, 1024]", 1, (1024, 1024, 1024)),
        ("matmul", "256", 1, (256, 256, 256)),
        ("matmul", "256x256x256", 1, (256, 256, 256)),
        ("matmul", "[1024, 1024] x [1024, 4096]", 1, (1024, 4096, 1024)),
        ("matmul", "[2048,8192]×[8192,2048]", 1, (2048, 2048, 8192)),
        ("matmul", "M=1,N=2,K=3", 1, (1, 2, 3)),
        ("matmul", "K=3, M=1, N=2", 1, (1, 2, 3)),
        ("attention", "B=1,H=12,S=512,D=64", 1, (1, 12, 512, 64)),
        ("attention", "[1, 12, 512, 64]", 1, (1, 12, 512, 64)),
        ("attention", "H=12,S=512,D=64", 1, (1, 12, 512, 64)),
        ("rope", "B=32,S=64,D=128", 1, (32, 64, 128)),
        ("rope", "[32, 64, 128]", 1, (32, 64, 128)),
        ("rope", "B=2,H=12,S=64,D=128", 1, (24, 64, 128)),
        ("rope", "[2, 12, 64, 128]", 1, (24, 64, 128)),
        ("embedding", "N=32,V=32000,D=4096", 1, (32, 32000, 4096)),
        ("embedding", "[32, 32000, 4096]", 1, (32, 32000, 4096)),
        ("softmax", "B=1,H=12,S=512,D=64", 1, (6144, 64)),
        ("rope", "H=12,S=64,D=128", 1, (12, 64, 128)),
        ("cross_entropy", "B=32,C=50257", 1, (32, 50257)),
        ("causal_mask", "[1, 12, 64, 64]", 1, (12, 64)),
        ("causal_mask", "[64]", 1, (1, 64)),
        ("causal_mask", "[64, 64]", 1, (1, 64)),
        ("causal_mask", "[12, 64, 64]", 1, (12, 64)),
        ("causal_mask", "B=2,H=12,S=64", 1, (24, 64)),
        ("cross_entropy", "[32, 50257]", 1, (32, 50257)),
        ("cross_entropy", "N=32,V=50257", 1, (32, 50257)),
    ],
)
def test_a_shape_is_read_by_its_kernel(
    names: Names, kernel: str, text: str, batch: int, shape: tuple[int, ...]
) -> None:
    assert lengths(names, kernel, text, batch) == shape


@pytest.mark.parametrize(
    ("kernel", "text", "why"),
    [
        ("matmul", "[1024, 4096]", "two lengths for the axis m"),
        ("matmul", "[64, 32, 16]", "two lengths for the axis m"),
        ("matmul", "[2, 3] x [4, 5]", "two lengths for the axis k"),
        ("matmul", "[2, 3, 4] x [4, 5]", "not one of two matrices"),
        ("softmax", "[2, 3] x [3, 5]", "is a product"),
        ("attention", "[512, 64]", "has 2 lengths"),
        ("attention", "S=512,D=64", "letters that this kernel has not"),
        ("attention", "B=1,B=2,S=512,D=64", "is not understood"),
        ("embedding", "[32, 128]", "has 2 lengths"),
        ("causal_mask", "[64, 32]", "two lengths for the axis seq"),
        ("softmax", "Q=4,Z=2", "letters that this kernel has not"),
        ("softmax", "[0, 1024]", "outside of 1 to"),
        ("softmax", "[-1, 1024]", "is not understood"),
        ("softmax", "[9999999999, 1024]", "outside of 1 to"),
        ("softmax", "[1.5, 1024]", "is not understood"),
        ("softmax", "[1, 1024", "is not understood"),
        ("softmax", "[]", "is not understood"),
        ("softmax", "large", "is not understood"),
        ("softmax", "B=,D=4", "is not understood"),
        ("softmax", "[1,2,3,4,5,6,7,8,9]", "has 9 lengths"),
    ],
)
def test_a_shape_that_leaves_something_open_is_refused(
    names: Names, kernel: str, text: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        lengths(names, kernel, text)


def test_a_batch_that_stands_nowhere_in_the_shape_is_refused(names: Names) -> None:
    with pytest.raises(Refused, match=r"is no length of the shape \[16, 1024\]"):
        lengths(names, "softmax", "[16, 1024]", batch=8)
