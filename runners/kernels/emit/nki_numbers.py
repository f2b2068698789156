"""Numbers that are known when a kernel is written, as text; and how often an expression is needed."""

from __future__ import annotations

from collections import Counter

from runners.kernels.expr import Binary, Constant, Expr, Length, Load, Reduce, Setting, Store, Unary


def is_number(node: Expr) -> bool:
    """Whether ``node`` is arithmetic on numbers, which :func:`number_text` can write."""
    return not any(
        isinstance(part, Load | Reduce) or (isinstance(part, Unary) and part.op != "rsqrt")
        for part in node.walk()
    )


def number_text(node: Expr) -> str:
    """A number as text."""
    match node:
        case Constant(value):
            return repr(value)
        case Setting(name):
            return name.upper()
        case Length(axis):
            return axis.name.upper()
        case Unary("rsqrt", x):
            base = number_text(x)
            return f"{base} ** -0.5" if isinstance(x, Binary) else f"{base}**-0.5"
        case Binary(op, left, right):
            return f"({number_text(left)} {op} {number_text(right)})"
    raise AssertionError(node)


def uses(stores: tuple[Store, ...]) -> Counter[Expr]:
    """How many others need each expression."""
    nodes = dict.fromkeys(node for store in stores for node in store.value.walk())
    found = Counter(part for node in nodes for part in node.parts)
    found.update(store.value for store in stores)
    return found
