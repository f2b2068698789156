"""How a device's rows can be had again: the commands, what to expect of them, and machines that are lent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generator.instructions import Instructions
from schemas.records import Device, RunnerFacts, notebook_name, task_name


@dataclass(frozen=True)
class Expectation:
    """A row, and the figures between which another run counts as the same; ``option`` makes the runner do as it did.

    ``option`` is empty where the runner does so by itself, and None where it does not take the row's storage type.
    """

    row: Any
    low_tok_per_s: float
    high_tok_per_s: float
    option: str | None


@dataclass(frozen=True)
class ReproductionView:
    """The section on reproduction of one device. ``rows`` are its decode rows."""

    device: Device
    instructions: Instructions
    rows: list[Any]

    @property
    def runners(self) -> tuple[RunnerFacts, ...]:
        """The runners that measure the device."""
        return self.instructions.runners(self.device)

    @property
    def anybodys(self) -> bool:
        """Whether nobody else could have the machine: its file states neither vendor nor language."""
        return self.device.vendor is None and not self.device.languages

    @property
    def expected(self) -> list[Expectation]:
        """Each row that stands for the device itself, not for another stack on it."""
        index = self.instructions.index
        if index is None or not self.runners or self.anybodys:
            return []
        most = 1 + index.protocol.tolerance_percent / 100  # the slower of two needs so much more time
        return [
            Expectation(row, row.tok_per_s / most, row.tok_per_s * most, self._option(row))
            for row in self.rows
            if row.role == "contender" and not row.retracted and not row.quick
        ]

    @property
    def options(self) -> tuple[str, ...]:
        """What some row needs beside the plain command."""
        return tuple(dict.fromkeys(one.option for one in self.expected if one.option))

    def _option(self, row: Any) -> str | None:
        storages = self.runners[0].storages
        if row.dtype not in storages:
            return None
        stated = self.device.reproduction if row.provenance == "reported" else None
        options = [] if row.dtype == storages[0] else [f"--dtype {row.dtype}"]
        return " ".join([*options, *([stated.options] if stated and stated.options else [])])

    @property
    def notebook(self) -> str | None:
        """The name of its notebook's file."""
        stated = self.device.access and self.device.access.colab
        return self._named(notebook_name(self.device.id)) if stated else None

    @property
    def task(self) -> str | None:
        """The name of its task's file."""
        stated = self.device.access and self.device.access.skypilot
        return self._named(task_name(self.device.id)) if stated else None

    def _named(self, name: str) -> str | None:
        return name if name in self.instructions.texts else None

    @property
    def colab(self) -> str | None:
        """Where Colab opens the notebook."""
        index = self.instructions.index
        if index is None or self.notebook is None or index.notebooks_open_at is None:
            return None
        return f"{index.notebooks_open_at}/{self.notebook}"
