"""Numbers that are known when a kernel is written, as text; and how often an expression is needed."""

from __future__ import annotations

from collections import Counter

from runners.kernels.expr import Binary, Constant, Expr, Length, Load, Setting, Store, Unary

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


def is_number(node: Expr) -> bool:
    """Whether nothing in ``node`` is read."""
    return not any(isinstance(part, Load) for part in node.walk())


def number_text(node: Expr, binds: int = 0) -> str:
    """A number as text, in parentheses where an operator that ``binds`` tighter takes it."""
    match node:
        case Constant(value):
            return repr(value)
        case Setting(name):
            return name.upper()
        case Length(axis) if not axis.dynamic:
            return axis.name.upper()
        case Unary("rsqrt", x):
            base = number_text(x, 3)
            return f"{base}**-0.5" if base.isidentifier() else f"{base} ** -0.5"
        case Binary(op, left, right):
            own = _BINDS[op]
            text = f"{number_text(left, own)} {op} {number_text(right, own + 1)}"
            return f"({text})" if own < binds else text
    raise NotImplementedError(f"no number from {node}")


def uses(stores: tuple[Store, ...]) -> Counter[Expr]:
    """How many others need each expression."""
    nodes = dict.fromkeys(node for store in stores for node in store.value.walk())
    found = Counter(part for node in nodes for part in node.parts)
    found.update(store.value for store in stores)
    return found
