"""Expressions as tile instructions: what a frame's partitions compute, each on its own row of columns.

A value is as wide as the frame, or one column, or a number known when the kernel is written. The Vector Engine
takes a column or a number as the other operand of a row at no cost, and two such operations at once; the Scalar
Engine multiplies by a number before it takes a function. There is no division: a reciprocal is multiplied by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runners.kernels.emit.nki_frame import chosen
from runners.kernels.emit.nki_numbers import is_number, number_text
from runners.kernels.emit.nki_program import Tile
from runners.kernels.emit.nki_values import Values
from runners.kernels.expr import Binary, BinaryOp, Expr, Store, Unary

_OPS: dict[BinaryOp, str] = {"+": "add", "-": "subtract", "*": "multiply", "/": "multiply"}
_NAMES = {"+": "added", "-": "difference", "*": "product", "/": "quotient", "exp": "power", "rsqrt": "root"}


@dataclass(frozen=True, slots=True)
class Step:
    """``x``, and what is done to it with a number or a column; ``divides`` by it, or has it on the left."""

    x: Expr
    op: str
    operand: Expr
    divides: bool = False
    reverse: bool = False


class Body(Values):
    """Statements of one frame, and the operations in them."""

    # --- statements -------------------------------------------------------------------------------

    def store(self, store: Store) -> None:
        """Compute and write; a stored element is rounded by the instruction that computes it."""
        target, node = store.target, self.instead.get(store.value, store.value)
        dtype, name = self.lowering.dtype(target), f"{target.array.name}_tile"
        if isinstance(node, Unary | Binary) and node not in self.tiles and self.uses[node] < 2:
            value = self.compute(node, dtype=dtype, name=name)
        else:
            value = self.tile(node)
            if value.dtype != dtype or value.in_psum:
                value = self.result("tensor_copy", f"src={value.text}", data=value, dtype=dtype, name=name)
        if place := chosen(target):
            rows, source = self.rows(target, *place)
            self.program.store_rows(source, rows, value)
        else:
            self.program.store(self.frame.view(target), value)

    # --- values -----------------------------------------------------------------------------------

    def compute(
        self, node: Expr, *, dtype: str = "float32", name: str = "", into: Tile | None = None
    ) -> Tile:
        """A function or an operation, as few instructions as are needed."""
        assert isinstance(node, Unary | Binary), node
        if not name:  # a tile that is used again holds this and that
            name = "part" if self.program.reuses else _NAMES[node.op]
        place: dict[str, Any] = {"dtype": dtype, "name": name, "into": into}
        if isinstance(node, Unary):
            scale, x = self.scaled(node.x)
            data = self.tile(x)
            arguments = f"op=nl.{node.op}", f"data={data.text}", f"scale={scale}" if scale else ""
            return self.result("activation", *arguments, data=data, spent=self.spent(x), **place)
        if step := self.step(node):
            return self.scalar_steps(step, place)
        if is_number(node.left):
            return self.inverse(node, place)
        return self.both(node, place)

    def both(self, node: Binary, place: dict[str, Any]) -> Tile:
        """An operation on two tiles; where one is itself one with a number or column, both at once."""
        left, right = node.left, node.right
        if not self.step_before(left) and self.step_before(right) and node.op in "+*":
            left, right = right, left
        step, op = self.step_before(left), f"nl.{_OPS[node.op]}"
        x = step.x if step else left
        data = self.tile(x)
        other = self.reciprocal(right) if node.op == "/" else self.beside(data, right)
        spent = self.spent(x) or (other if node.op == "/" else self.spent(right))
        if step:
            call, first = "scalar_tensor_tensor", f"data={data.text}"
            arguments = first, *self.step_text(step, 0), f"op1={op}", f"operand1={other.text}"
        else:
            call, arguments = "tensor_tensor", (f"data1={data.text}", f"data2={other.text}", f"op={op}")
        return self.result(call, *arguments, data=data, other=other, spent=spent, **place)

    def inverse(self, node: Binary, place: dict[str, Any]) -> Tile:
        """A number over a tile."""
        if number_text(node.left) == "1.0":
            return self.reciprocal(node.right, **place)
        over = self.reciprocal(node.right)
        arguments = f"data={over.text}", "op0=nl.multiply", f"operand0={number_text(node.left)}"
        return self.result("tensor_scalar", *arguments, data=over, spent=over, **place)

    def reciprocal(self, node: Expr, **place: Any) -> Tile:
        data, name = self.tile(node), "part" if self.program.reuses else "inverse"
        place = {"name": name, **place}
        return self.result("reciprocal", f"data={data.text}", data=data, spent=self.spent(node), **place)

    def beside(self, data: Tile, node: Expr) -> Tile:
        """The tile of ``node``, out of PSUM where ``data`` is there: an instruction reads one operand of it."""
        other = self.tile(node)
        if not (data.in_psum and other.in_psum):
            return other
        return self.result("tensor_copy", f"src={other.text}", data=other)

    # --- operations with a number or a column -----------------------------------------------------

    def step(self, node: Expr) -> Step | None:
        """``node`` as an operation on a row with a number or a column, if it is one."""
        if not isinstance(node, Binary):
            return None
        if self.is_scalar(node.right, beside=node.left):
            return Step(node.left, _OPS[node.op], node.right, divides=node.op == "/")
        if self.is_scalar(node.left, beside=node.right) and node.op != "/":
            return Step(node.right, _OPS[node.op], node.left, reverse=node.op == "-")
        return None

    def step_before(self, node: Expr) -> Step | None:
        """The same, if nothing else needs ``node``."""
        return self.step(node) if node not in self.tiles and self.uses[node] < 2 else None

    def scalar_steps(self, last: Step, place: dict[str, Any]) -> Tile:
        """One such operation, or the one before it as well."""
        steps = [step for step in (self.step_before(last.x), last) if step]
        x = steps[0].x
        data = self.tile(x)
        spelled = [text for number, step in enumerate(steps) for text in self.step_text(step, number)]
        return self.result(
            "tensor_scalar", f"data={data.text}", *spelled, data=data, spent=self.spent(x), **place
        )

    def step_text(self, step: Step, number: int) -> list[str]:
        """The arguments of the operation ``number`` of an instruction."""
        if is_number(step.operand):
            operand = f"1.0 / {number_text(step.operand)}" if step.divides else number_text(step.operand)
        else:
            operand = (self.reciprocal(step.operand) if step.divides else self.tile(step.operand)).text
        return [
            f"op{number}=nl.{step.op}",
            f"operand{number}={operand}",
            f"reverse{number}=True" * step.reverse,
        ]

    def scaled(self, x: Expr) -> tuple[str, Expr]:
        """``x`` as a number times the rest; no number is an empty text."""
        factors = []
        while isinstance(x, Binary) and x.op == "*" and x not in self.tiles and self.uses[x] < 2:
            if not is_number(x.left):
                break
            factors.append(number_text(x.left))
            x = x.right
        return " * ".join(factors), x

    def is_scalar(self, node: Expr, beside: Expr) -> bool:
        if is_number(beside):
            return False
        return is_number(node) or (self.is_wide(beside) and not self.is_wide(node))

    def is_wide(self, node: Expr) -> bool:
        return self.frame.cols in node.axes
