"""What a kernel means: its expressions evaluated by NumPy in float64. The definition of right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from runners.kernels.expr import (
    Axis,
    Binary,
    Constant,
    Expr,
    Kernel,
    Length,
    Load,
    Reduce,
    Setting,
    Store,
    Unary,
)
from runners.kernels.sizes import Sizes

Numbers = Any  # an array, or a NumPy scalar where no axis is free

_BLOCK_ELEMENTS = 16_000_000
_UNARY: dict[str, Callable[..., Numbers]] = {"exp": np.exp, "rsqrt": lambda x: 1.0 / np.sqrt(x)}
_BINARY: dict[str, Callable[..., Numbers]] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

_REDUCE: dict[str, Callable[..., Numbers]] = {"sum": np.sum, "max": np.max, "argmax": np.argmax}


def evaluate(kernel: Kernel, sizes: Sizes, arrays: Mapping[str, Numbers]) -> None:
    """Run ``kernel`` on ``arrays`` (name to array, in the shape of its axes), writing its outputs in place.

    Inputs may have any number type; they are widened to float64. What is stored takes the type of its
    target. Statements see the inputs as they were before.
    """
    run = _Run(sizes, arrays)
    values = [run.aligned(store.value, store.target.axes) for store in kernel.stores]
    for store, value in zip(kernel.stores, values, strict=True):
        run.write(store, value)


def evaluate_in_blocks(
    kernel: Kernel, sizes: Sizes, shared: Mapping[str, Any], states: Sequence[Mapping[str, Numbers]]
) -> None:
    """As :func:`evaluate` for each of ``states``, which share the arrays of ``shared``.

    Programs are independent, so a kernel whose parallel axis leads its arrays is run by blocks of it: no
    float64 copy of a whole matrix exists, and each block of ``shared`` is read and widened once. What is
    shared is not written, and need only give its rows when indexed.
    """
    for part, rows in _blocks(kernel, sizes):
        here = {
            array.name: np.asarray(shared[array.name][rows]).astype(np.float64, copy=False)
            if rows is not None and array.axes[:1] == kernel.parallel
            else shared[array.name]
            for array in kernel.arrays
            if array.name in shared
        }
        for state in states:
            own = {
                array.name: state[array.name][rows]
                if rows and array.axes[:1] == kernel.parallel
                else state[array.name]
                for array in kernel.arrays
                if array.name not in shared
            }
            evaluate(kernel, part, here | own)


def _blocks(kernel: Kernel, sizes: Sizes) -> Iterator[tuple[Sizes, slice | None]]:
    """Sizes and rows of each block; None for all at once."""
    having = [array for array in kernel.arrays if set(array.axes) & set(kernel.parallel)]
    if len(kernel.parallel) != 1 or any(array.axes[:1] != kernel.parallel for array in having):
        yield sizes, None
        return
    name = kernel.parallel[0].name
    length = sizes.lengths[name]
    widest = max(math.prod(sizes.shape(array.axes[1:], capacity=1)) for array in having)
    rows = max(1, _BLOCK_ELEMENTS // widest)
    for first in range(0, length, rows):
        last = min(first + rows, length)
        yield Sizes({**sizes.lengths, name: last - first}, sizes.settings), slice(first, last)


class _Run:
    """One evaluation. A value has one dimension for each free axis of its expression, in that order."""

    def __init__(self, sizes: Sizes, arrays: Mapping[str, Numbers]) -> None:
        self.sizes, self.arrays = sizes, arrays
        self.known: dict[Expr, Numbers] = {}

    def write(self, store: Store, value: Numbers) -> None:
        array = self.arrays[store.target.array.name]
        array[self.places(store.target)] = value

    def value(self, node: Expr) -> Numbers:
        if node not in self.known:
            self.known[node] = self.compute(node)
        return self.known[node]

    def compute(self, node: Expr) -> Numbers:
        match node:
            case Constant(value):
                return np.float64(value)
            case Setting(name):
                return np.float64(self.sizes.settings[name])
            case Length(axis):
                return np.float64(self.length(axis))
            case Load():
                return self.read(node)
            case Unary(op, x):
                return _UNARY[op](self.value(x))
            case Binary(op, left, right):
                axes = node.axes
                return _BINARY[op](self.aligned(left, axes), self.aligned(right, axes))
            case Reduce():
                return self.reduce(node)
        raise TypeError(f"no meaning for {type(node).__name__}")

    def reduce(self, node: Reduce) -> Numbers:
        if (node.op, type(node.x)) == ("sum", Binary) and node.x.op == "*":  # type: ignore[attr-defined]
            return self.product_sum(node, node.x)  # type: ignore[arg-type]
        place = node.x.axes.index(node.axis)
        return _REDUCE[node.op](self.value(node.x), axis=place)

    def product_sum(self, node: Reduce, product: Binary) -> Numbers:
        """A sum of products, without the products' array: for a matrix it is BLAS."""
        letters = {axis: chr(ord("a") + place) for place, axis in enumerate(product.axes)}
        spelled = ["".join(letters[axis] for axis in part.axes) for part in (product.left, product.right)]
        result = "".join(letters[axis] for axis in node.axes)
        return np.einsum(
            f"{spelled[0]},{spelled[1]}->{result}",
            self.value(product.left),
            self.value(product.right),
            optimize=True,
        )

    def read(self, load: Load) -> Numbers:
        numbers = self.arrays[load.array.name][self.places(load)]
        return numbers if load.array.element == "i32" else np.asarray(numbers).astype(np.float64, copy=False)

    def places(self, load: Load) -> tuple[Any, ...]:
        """The index in NumPy's terms: the valid part of an axis, or one place."""
        return tuple(
            slice(0, self.length(index))
            if isinstance(index, Axis)
            else int(self.value(index))
            if isinstance(index, Expr)
            else index
            for index in load.index
        )

    def length(self, axis: Axis) -> int:
        return int(self.arrays["position"]) + 1 if axis.dynamic else self.sizes.lengths[axis.name]

    def aligned(self, node: Expr, axes: tuple[Axis, ...]) -> Numbers:
        """The value with a dimension for each of ``axes``, in their order."""
        value, own = np.asarray(self.value(node)), node.axes
        value = value.transpose([own.index(axis) for axis in axes if axis in own])
        return np.expand_dims(value, [place for place, axis in enumerate(axes) if axis not in own])
