"""What an emitter gives, and what an emitter is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from runners.kernels.emit.layout import ROWS, Layout
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage


@dataclass(frozen=True, slots=True)
class Emitted:
    """One kernel in one language, for one set of sizes and one storage type.

    Every text takes the kernel's arrays in their order, single numbers as arrays of one element, and then,
    where an array has the dynamic axis, its capacity. ``layouts`` names the arrays that the host lays out
    otherwise than in rows. ``launch`` is what a runner must know to start it, in the language's own terms,
    such as ``programs``, or ``grid`` and ``block``.
    """

    kernel: Kernel
    target: str
    sizes: Sizes
    storage: Storage
    text: str
    launch: dict[str, int]
    layouts: dict[str, Layout] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8: what a result file records."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def layout(self, array: str) -> Layout:
        """The layout of the kernel's array of that name."""
        return self.layouts.get(array, ROWS)


@dataclass(frozen=True, slots=True)
class Target:
    """A language: its id, its name for people, the ending of its files, its storage types, its emitter.

    ``form_of`` is the id of another target where this one is the same language written for another way in,
    such as a body without its signature.
    """

    id: str
    name: str
    suffix: str
    storages: tuple[Storage, ...]
    emit: Callable[[Kernel, Sizes, Storage], Emitted]
    form_of: str | None = None
