"""Sums weighted by a softmax over the tokens, in one pass: which rewriting makes it possible.

A softmax takes off the largest score before it knows it, so as written it is three passes, and each would
read all keys again. Keeping the scores needs memory that grows with the depth; a block's memory does not. So
the pass carries its sums relative to the largest score *so far*. Two identities of the real numbers allow it:

- a factor that does not run along the tokens leaves the sum: sum(e / total · v) = sum(e · v) / total;
- sum(exp(score - new) · v) = exp(old - new) · sum(exp(score - old) · v), when the largest grows.

Parts of the tokens are merged by the second one too. The rule asks for no kernel: it applies wherever each
sum over the dynamic axis has a factor exp(score - max(score)), and says so where one has not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from runners.kernels.expr import Axis, Binary, Expr, Kernel, Reduce, Unary

Side = Literal["*", "/"]


@dataclass(frozen=True, slots=True)
class CarriedSum:
    """``node`` is ``summed``, a sum that can be rescaled, times and over the factors ``outside``."""

    node: Reduce
    summed: Reduce
    outside: tuple[tuple[Side, Expr], ...]


@dataclass(frozen=True, slots=True)
class OnePass:
    """What a pass over ``axis`` carries: the largest ``score``, and sums in which each ``share`` is its power of e."""

    axis: Axis
    score: Expr
    largest: Reduce
    share: Expr
    sums: tuple[CarriedSum, ...]


def one_pass(kernel: Kernel) -> OnePass:
    """The reductions of ``kernel`` over its dynamic axis as one pass."""
    over = [node for node in kernel.reductions if node.axis.dynamic]
    maxima = [node for node in over if node.op == "max"]
    shares = {
        part
        for node in over
        for part in node.x.walk()
        if isinstance(part, Unary) and part.op == "exp" and _is_share(part.x, maxima)
    }
    if len(maxima) != 1 or len(shares) != 1:
        raise NotImplementedError(f"{kernel.name}: no softmax over the tokens to carry")
    (largest,), (share,) = maxima, shares
    sums = tuple(_carried(kernel, node, share) for node in over if node is not largest)
    return OnePass(largest.axis, largest.x, largest, share, sums)


def _is_share(x: Expr, maxima: list[Reduce]) -> bool:
    match x:
        case Binary("-", score, Reduce() as largest):
            return largest in maxima and score is largest.x
    return False


def _carried(kernel: Kernel, node: Reduce, share: Expr) -> CarriedSum:
    """``node`` without the factors that stand still."""
    factors = list(_factors(node.x))
    inside = [factor for side, factor in factors if node.axis in factor.axes and side == "*"]
    outside = tuple((side, factor) for side, factor in factors if node.axis not in factor.axes)
    others = [part for factor in inside if factor is not share for part in factor.walk()]
    reduced_again = any(isinstance(part, Reduce) and part.axis == node.axis for part in others)
    if (
        node.op != "sum"
        or inside.count(share) != 1
        or reduced_again
        or len(inside) + len(outside) < len(factors)
    ):
        raise NotImplementedError(
            f"{kernel.name}: a {node.op} over the tokens that cannot be rescaled as the largest score grows"
        )
    summed = Reduce("sum", node.axis, reduce(lambda left, right: Binary("*", left, right), inside))
    return CarriedSum(node, summed, outside)


def _factors(x: Expr, side: Side = "*") -> Iterator[tuple[Side, Expr]]:
    """What ``x`` is a product of, each with the side of the line that it stands on."""
    match x:
        case Binary("*", left, right):
            yield from _factors(left, side)
            yield from _factors(right, side)
        case Binary("/", left, right):
            yield from _factors(left, side)
            yield from _factors(right, "*" if side == "/" else "/")
        case _:
            yield side, x
