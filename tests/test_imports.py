"""Who may import whom: schemas nobody, the generator and the runners schemas only, and never each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("schemas", "generator", "runners", "tests")


def imported(source: str, package: str) -> set[str]:
    """The modules that a module of ``package`` imports anywhere in it, relative ones resolved."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            found |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
    return found


def modules(folder: str) -> list[Path]:
    """The modules below a folder, which need not exist yet."""
    return sorted((ROOT / folder).rglob("*.py"))


def of_ours(path: Path) -> set[str]:
    """The modules of ours that a file imports."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return {name for name in imported(path.read_text("utf-8"), package) if name.split(".")[0] in OURS}


def foreign(folder: str, *allowed: str) -> list[str]:
    """What the modules of ``folder`` import of ours beyond ``allowed``."""
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in sorted(of_ours(path))
        if not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]


def test_schemas_import_only_schemas() -> None:
    assert modules("schemas")
    assert foreign("schemas", "schemas") == []


def test_the_generator_imports_only_itself_and_schemas() -> None:
    assert modules("generator")
    assert foreign("generator", "generator", "schemas") == []


def test_the_runners_never_import_the_generator() -> None:
    assert foreign("runners", "runners", "schemas") == []


def test_the_kernel_source_imports_nothing_of_ours() -> None:
    assert foreign("runners/kernels", "runners.kernels") == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import runners.cpu", {"runners.cpu"}),
        ("def f():\n    from generator import build", {"generator", "generator.build"}),
        ("from . import a", {"p.q", "p.q.a"}),
        ("from ..r import a", {"p.r", "p.r.a"}),
        ("if 0:\n    import os, schemas.load as s", {"os", "schemas.load"}),
    ],
)
def test_every_way_to_import_is_seen(source: str, found: set[str]) -> None:
    assert imported(source, "p.q") == found
