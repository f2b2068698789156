"""Rules of ``neuronxcc.nki`` on a kernel's text: what a loop gives ends with it, and its turns share no output.

What a loop's body names first is not known after the loop. In a loop of ``affine_range``, whose turns have no
order, what was there before is written at a place that the loop's counter tells; a sum of products may grow.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.simulators.nki.memory import check

Loops = tuple[tuple[str, frozenset[str]], ...]
"""Each unordered loop's counter, and what was there before it."""


def check_scopes(function: Callable[..., Any]) -> None:
    """Refuse a name that is used where the loop that gave it has ended, and turns that write one place."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    known = {argument.arg for argument in tree.args.args} | set(function.__globals__) | {"min"}
    _check(tree.body, known, ())


def _check(body: Iterable[ast.stmt], known: set[str], loops: Loops) -> None:
    for statement in body:
        if isinstance(statement, ast.For):
            _used(statement.iter, known)
            counter = {part.id for part in ast.walk(statement.target) if isinstance(part, ast.Name)}
            unordered = "affine_range" in ast.dump(statement.iter)
            inner = tuple((name, frozenset(known)) for name in counter if unordered)
            _check(statement.body, known | counter, (*loops, *inner))
            continue
        _used(statement, known)
        for target in _written(statement):
            _apart(target, loops)
        if isinstance(statement, ast.Assign):
            known = known | {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _used(node: ast.AST, known: set[str]) -> None:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            check(part.id in known, f"{part.id} is used outside of the loop that gave it")


def _written(statement: ast.stmt) -> Iterator[ast.expr]:
    """The places that a statement assigns to, or that an instruction without a result writes."""
    match statement:
        case ast.Assign(targets=targets):
            yield from (target for target in targets if isinstance(target, ast.Subscript))
        case ast.Expr(value=ast.Call(args=args, keywords=keywords)):
            yield from args[:1]
            yield from (keyword.value for keyword in keywords if keyword.arg == "dst")


def _apart(target: ast.expr, loops: Loops) -> None:
    names = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
    for counter, before in loops:
        shared = names[0] in before and counter not in names
        check(not shared, f"turns of the loop over {counter} write one place: {ast.unparse(target)}")
