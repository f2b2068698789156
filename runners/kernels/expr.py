"""What a kernel is made of: expressions over named axes.

A parameter used in an expression is its element at the present point of its axes; two operands meet by
the names of their axes, as in ``weight * x`` of ``weight[out, in]`` and ``x[in]``. A reduction removes an
axis, ``at`` fixes one. Nothing here has a value, a place in memory or an order of execution: an emitter
decides those, and :mod:`runners.kernels.reference` says what the result must be.

Arithmetic is in f32. ``stored`` elements are widened when read and rounded when written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Element = Literal["stored", "f32", "i32"]
UnaryOp = Literal["exp", "rsqrt"]
BinaryOp = Literal["+", "-", "*", "/"]
ReduceOp = Literal["sum", "max", "argmax"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A named axis.

    A dynamic one is the tokens in the KV cache: an array has room for the run's capacity, and its length at
    a launch is the kernel's parameter ``position`` plus one, as the token at ``position`` is the last.
    The position is read where the kernel runs, so that a recorded step can be replayed as it stands.
    """

    name: str
    dynamic: bool = False


class Expr:
    """A number at each point of its free axes."""

    __slots__ = ()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The free axes, in order of first appearance."""
        return tuple(dict.fromkeys(axis for part in self.parts for axis in part.axes))

    @property
    def parts(self) -> tuple[Expr, ...]:
        """The expressions that this one is computed from."""
        return ()

    def walk(self) -> Iterator[Expr]:
        """This expression after all that it is computed from; a shared one is met once."""
        yield from dict.fromkeys(self._walk())

    def _walk(self) -> Iterator[Expr]:
        for part in self.parts:
            yield from part._walk()
        yield self

    def __add__(self, other: Expr | float) -> Expr:
        return Binary("+", self, _expr(other))

    def __radd__(self, other: float) -> Expr:
        return Binary("+", _expr(other), self)

    def __sub__(self, other: Expr | float) -> Expr:
        return Binary("-", self, _expr(other))

    def __mul__(self, other: Expr | float) -> Expr:
        return Binary("*", self, _expr(other))

    def __rmul__(self, other: float) -> Expr:
        return Binary("*", _expr(other), self)

    def __truediv__(self, other: Expr | float) -> Expr:
        return Binary("/", self, _expr(other))

    def __neg__(self) -> Expr:
        return Binary("*", Constant(-1.0), self)


def _expr(value: Expr | float) -> Expr:
    return value if isinstance(value, Expr) else Constant(float(value))


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Expr):
    """A number written in the source."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Setting(Expr):
    """A number that the model's configuration gives, such as ``rms_norm_eps``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Length(Expr):
    """The length of an axis, as a number."""

    axis: Axis


@dataclass(frozen=True, slots=True)
class Array:
    """A parameter of a kernel: named axes in C order (none: a single number), and what its elements are.

    ``stored`` elements have the storage type of the run (f32, f16 or bf16).
    """

    name: str
    element: Element
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Load(Expr):
    """The element of ``array`` at ``index``: an axis runs; a number or an i32 expression stands still."""

    array: Array
    index: tuple[Axis | Expr | int, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(index for index in self.index if isinstance(index, Axis))

    @property
    def parts(self) -> tuple[Expr, ...]:
        return tuple(index for index in self.index if isinstance(index, Expr))

    def at(self, axis: Axis, place: Expr | int) -> Load:
        """The same with ``axis`` fixed at ``place``."""
        return Load(self.array, tuple(place if index == axis else index for index in self.index))

    def set(self, value: Expr) -> Store:
        """The statement that these elements become ``value``."""
        return Store(self, value)


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Expr):
    """A function of one number."""

    op: UnaryOp
    x: Expr

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.x,)


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Expr):
    """Arithmetic on two numbers."""

    op: BinaryOp
    left: Expr
    right: Expr

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Reduce(Expr):
    """A sum, a maximum, or the first index of the maximum (an i32), over one axis."""

    op: ReduceOp
    axis: Axis
    x: Expr

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(axis for axis in self.x.axes if axis != self.axis)

    @property
    def parts(self) -> tuple[Expr, ...]:
        return (self.x,)


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """A statement: the elements of ``target`` become ``value``. Each element is written once."""

    target: Load
    value: Expr


# --- the words of the source ----------------------------------------------------------------------


def exp(x: Expr) -> Expr:
    """e to the power of x."""
    return Unary("exp", x)


def rsqrt(x: Expr) -> Expr:
    """One over the square root of x."""
    return Unary("rsqrt", x)


def total(x: Expr, over: Axis) -> Expr:
    """The sum over an axis."""
    return Reduce("sum", over, x)


def mean(x: Expr, over: Axis) -> Expr:
    """The sum over an axis, divided by its length."""
    return Reduce("sum", over, x) / Length(over)


def largest(x: Expr, over: Axis) -> Expr:
    """The maximum over an axis."""
    return Reduce("max", over, x)


def argmax(x: Expr, over: Axis) -> Expr:
    """The first index of the maximum over an axis."""
    return Reduce("argmax", over, x)


def stored(*axes: Axis) -> Load:
    """A parameter whose elements have the storage type: weights, and keys and values in the cache."""
    return Load(Array("", "stored", axes), axes)


def f32(*axes: Axis) -> Load:
    """A parameter of f32 elements: activations."""
    return Load(Array("", "f32", axes), axes)


def i32(*axes: Axis) -> Load:
    """A parameter of i32 elements: token ids and positions."""
    return Load(Array("", "i32", axes), axes)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A traced kernel. ``parallel`` are the axes whose points are independent programs.

    Without a parallel axis the kernel is one program.
    """

    name: str
    doc: str
    text: str
    parallel: tuple[Axis, ...]
    arrays: tuple[Array, ...]
    stores: tuple[Store, ...]

    @property
    def outputs(self) -> tuple[Array, ...]:
        """The parameters that the kernel writes."""
        return tuple(dict.fromkeys(store.target.array for store in self.stores))

    @property
    def signature(self) -> str:
        """Its parameters with their axes, as in ``weight[out, in]; x[in]; y[out]``."""
        named = ((array.name, ", ".join(axis.name for axis in array.axes)) for array in self.arrays)
        return "; ".join(f"{name}[{axes}]" if axes else name for name, axes in named)

    @property
    def inputs(self) -> tuple[Array, ...]:
        """The parameters that the kernel reads only."""
        return tuple(array for array in self.arrays if array not in self.outputs)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes of the parameters, in order of first appearance."""
        return tuple(dict.fromkeys(axis for array in self.arrays for axis in array.axes))

    @property
    def reductions(self) -> tuple[Reduce, ...]:
        """All reductions, each after those that it needs."""
        found = (node for store in self.stores for node in store.value.walk())
        return tuple(dict.fromkeys(node for node in found if isinstance(node, Reduce)))


Source = Callable[..., Store | tuple[Store, ...]]


def kernel(*parallel: Axis) -> Callable[[Source], Kernel]:
    """Trace the decorated function once: its parameters' defaults say what they are."""

    def trace(source: Source) -> Kernel:
        parameters = inspect.signature(source).parameters
        arrays = {
            name: Array(name, parameter.default.array.element, parameter.default.array.axes)
            for name, parameter in parameters.items()
        }
        stores = source(**{name: Load(array, array.axes) for name, array in arrays.items()})
        return Kernel(
            name=source.__name__,
            doc=inspect.cleandoc(source.__doc__ or ""),
            text=inspect.getsource(source),
            parallel=parallel,
            arrays=tuple(arrays.values()),
            stores=stores if isinstance(stores, tuple) else (stores,),
        )

    return trace
