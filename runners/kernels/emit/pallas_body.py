"""The body of a Pallas kernel: expressions over the values of the present blocks.

A value is as wide as the axes it has: one axis is a row ``(1, n)`` or, where it meets a second one, a column
``(n, 1)``, so that operands meet by broadcasting. What is needed is read, and a reduction computed, where the
text first asks for it. ``frame`` is the axes of the array that an expression is computed as.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from runners.kernels.emit.clike import result_names
from runners.kernels.emit.pallas_plan import Plan
from runners.kernels.emit.pallas_running import Running, is_exponential, running
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
        self.running = {
            node: running(node)
            for node in plan.kernel.reductions
            if plan.tokens and node.axis == plan.tokens.axis
        }
        self.reduced = result_names(plan.kernel.reductions)
        self.reduced |= {kept.kept: self.reduced[node] for node, kept in self.running.items()}
        self.shared = _shared(plan.kernel.stores)
        self.names: dict[tuple[Expr | str, str], str] = {}
        self.parts = 0
        if self.running:
            self.by_blocks()
        else:
            self.stores()

    # --- lines ------------------------------------------------------------------------------------

    def add(self, line: str) -> None:
        self.lines.append(f"{'    ' * self.depth}{line}" if line else "")

    @contextmanager
    def when(self, condition: str, name: str) -> Iterator[None]:
        """A part of the body that only some blocks run. What it computes is known to it alone."""
        self.add("")
        self.add(f"@pl.when({condition})")
        self.add(f"def {name}():")
        self.depth += 1
        known, self.names = self.names, dict(self.names)
        yield
        self.names = known
        self.depth -= 1

    def named(self, text: str) -> str:
        """A variable for what has no name of its own."""
        self.parts += 1
        self.add(f"part_{self.parts} = {text}")
        return f"part_{self.parts}"

    # --- statements -------------------------------------------------------------------------------

    def stores(self) -> None:
        for store in self.plan.kernel.stores:
            self.store(store)

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
            value = f"({value})" if narrow and not value.isidentifier() else value
            self.add(f"{target.array.name}_ref[{self.places(target)}] = {value}{narrow}")

    # --- values -----------------------------------------------------------------------------------

    def text(self, node: Expr, frame: Axes, binds: int = 0) -> str:
        """``node`` as text, in parentheses where an operator that ``binds`` tighter takes it."""
        key = (node, self.form(node, frame))
        if node in self.running and node is not self.running[node].kept:
            return self.text(self.running[node].result, frame, binds)
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
            case Unary("rsqrt", x) if not any(isinstance(part, Load) for part in x.walk()):
                return f"{self.text(x, frame, 3)} ** -0.5"
            case Unary(op, x):
                return f"{'jnp.exp' if op == 'exp' else 'jax.lax.rsqrt'}({self.text(x, frame)})"
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
        if axes != tuple(axis for axis in frame if axis in axes) or (len(axes) > 1 and axes != frame):
            spelled = [", ".join(axis.name for axis in found) for found in (axes, frame)]
            raise ValueError(f"{self.plan.kernel.name}: a value over ({spelled[0]}) does not fit ({spelled[1]})")
        return "row" if len(axes) == 1 else "whole"

    def shaped(self, axis: Axis, form: str) -> str:
        extent = self.plan.extent(axis)
        return f".reshape({f'1, {extent}' if form == 'row' else f'{extent}, 1'})"

    # --- reading ----------------------------------------------------------------------------------

    def load(self, node: Load, frame: Axes) -> str:
        name, form = node.array.name, self.form(node, frame)
        fixed = "".join(f"_{index}" for index in node.index if isinstance(index, int))
        variable = f"{name}{fixed}{'_column' if form == 'column' else ''}"
        if (variable, form) not in self.names:
            self.add(f"{variable} = {self.read(node)}{self.shaped(node.axes[-1], form) if form == 'column' else ''}")
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
        kept = [index for index in node.index if self.plan.free(()) == () and not self.walked(index)]
        spelled = [str(index) if isinstance(index, int) else ":" for index in kept]
        return "..." if set(spelled) == {":"} else ", ".join(spelled)

    def walked(self, index: Axis | Expr | int) -> bool:
        return isinstance(index, Axis) and self.plan.walked(index) == "each"

    # --- reductions -------------------------------------------------------------------------------

    def reduce(self, node: Reduce, frame: Axes) -> str:
        axes = self.plan.free(node.axes)
        inside = self.inside(node)
        if len(inside) == 3:
            text = self.matrix_product(node, inside)
        else:
            text = self.along(node, inside, self.text(node.x, inside), self.form(node, frame) if axes else "")
        self.add(f"{self.reduced[node]} = {text}")
        return self.reduced[node]

    def inside(self, node: Reduce) -> Axes:
        """The frame of what is reduced: as the array lies that has all of its axes, if there is one."""
        axes = self.plan.free(node.x.axes)
        lying = (self.plan.free(part.axes) for part in node.x.walk() if isinstance(part, Load))
        return next((found for found in lying if set(found) == set(axes)), axes)

    def along(self, node: Reduce, inside: Axes, x: str, form: str) -> str:
        """A reduction along the rows or the columns of ``x``, as a column, a row, or as it comes out."""
        place = inside.index(node.axis) if len(inside) > 1 else 1
        comes_out = "column" if place == 1 else "row"
        self.helpers |= {"first_largest"} if node.op == "argmax" else set()
        if form in ("", comes_out):
            return f"{_REDUCE[node.op]}({x}, axis={place}, keepdims=True)"
        (axis,) = self.plan.free(node.axes)
        return f"{_REDUCE[node.op]}({x}, axis={place}){self.shaped(axis, form)}"

    def matrix_product(self, node: Reduce, inside: Axes) -> str:
        """A sum of the products of two matrices' elements."""
        parts = node.x.parts if isinstance(node.x, Binary) and node.x.op == "*" else ()
        frames = [self.plan.free(part.axes) for part in parts]
        if node.op != "sum" or [len(frame) for frame in frames] != [2, 2]:
            names = ", ".join(axis.name for axis in inside)
            raise ValueError(f"{self.plan.kernel.name}: no {node.op} over ({names}) but of two matrices' product")
        left, right = (self.text(part, frame) for part, frame in zip(parts, frames, strict=True))
        over = ", ".join(f"({frame.index(node.axis)},)" for frame in frames)
        return f"jax.lax.dot_general({left}, {right}, (({over}), ((), ())), precision=FULL_F32)"

    # --- what is kept from block to block ---------------------------------------------------------

    def by_blocks(self) -> None:
        """Start at the first block, bring up to date by each that holds tokens, store after the last."""
        tokens, extent = self.plan.tokens, None
        assert tokens
        place = len(self.plan.grid) - 1
        array = next(array for array in self.plan.operands if tokens.axis in array.axes)
        extent = self.plan.free(array.axes).index(tokens.axis)
        self.add(f"{tokens.place} = pl.program_id({place})")
        self.add(f"{tokens.width} = {array.name}_ref.shape[{extent}]")
        self.add("length = position_ref[0] + 1")
        with self.when(f"{tokens.place} == 0", "start"):
            for kept in self.running.values():
                value = "-jnp.inf" if kept.kept.op == "max" else "0.0"
                name = f"{self.reduced[kept.kept]}_ref"
                self.add(f"{name}[...] = jnp.full_like({name}, {value})")
        with self.when(f"{tokens.place} * {tokens.width} < length", "add_block"):
            for kept in self.running.values():
                self.update(kept)
        with self.when(f"{tokens.place} == pl.num_programs({place}) - 1", "finish"):
            for kept in self.running.values():
                self.recall(kept)
            self.stores()

    def update(self, kept: Running) -> None:
        node, name = kept.kept, self.reduced[kept.kept]
        inside = self.inside(node)
        if node.op == "max":
            x = self.named(f"jnp.where({self.is_token(inside)}, {self.spelled(node.x, inside)}, -jnp.inf)")
            self.names[node.x, self.form(node.x, inside)] = x
            self.add(f"{name} = jnp.maximum({name}_ref[...], {self.along(node, inside, x, '')})")
            self.add(f"{name}_growth = jnp.exp({name}_ref[...] - {name})")
            self.add(f"{name}_ref[...] = {name}")
            for form in ("row", "column"):
                self.names[node, form] = name
            return
        for factor in kept.factors:
            self.mask(factor, kept, inside if len(inside) < 3 else self.plan.free(factor.axes))
        product = len(inside) == 3
        new = self.matrix_product(node, inside) if product else self.along(node, inside, self.text(node.x, inside), "")
        scale = f" * {self.reduced[kept.grows]}_growth" if kept.grows else ""
        self.add(f"{name}_ref[...] = {name}_ref[...]{scale} + {new}")

    def mask(self, factor: Expr, kept: Running, frame: Axes) -> None:
        """What lies past the last token is nothing, and may be no number: as a factor it is zero."""
        if is_exponential(factor, kept.grows):
            return
        text = self.text(factor, frame)
        name = text if text.isidentifier() else self.named(text)
        self.add(f"{name} = jnp.where({self.is_token(self.plan.free(factor.axes))}, {name}, 0.0)")
        self.names[factor, self.form(factor, frame)] = name

    def is_token(self, frame: Axes) -> str:
        """Which rows or columns of a frame hold tokens."""
        tokens = self.plan.tokens
        assert tokens
        along = 0 if len(frame) > 1 and frame[0] == tokens.axis else 1
        name = "row_is_token" if along == 0 else "column_is_token"
        if (name, "") not in self.names:
            shape = f"({tokens.width}, 1)" if along == 0 else f"(1, {tokens.width})"
            places = f"jax.lax.broadcasted_iota(jnp.int32, {shape}, {along})"
            self.add(f"{name} = {tokens.place} * {tokens.width} + {places} < length")
            self.names[name, ""] = name
        return name

    def recall(self, kept: Running) -> None:
        """A kept reduction's name after the last block, in either form."""
        name, axes = f"{self.reduced[kept.kept]}_ref[...]", self.plan.free(kept.kept.axes)
        comes_out = "column" if self.inside(kept.kept)[-1] == kept.kept.axis else "row"
        for form in ("row", "column", "whole"):
            self.names[kept.kept, form] = name
            if len(axes) == 1 and form not in ("whole", comes_out):
                self.names[kept.kept, form] = f"{name}{self.shaped(axes[0], form)}"

    @property
    def scratch(self) -> list[str]:
        """The shapes of what is kept."""
        shapes = []
        for kept in (found.kept for found in self.running.values()):
            extents = [self.plan.extent(axis) for axis in self.plan.free(kept.axes)]
            if len(extents) < 2:
                extents.insert(0 if self.inside(kept)[-1] != kept.axis else len(extents), "1")
            shapes.append(f"pltpu.VMEM(({', '.join(extents)}), jnp.float32)")
        return shapes


def _shared(stores: tuple[Store, ...]) -> set[Expr]:
    """What is asked for more than once, and is neither read nor reduced nor constant."""
    nodes = dict.fromkeys(node for store in stores for node in store.value.walk())
    asked = Counter(part for node in nodes for part in node.parts)
    asked.update(store.value for store in stores)
    return {node for node, times in asked.items() if times > 1 and isinstance(node, Unary | Binary) and node.axes}
