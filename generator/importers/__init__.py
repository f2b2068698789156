"""Other boards' files become reported records: what an importer is, and which there are.

An importer is a package here with a function ``read`` that is an :data:`Importer`. It reads and judges; it
writes nothing. What it hands back is an :class:`Import`: the fate of every row that it read, and the records that
would be new. :mod:`generator.importers.drafts` judges these in the company of the data folder, and
:mod:`generator.importers.filing` writes all of them or none. How a board names devices, languages and kernels is
data: ``data/importers/<name>.yml``.

A new board: a package here, its names in ``data/importers/``, a line in :data:`IMPORTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from generator.dataset import Dataset
from generator.importers.accounts import Accounts
from generator.importers.drafts import Draft
from schemas.problems import Problem

IMPORTERS = {"purs": "generator.importers.purs"}
"""Each importer by its name and the package that holds it, which is imported when it is asked for."""


@dataclass(frozen=True, slots=True)
class Import:
    """What an importer made of files: the fate of each row, and new records; ``drafts`` are valid together."""

    accounts: Accounts
    drafts: tuple[Draft, ...]


class Unimportable(Exception):
    """Files that no row can be read from, or names that cannot: every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, problems)))


Importer = Callable[[Sequence[Path], Dataset, Path, str], Import]
"""``(files, what is on file, data folder, day of retrieval as YYYY-MM-DD)`` to an :class:`Import`; raises
:class:`Unimportable`."""


def importer(name: str) -> Importer:
    """The importer of this name in :data:`IMPORTERS`."""
    found: Importer = import_module(IMPORTERS[name]).read
    return found
