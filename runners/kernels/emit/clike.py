"""What the languages with C's syntax share: lines in blocks, and expressions as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from runners.kernels.expr import Axis, Binary, Constant, Expr, Length, Load, Reduce, Setting, Unary
from runners.kernels.sizes import Sizes

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


class Lines:
    """Text in the making: lines, and blocks in braces."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def add(self, *lines: str) -> None:
        """Add lines at the present depth."""
        self.lines += [f"{'    ' * self.depth}{line}" if line else "" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """The lines added inside stand in the braces of ``head``."""
        self.add(f"{head} {{")
        self.depth += 1
        yield
        self.depth -= 1
        self.add("}")

    @property
    def text(self) -> str:
        """All lines, each ended."""
        return "\n".join(self.lines) + "\n"


def length_name(axis: Axis) -> str:
    """The constant (or for a dynamic axis the variable) that holds an axis's length."""
    return axis.name.upper()


def float_text(value: float) -> str:
    """A float literal that keeps the value."""
    return f"{value!r}f"


@dataclass(slots=True)
class Printer:
    """Expressions as C text. An axis is the variable of its name unless ``where`` says otherwise.

    ``results`` names what stands for an expression that has been computed already. The dialect gives
    ``functions`` (``exp``, ``rsqrt``, ``widen``).
    """

    sizes: Sizes
    functions: Mapping[str, str]
    results: dict[Expr, str] = field(default_factory=dict)
    where: dict[Axis, str] = field(default_factory=dict)

    def text(self, node: Expr, binds: int = 0) -> str:
        """``node`` as text, in parentheses where an operator that ``binds`` tighter takes it."""
        if node in self.results:
            return self.results[node]
        match node:
            case Constant(value):
                return float_text(value)
            case Setting(name):
                return name.upper()
            case Length(axis):
                return f"(float){length_name(axis)}"
            case Load():
                return self.load(node)
            case Unary(op, x):
                return f"{self.functions[op]}({self.text(x)})"
            case Binary(op, left, right):
                own = _BINDS[op]
                spelled = f"{self.text(left, own)} {op} {self.text(right, own + 1)}"
                return f"({spelled})" if own < binds else spelled
        raise TypeError(f"no text for {type(node).__name__}")

    def load(self, node: Load) -> str:
        """The element that a load reads, widened where it is stored narrower."""
        place = self.element(node)
        return f"{self.functions['widen']}({place})" if node.array.element == "stored" else place

    def element(self, node: Load) -> str:
        """``array[...]`` for a load or the target of a store."""
        return f"{node.array.name}[{self.offset(node)}]"

    def offset(self, node: Load) -> str:
        """The place in memory of the element: the index of an array in C order, as one number."""
        offset = ""
        for axis, index in zip(node.array.axes, node.index, strict=True):
            place = self.place(index)
            if place == "0" and not offset:
                continue
            scaled = f"({offset})" if " + " in offset else offset
            offset = f"{scaled} * {self.stride(axis)} + {place}" if offset else place
        return offset.removesuffix(" + 0") or "0"

    def stride(self, axis: Axis) -> str:
        """The room that an array has along an axis."""
        return "capacity" if axis.dynamic else length_name(axis)

    def place(self, index: Axis | Expr | int) -> str:
        """An index as text."""
        if isinstance(index, Axis):
            return self.where.get(index, index.name)
        return str(index) if isinstance(index, int) else f"(long){self.text(index, 3)}"


def constants(sizes: Sizes) -> list[str]:
    """Definitions of the lengths and settings of a kernel, for the head of its text."""
    lengths = [f"{name.upper()} = {length}" for name, length in sizes.lengths.items()]
    settings = [f"#define {name.upper()} {float_text(value)}" for name, value in sizes.settings.items()]
    return [f"enum {{ {', '.join(lengths)} }};", *settings]


def result_names(reductions: tuple[Reduce, ...]) -> dict[Expr, str]:
    """A variable name for each reduction: its operation, numbered where one kernel has several."""
    words = {"sum": "total", "max": "largest", "argmax": "best"}
    names: dict[Expr, str] = {}
    for node in reductions:
        word, same = words[node.op], [other for other in reductions if other.op == node.op]
        names[node] = word if len(same) == 1 else f"{word}_{same.index(node) + 1}"
    return names
