"""What the emitters and the tests of emitted kernels write: frozen dataclasses of ``data/emitted/*.json``.

A part of :mod:`schemas.records`, which exports these names; import them from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.facts import Dtype

CheckKind = Literal["simulated", "vendor-verified", "vendor-compiled"]


# --- index: data/emitted/index.json ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Language:
    """A language that kernels are emitted in: its id, its name for people, and how its files end.

    ``form_of`` names the language that this is another form of.
    """

    id: str
    name: str
    suffix: str
    form_of: str | None
    storages: tuple[Dtype, ...]


@dataclass(frozen=True, slots=True)
class SourceText:
    """The file that holds the source of one kernel."""

    kernel: str
    path: str
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class EmittedText:
    """The file that holds one kernel in one language; ``hashes`` are those of each storage type's text."""

    kernel: str
    target: str
    storage: Dtype
    lengths: dict[str, int]
    path: str
    sha256: str
    lines: int
    hashes: dict[str, str]


@dataclass(frozen=True, slots=True)
class EmittedIndex:
    """Everything that the emitters wrote, at the sizes of ``model``."""

    schema: str
    id: str
    model: str
    targets: tuple[Language, ...]
    sources: tuple[SourceText, ...]
    kernels: tuple[EmittedText, ...]


# --- proofs: data/emitted/proof.json --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """A check that every case passed; ``this_text`` says whether the emitted file was one of them."""

    check: CheckKind
    tool: str
    cases: int
    this_text: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What one kernel in one language passed; it holds for the text of that hash only."""

    kernel: str
    target: str
    sha256: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Proofs:
    """All proofs, in the order of kernels and languages."""

    schema: str
    id: str
    proofs: tuple[Proof, ...]
