"""Expressions of a tile program: what each node of the graph becomes on rows and numbers of the buffer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from runners.kernels.emit import tile
from runners.kernels.emit.tile_body import ONE, Body, Span
from runners.kernels.emit.tile_place import Tile
from runners.kernels.expr import Binary, Constant, Expr, Length, Load, Reduce, Setting, Store, Unary

_FOLDED = {"+": float.__add__, "-": float.__sub__, "*": float.__mul__, "/": float.__truediv__}


class Values(Body):
    """A body that knows how to compute. Each node is computed once, where it is first needed."""

    def store(self, stores: Sequence[Store]) -> None:
        """Compute all values, then let them leave: a value may be needed for the next one."""
        leaving = [self._leaving(store) for store in stores]
        self.add(*leaving)

    def _leaving(self, store: Store) -> tile.Store:
        target, span = store.target, self.span(store.target)
        out = self.tile(target.array.name, self.dtype(target.array), span.cols, role="output")
        value = self.value(store.value, out if out.dtype == "f32" else None)
        if isinstance(value, float):
            self.add(tile.Fill(out, value, span.count))
        elif self.span(store.value) != span:
            raise NotImplementedError(f"{self.kernel.name}: one number for a row of {target.array.name}")
        elif value != out:
            self.add(tile.Cast(out, value, span.count))
        self.spend([store.value])
        return tile.Store(out, target.array, self.offset(target), span.count)

    def row(self, node: Expr) -> Tile:
        """The tile that holds ``node``, which is no constant."""
        value = self.value(node)
        if isinstance(value, float):
            raise NotImplementedError(f"{self.kernel.name}: a constant in place of a row")
        return value

    def value(self, node: Expr, out: Tile | None = None) -> Tile | float:
        """The tile that holds ``node``, ``out`` if it can be chosen; a constant as it is."""
        node = self.instead.get(node, node)
        if node not in self.results:
            self.results[node] = self._computed(node, out)
        return self.results[node]

    def _computed(self, node: Expr, out: Tile | None) -> Tile | float:
        match node:
            case Constant(number):
                return number
            case Setting(name):
                return self.sizes.settings[name]
            case Length(axis) if not axis.dynamic:
                return float(self.length(axis))
            case Load():
                return self.load(node, out)
            case Unary(_, x):
                return self._unary(node, self.value(x), out)
            case Binary(_, left, right):
                return self._binary(node, self.value(left), self.value(right), out)
            case Reduce(op, _, x) if op != "argmax":
                return self._reduced(node, self.row(x), out)
        raise NotImplementedError(f"{self.kernel.name}: a {type(node).__name__} on a row")

    # --- loads ------------------------------------------------------------------------------------

    def load(self, node: Load, out: Tile | None = None) -> Tile:
        """The part of an array that a row has room for, in f32."""
        span = self.span(node)
        if node.array.element == "i32" or (span is not ONE and node.index[-1] not in self.spans):
            raise NotImplementedError(
                f"{self.kernel.name}: {node.array.name} along an axis that is not its last"
            )
        loaded = self.tile(node.array.name, self.dtype(node.array), span.cols, role="input")
        self.add(tile.Load(loaded, node.array, self.offset(node), span.count))
        if loaded.dtype == "f32":
            return loaded
        wide = out or self.pick(span)
        self.add(tile.Cast(wide, loaded, span.count))
        return wide

    def keep(self, node: Load) -> None:
        """Load what stays as it is for all that follows."""
        if node not in self.results:
            narrow = self.dtype(node.array) != "f32"
            wide = self.tile(f"{node.array.name}_wide", "f32", self.span(node).cols) if narrow else None
            self.results[node] = self.load(node, wide)

    # --- arithmetic -------------------------------------------------------------------------------

    def _unary(self, node: Unary, x: Tile | float, out: Tile | None) -> Tile | float:
        if isinstance(x, float):
            return math.exp(x) if node.op == "exp" else 1.0 / math.sqrt(x)
        span = self.span(node)
        self.spend(node.parts)
        if node.op == "exp":
            result = out or self.pick(span)
            self.add(tile.Unary(result, "exp", x, span.count))
            return result
        root = self.pick(span)
        result = out or self.pick(span)
        self.add(tile.Unary(root, "sqrt", x, span.count))
        self.add(tile.Scalar(result, "over", root, 1.0, span.count))
        self.drop(root)
        return result

    def _binary(
        self, node: Binary, left: Tile | float, right: Tile | float, out: Tile | None
    ) -> Tile | float:
        if isinstance(left, float) and isinstance(right, float):
            return _FOLDED[node.op](left, right)
        span, spans = self.span(node), [self.span(node.left), self.span(node.right)]
        over = isinstance(left, float) and node.op == "/"
        result = (out or self.pick(span)) if over else None
        self.spend(node.parts)
        result = result or out or self.pick(span)
        match left, right:
            case Tile(), Tile() if spans[0] == spans[1]:
                self.add(tile.Binary(result, node.op, left, right, span.count))
            case Tile(), Tile() if spans[1] == ONE or node.op in "+*":
                row, number = (left, right) if spans[1] == ONE else (right, left)
                self.add(tile.RowExpand(result, node.op, row, number, self.expand_work(), span.count))
            case Tile(), float():
                self._scaled(result, node.op, left, right, span)
            case float(), Tile():
                self._scaled_by(result, node.op, left, right, span)
            case _:
                raise NotImplementedError(f"{self.kernel.name}: a number {node.op} a row")
        return result

    def _scaled(self, out: Tile, op: str, x: Tile, value: float, span: Span) -> None:
        """A tile op a constant."""
        spelled: Literal["+", "*"] = "+" if op in "+-" else "*"
        value = -value if op == "-" else 1.0 / value if op == "/" else value
        self.add(tile.Scalar(out, spelled, x, value, span.count))

    def _scaled_by(self, out: Tile, op: str, value: float, x: Tile, span: Span) -> None:
        """A constant op a tile."""
        if op == "/":
            self.add(tile.Scalar(out, "over", x, value, span.count))
            return
        if op == "-":
            self.add(tile.Scalar(out, "*", x, -1.0, span.count))
            op, x = "+", out
        self._scaled(out, op, x, value, span)

    def _reduced(self, node: Reduce, x: Tile, out: Tile | None) -> Tile:
        span = self.span(node.x)
        if span is ONE or node.op == "argmax" or span.most < self.length(node.axis):
            raise NotImplementedError(f"{self.kernel.name}: a {node.op} that is not along a whole row")
        result = out or self.pick(ONE)
        self.add(tile.Reduce(result, node.op, x, self.reduce_work(span), span.count))
        self.spend(node.parts)
        return result
