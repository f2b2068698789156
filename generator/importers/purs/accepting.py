"""New figures to drafts without a problem: what the rules of the record refuse is refused here, in their words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from generator.dataset import Dataset
from generator.importers.accounts import Accounts
from generator.importers.drafts import Draft, problems_of
from generator.importers.purs.cells import Refused
from generator.importers.purs.devices import draft_device
from generator.importers.purs.merging import Figure, settle
from generator.importers.purs.names import Names
from generator.importers.purs.reading import Row
from generator.importers.purs.records import Sheet, draft_of, sheets_of
from schemas.problems import Problem

_TIMING = re.compile(r"kernels\.timings\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What new figures are judged by; ``cells`` holds a row of each device, the one that tells most of it."""

    names: Names
    data: Dataset
    accounts: Accounts
    cells: Mapping[str, Row]
    retrieved: str

    def drafts_of(self, new: Sequence[Figure], figures: Sequence[Figure]) -> list[Draft]:
        """Records and devices of ``new``, valid beside what is on file; all of the values are settled.

        ``figures`` are all that the files hold, so that ids do not depend on what is on file.
        """
        left = list(new)
        while True:
            devices, left = self._devices(left)
            sheets, left = self._with_baselines(sheets_of(left, figures, self.names, self.data))
            drafts = [draft_of(sheet, self.names, self.retrieved) for sheet in sheets]
            refused = self._refused(problems_of([*devices, *drafts], self.data), sheets, devices)
            if not refused:
                break
            for figure, why in refused.values():
                settle(figure, self.accounts, "refused", why)
            left = [figure for figure in left if id(figure) not in refused]
        for figure in left:
            self.accounts.settle(figure.first.place, "imported")
            for value in figure.values[1:]:
                self.accounts.settle(value.place, "merged")
        return [*devices, *drafts]

    def _devices(self, figures: Sequence[Figure]) -> tuple[list[Draft], list[Figure]]:
        """Drafts of the devices that are not on file, and the figures whose device is one or the other."""
        drafts: dict[str, Draft] = {}
        left: list[Figure] = []
        for figure in figures:
            first = figure.first
            if first.device not in self.data.devices and first.device not in drafts:
                cells = self.cells[first.device].cells
                try:
                    drafts[first.device] = draft_device(
                        first.device, first.device_as_stated, cells, self.names
                    )
                except Refused as error:
                    why = Problem("", error.field, error.problem, error.remedy)
                    settle(figure, self.accounts, "refused", why)
                    continue
            left.append(figure)
        return list(drafts.values()), left

    def _with_baselines(self, sheets: Sequence[Sheet]) -> tuple[list[Sheet], list[Figure]]:
        """Decode steps that call themselves a baseline with the row they belong to, and the figures that are left."""
        contenders = {
            (entry.run.device, entry.decode.model): name
            for name, entry in sorted(self.data.runs.items(), reverse=True)
            if entry.decode and entry.run.role == "contender"
        }
        for sheet in reversed(sheets):
            if sheet.first.what.kind == "decode" and not self._is_baseline(sheet):
                contenders.setdefault((sheet.first.device, sheet.first.what.name), sheet.id)
        kept: list[Sheet] = []
        for sheet in sheets:
            if not self._is_baseline(sheet):
                kept.append(sheet)
            elif owner := contenders.get((sheet.first.device, sheet.first.what.name)):
                kept.append(replace(sheet, baseline_of=owner))
            else:
                name = sheet.first.software.implementation
                said = (
                    f"calls itself a baseline, and no row of the device is what it is one of (got '{name}')"
                )
                why = Problem("", "toolchain", said, "import the device's own decode row too")
                settle(sheet.figures[0], self.accounts, "refused", why)
        return kept, [figure for sheet in kept for figure in sheet.figures]

    def _is_baseline(self, sheet: Sheet) -> bool:
        said = (sheet.first.software.implementation or "").lower()
        return sheet.first.what.kind == "decode" and any(hint in said for hint in self.names.baseline)

    def _refused(
        self, problems: Sequence[Problem], sheets: Sequence[Sheet], devices: Sequence[Draft]
    ) -> dict[int, tuple[Figure, Problem]]:
        """The figures that the record's rules refuse by their identity, each with the first reason."""
        folder = self.data.folder
        by_path = {f"{folder}/reported/{self.names.folder}/{sheet.id}.json": sheet for sheet in sheets}
        by_device = {f"{folder}/{draft.place}": draft.id for draft in devices}
        found: dict[int, tuple[Figure, Problem]] = {}
        for problem in problems:
            if sheet := by_path.get(problem.path):
                at = _TIMING.match(problem.field)
                wrong = sheet.figures[int(at[1]) : int(at[1]) + 1] if at else sheet.figures
            else:
                device = by_device[problem.path]
                wrong = tuple(f for one in sheets for f in one.figures if f.first.device == device)
            for figure in wrong:
                found.setdefault(id(figure), (figure, problem))
        return found
