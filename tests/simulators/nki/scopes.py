"""The scope rule of ``neuronxcc.nki``: what a loop's body names first is not known after the loop."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulators.nki.memory import check


def check_scopes(function: Callable[..., Any]) -> None:
    """Refuse a name that is used where a loop that first gave it has ended."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    known = {argument.arg for argument in tree.args.args} | set(function.__globals__) | {"min"}
    _check(tree.body, known)


def _check(body: Iterable[ast.stmt], known: set[str]) -> None:
    for statement in body:
        if isinstance(statement, ast.For):
            _used(statement.iter, known)
            _check(statement.body, known | _given(statement.target))
            continue
        _used(statement, known)
        if isinstance(statement, ast.Assign):
            known = known.union(*(_given(target) for target in statement.targets))


def _used(node: ast.AST, known: set[str]) -> None:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            check(part.id in known, f"{part.id} is used outside of the loop that gave it")


def _given(target: ast.AST) -> set[str]:
    return {
        part.id for part in ast.walk(target) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
