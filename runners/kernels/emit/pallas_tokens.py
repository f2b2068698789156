"""The body of a Pallas kernel that meets the tokens block by block: start, bring up to date, finish.

What a softmax needs is carried in scratch memory, as :mod:`.online` says. What lies past the last token is
nothing, and may be no number: there a score is minus infinity, and what the shares weigh is zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runners.kernels.emit.online import one_pass
from runners.kernels.emit.pallas_body import Axes, Body
from runners.kernels.emit.pallas_plan import GridAxis, Plan
from runners.kernels.expr import Binary, Expr, Reduce


class TokensBody(Body):
    """A body that only the block with the last token lets store."""

    def __init__(self, plan: Plan, tokens: GridAxis) -> None:
        super().__init__(plan)
        self.tokens, self.carried = tokens, one_pass(plan.kernel)
        self.kept = [self.carried.largest, *(found.summed for found in self.carried.sums)]
        for found in self.carried.sums:
            self.reduced[found.summed] = self.reduced[found.node]
            result: Expr = found.summed
            for side, factor in found.outside:
                result = Binary(side, result, factor)
            self.instead[found.node] = result

    def write(self) -> None:
        """Start at the first block, bring up to date by each that holds tokens, store after the last."""
        place = len(self.plan.grid) - 1
        array = next(array for array in self.plan.operands if self.tokens.axis in array.axes)
        extent = self.plan.free(array.axes).index(self.tokens.axis)
        self.add(f"{self.tokens.width} = {array.name}_ref.shape[{extent}]")
        self.add(f"first_token = pl.program_id({place}) * {self.tokens.width}")
        self.add("length = position_ref[0] + 1")
        with self.when("first_token == 0", "start"):
            for node in self.kept:
                name, value = self.scratch_name(node), "-jnp.inf" if node.op == "max" else "0.0"
                self.add(f"{name}[...] = jnp.full_like({name}, {value})")
        with self.when("first_token < length", "add_block"):
            self.grow(self.carried.largest)
            for node in self.kept[1:]:
                self.add_to(node)
        with self.when(f"pl.program_id({place}) == pl.num_programs({place}) - 1", "finish"):
            for node in self.kept:
                self.know(node, f"{self.scratch_name(node)}[...]")
            super().write()

    @property
    def scratch(self) -> dict[str, str]:
        """What is kept, and how it is allocated."""
        shapes = {}
        for node in self.kept:
            extents = [self.plan.extent(axis) for axis in self.plan.free(node.axes)]
            if len(extents) < 2:
                extents.insert(len(extents) if self.comes_out(node) == "column" else 0, "1")
            shapes[self.scratch_name(node)] = f"pltpu.VMEM(({', '.join(extents)}), jnp.float32)"
        return shapes

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

    def grow(self, node: Reduce) -> None:
        """The new largest score, and by what the sums so far shrink."""
        name, inside = self.reduced[node], self.inside(node)
        x = self.named(f"jnp.where({self.is_token(inside)}, {self.spelled(node.x, inside)}, -jnp.inf)")
        self.names[node.x, self.form(node.x, inside)] = x
        self.add(f"{name} = jnp.maximum({name}_ref[...], {self.reduction(node)})")
        self.add(f"shrink = jnp.exp({name}_ref[...] - {name})")
        self.add(f"{name}_ref[...] = {name}")
        self.know(node, name)

    def add_to(self, node: Reduce) -> None:
        """A sum so far, and this block's."""
        name, inside = self.reduced[node], self.inside(node)
        for factor in factors(node.x):
            if factor is not self.carried.share:
                self.mask(factor, inside if len(inside) < 3 else self.plan.free(factor.axes))
        self.add(f"{name} = {self.reduction(node)}")
        self.add(f"{name}_ref[...] = {name}_ref[...] * shrink + {name}")

    def mask(self, factor: Expr, frame: Axes) -> None:
        text = self.text(factor, frame)
        name = text if text.isidentifier() else self.named(text)
        self.add(f"{name} = jnp.where({self.is_token(self.plan.free(factor.axes))}, {name}, 0.0)")
        self.names[factor, self.form(factor, frame)] = name

    def is_token(self, frame: Axes) -> str:
        """Which rows or columns of a frame hold tokens."""
        place = 0 if len(frame) > 1 and frame[0] == self.tokens.axis else 1
        name = "column_is_token" if place else "row_is_token"
        if (name, "") not in self.names:
            shape = f"(1, {self.tokens.width})" if place else f"({self.tokens.width}, 1)"
            self.add(f"{name} = first_token + jax.lax.broadcasted_iota(jnp.int32, {shape}, {place}) < length")
            self.names[name, ""] = name
        return name

    def know(self, node: Reduce, name: str) -> None:
        """What stands for a kept reduction, in each form."""
        turned = f"{name}.T" if len(self.plan.free(node.axes)) == 1 else name
        for form in ("row", "column", "whole"):
            self.names[node, form] = name if form in ("whole", self.comes_out(node)) else turned

    def scratch_name(self, node: Reduce) -> str:
        return f"{self.reduced[node]}_ref"


def factors(x: Expr) -> list[Expr]:
    """What a product is made of."""
    match x:
        case Binary("*", left, right):
            return [*factors(left), *factors(right)]
    return [x]
