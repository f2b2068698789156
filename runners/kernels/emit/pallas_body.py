"""The body of a Pallas kernel: expressions over the values of the present blocks.

A value is as wide as the axes it has: one axis is a row ``(1, n)`` or, where it meets a second one, a column
``(n, 1)``, so that operands meet by broadcasting. What is needed is read, and a reduction computed, where the
text first asks for it. ``frame`` is the axes of the array that an expression is computed as.
What a dynamic axis needs beside is :mod:`.pallas_tokens`'s.
"""

from __future__ import annotations

from collections import Counter

from runners.kernels.emit.clike import result_names
from runners.kernels.emit.pallas_plan import Plan
from runners.kernels.expr import Axis, Binary, Constant, Expr, Length, Load, Reduce, Setting, Store, Unary

Axes = tuple[Axis, ...]
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}
_REDUCE = {"sum": "jnp.sum", "max": "jnp.max", "argmax": "first_largest"}


class Body:
    """The lines of one kernel's body, in the making. ``helpers`` names the fixed functions that they use."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.depth = 1
        self.helpers: set[str] = set()
        self.reduced = result_names(plan.kernel.reductions)
        self.shared = _shared(plan.kernel.stores)
        self.instead: dict[Expr, Expr] = {}
        self.names: dict[tuple[Expr | str, str], str] = {}
        self.parts = 0

    # --- lines ------------------------------------------------------------------------------------

    def add(self, line: str) -> None:
        self.lines.append(f"{'    ' * self.depth}{line}" if line else "")

    def named(self, text: str) -> str:
        """A variable for what has no name of its own."""
        self.parts += 1
        self.add(f"part_{self.parts} = {text}")
        return f"part_{self.parts}"

    # --- statements -------------------------------------------------------------------------------

    def write(self) -> None:
        """All statements, and what they need before them."""
        for store in self.plan.kernel.stores:
            self.store(store)

    @property
    def scratch(self) -> dict[str, str]:
        """The memory that the body keeps things in from block to block: name to allocation."""
        return {}

    def store(self, store: Store) -> None:
        target, frame = store.target, self.plan.free(store.target.axes)
        value = self.text(store.value, frame)
        narrow = f".astype({target.array.name}_ref.dtype)" if target.array.element == "stored" else ""
        if target.array in self.plan.chosen:
            self.helpers.add("with_row")
            row = f"{value}[:, None, :]" if len(target.array.axes) == 3 else value
            place = self.plan.chosen[target.array][1].array.name
            self.add(
                f"{target.array.name}_ref[...] = "
                f"with_row({target.array.name}_before_ref, {row}, {place}_ref[0])"
            )
        elif not target.array.axes:
            self.add(f"{target.array.name}_ref[0] = {value}[0, 0]")
        else:
            if narrow and not value.isidentifier():
                self.add(f"{target.array.name} = {value}")
                value = target.array.name
            self.add(f"{target.array.name}_ref[{self.places(target)}] = {value}{narrow}")

    # --- values -----------------------------------------------------------------------------------

    def text(self, node: Expr, frame: Axes, binds: int = 0) -> str:
        """``node`` as text, in parentheses where an operator that ``binds`` tighter takes it."""
        key = (node, self.form(node, frame))
        if node in self.instead:
            return self.text(self.instead[node], frame, binds)
        if key not in self.names and isinstance(node, Load):
            self.names[key] = self.load(node, frame)
        elif key not in self.names and isinstance(node, Reduce):
            self.names[key] = self.reduce(node, frame)
        elif key not in self.names and node in self.shared:
            self.names[key] = self.named(self.spelled(node, frame))
        return self.names.get(key) or self.spelled(node, frame, binds)

    def spelled(self, node: Expr, frame: Axes, binds: int = 0) -> str:
        match node:
            case Constant(value):
                return repr(value)
            case Setting(name):
                return name.upper()
            case Length(axis):
                return "length" if axis.dynamic else axis.name.upper()
            case Load() | Reduce():
                return self.text(node, frame)
            case Unary("rsqrt", x) if not any(isinstance(part, Load) for part in x.walk()):
                base = self.text(x, frame, 3)
                return f"{base}**-0.5" if base.isidentifier() else f"{base} ** -0.5"
            case Unary(op, x):
                return f"{'jnp.exp' if op == 'exp' else 'jax.lax.rsqrt'}({self.text(x, frame)})"
            case Binary("*", Constant(-1.0), x):
                return f"-{self.text(x, frame, 3)}"
            case Binary(op, left, right):
                own = _BINDS[op]
                spelled = f"{self.text(left, frame, own)} {op} {self.text(right, frame, own + 1)}"
                return f"({spelled})" if own < binds else spelled
        raise TypeError(f"no text for {type(node).__name__}")

    def form(self, node: Expr, frame: Axes) -> str:
        """How a value lies in a frame: a row, a column, or as the frame does."""
        axes = self.plan.free(node.axes)
        if len(axes) == 1 and len(frame) > 1 and axes[0] == frame[-2]:
            return "column"
        lies = isinstance(node, Load | Reduce) and len(axes) > 1
        if not set(axes) <= set(frame) or (lies and axes != frame):
            spelled = [", ".join(axis.name for axis in found) for found in (axes, frame)]
            raise ValueError(
                f"{self.plan.kernel.name}: a value over ({spelled[0]}) does not fit ({spelled[1]})"
            )
        return "row" if len(axes) == 1 else "whole"

    # --- reading ----------------------------------------------------------------------------------

    def load(self, node: Load, frame: Axes) -> str:
        name, form = node.array.name, self.form(node, frame)
        fixed = "".join(f"_{index}" for index in node.index if isinstance(index, int))
        variable = f"{name}{fixed}{'_column' if form == 'column' else ''}"
        if (variable, form) not in self.names:
            self.add(f"{variable} = {self.read(node)}{'.T' if form == 'column' else ''}")
            self.names[variable, form] = variable
        return variable

    def read(self, node: Load) -> str:
        name = node.array.name
        if not node.array.axes:
            return f"{name}_ref[0]"
        if node.array in self.plan.chosen:
            self.helpers.add("row_of")
            return f"row_of({name}_ref, {self.plan.chosen[node.array][1].array.name}_ref[0])"
        widen = node.array.element == "stored" and self.plan.storage != "f32"
        return f"{name}_ref[{self.places(node)}]{'.astype(jnp.float32)' if widen else ''}"

    def places(self, node: Load) -> str:
        """The index of a block's reference."""
        kept = [index for index in node.index if not self.walked(index)]
        spelled = [str(index) if isinstance(index, int) else ":" for index in kept]
        return "..." if set(spelled) == {":"} else ", ".join(spelled)

    def walked(self, index: Axis | Expr | int) -> bool:
        return isinstance(index, Axis) and self.plan.walked(index) == "each"

    # --- reductions -------------------------------------------------------------------------------

    def reduce(self, node: Reduce, frame: Axes) -> str:
        turned = self.plan.free(node.axes) and self.form(node, frame) not in ("whole", self.comes_out(node))
        self.add(f"{self.reduced[node]} = {self.reduction(node)}{'.T' if turned else ''}")
        return self.reduced[node]

    def reduction(self, node: Reduce) -> str:
        """The text of a reduction, in the form that it comes out in."""
        inside = self.inside(node)
        if len(inside) > 2:
            return self.matrix_product(node, inside)
        self.helpers |= {"first_largest"} if node.op == "argmax" else set()
        place = 0 if self.comes_out(node) == "row" else 1
        return f"{_REDUCE[node.op]}({self.text(node.x, inside)}, axis={place}, keepdims=True)"

    def inside(self, node: Reduce) -> Axes:
        """The frame of what is reduced: as the array lies that has all of its axes, if there is one."""
        axes = self.plan.free(node.x.axes)
        lying = (self.plan.free(part.axes) for part in node.x.walk() if isinstance(part, Load))
        return next((found for found in lying if set(found) == set(axes)), axes)

    def comes_out(self, node: Reduce) -> str:
        """A reduction along rows gives a column, one along columns a row."""
        return "column" if self.inside(node)[-1] == node.axis else "row"

    def matrix_product(self, node: Reduce, inside: Axes) -> str:
        """A sum of the products of two matrices' elements."""
        parts = node.x.parts if isinstance(node.x, Binary) and node.x.op == "*" else ()
        frames = [self.plan.free(part.axes) for part in parts]
        if node.op != "sum" or [len(frame) for frame in frames] != [2, 2]:
            names = ", ".join(axis.name for axis in inside)
            raise ValueError(
                f"{self.plan.kernel.name}: no {node.op} over ({names}) but of two matrices' product"
            )
        left, right = (self.text(part, frame) for part, frame in zip(parts, frames, strict=True))
        over = ", ".join(f"({frame.index(node.axis)},)" for frame in frames)
        return f"jax.lax.dot_general({left}, {right}, (({over}), ((), ())), precision=FULL_F32)"


def _shared(stores: tuple[Store, ...]) -> set[Expr]:
    """What is asked for more than once, and is neither read nor reduced nor constant."""
    nodes = dict.fromkeys(node for store in stores for node in store.value.walk())
    asked = Counter(part for node in nodes for part in node.parts)
    asked.update(store.value for store in stores)
    return {
        node for node, times in asked.items() if times > 1 and isinstance(node, Unary | Binary) and node.axes
    }
