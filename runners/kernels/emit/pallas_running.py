"""Reductions over an axis that is met block by block: what is kept, and what brings it up to date.

A maximum is kept as it grows. A sum is kept of what runs along the axis only: a factor that does not is taken
out and multiplied at the end. If a term has the factor ``exp(x - m)`` with ``m`` the kept maximum of ``x``,
the sum so far is multiplied by ``exp(m before - m now)`` as ``m`` grows. So a softmax, and a sum weighted by
it, need one pass over the tokens and no memory for their scores.
"""

from __future__ import annotations

from dataclasses import dataclass

from runners.kernels.expr import Axis, Binary, Constant, Expr, Reduce, Unary


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """``kept`` is brought up to date by each block; ``result`` is what the source's reduction is in terms of it.

    ``grows`` is the maximum by whose growth the sum is scaled, ``factors`` what ``kept`` sums the product of.
    """

    kept: Reduce
    result: Expr
    grows: Reduce | None = None
    factors: tuple[Expr, ...] = ()


def running(node: Reduce) -> Running:
    """How a reduction is kept from block to block."""
    if node.op == "max":
        return Running(node, node)
    if node.op != "sum":
        raise ValueError(
            f"{node.op} over {node.axis.name}: only sums and maxima are kept from block to block"
        )
    above, below = _factors(node.x)
    inside = tuple(factor for factor in above if node.axis in factor.axes)
    if any(node.axis in factor.axes for factor in below):
        inside = (node.x,)
        above, below = [node.x], []
    grows = next((found for factor in inside if (found := _maximum(factor, node.axis))), None)
    kept = Reduce("sum", node.axis, _product(inside))
    if others := [part for part in _over(kept.x, node.axis) if part is not grows]:
        raise ValueError(f"a sum over {node.axis.name} of {len(others)} more would need another pass")
    result: Expr = kept
    for factor in above:
        result = result if factor in inside else Binary("*", result, factor)
    for factor in below:
        result = Binary("/", result, factor)
    return Running(kept, result, grows, inside)


def is_exponential(factor: Expr, grows: Reduce | None) -> bool:
    """Whether ``factor`` is exp(x - m), with ``m`` the maximum ``grows`` of ``x``."""
    return grows is not None and _maximum(factor, grows.axis) is grows


def _factors(x: Expr) -> tuple[list[Expr], list[Expr]]:
    """What ``x`` is the product of, and what it is divided by."""
    match x:
        case Binary("*", left, right):
            (above, below), (more_above, more_below) = _factors(left), _factors(right)
            return above + more_above, below + more_below
        case Binary("/", left, right):
            (above, below), (more_above, more_below) = _factors(left), _factors(right)
            return above + more_below, below + more_above
    return [x], []


def _product(factors: tuple[Expr, ...]) -> Expr:
    first, *rest = factors or (Constant(1.0),)
    for factor in rest:
        first = Binary("*", first, factor)
    return first


def _maximum(factor: Expr, axis: Axis) -> Reduce | None:
    match factor:
        case Unary("exp", Binary("-", x, Reduce("max", over, of) as grows)) if over == axis and of is x:
            return grows
    return None


def _over(x: Expr, axis: Axis) -> list[Expr]:
    return [part for part in x.walk() if isinstance(part, Reduce) and part.axis == axis]
