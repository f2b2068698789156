"""The board cut into what pages show: one view a model and a kernel (a device's is in its own module)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from generator.findings import checked_claims, kernel_against_decode, reconciliations, source_groups
from generator.kernel_sizes import model_shape
from generator.tables import Board, rows_of
from generator.texts import Source, Text
from schemas.metrics import mbu_percent
from schemas.records import Device, Kernel, Language, Model

RAN = "ran on device"
PROOFS = ("simulated", "vendor-verified", "vendor-compiled", RAN)
MOST_DECODE_ROWS = 30
MOST_KERNEL_ROWS = 20
MOST_STEPS = 4


@dataclass(frozen=True)
class ModelView:
    """The decode rows of one model and what they say."""

    board: Board
    model: Model

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All decode rows of the model, fastest first."""
        return self.board.decode[self.board.decode["model"] == self.model.id]

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The rows that carry a rank, best first."""
        return self.rows[self.rows["ranked"]]

    @cached_property
    def table(self) -> pd.DataFrame:
        """Contenders and the reference: the ranked rows, then the others, withdrawn and superseded ones last."""
        contenders = self.rows[(self.rows["role"] == "contender") & ~self.rows["quick"]]
        others = current_first(contenders[~contenders["ranked"]])
        return pd.concat([self.ranked, others, self.rows[self.rows["role"] == "reference"]])

    @cached_property
    def headline(self) -> list[Any]:
        """The first rows of the table, as many as stand in the page, and the reference."""
        contenders = self.table[self.table["role"] != "reference"].head(MOST_DECODE_ROWS)
        return [*rows_of(contenders), *rows_of(self.table[self.table["role"] == "reference"])]

    @cached_property
    def baselines(self) -> list[Any]:
        """Other stacks on the same devices."""
        return list(rows_of(self.rows[self.rows["role"] == "baseline"].head(MOST_DECODE_ROWS)))

    @cached_property
    def reference(self) -> Any | None:
        """The row that every other is divided by."""
        return self.board.references.get(self.model.id)

    @cached_property
    def leaders(self) -> list[Any]:
        """The rows that may be the fastest: more than one where their intervals overlap."""
        return list(rows_of(self.ranked[self.ranked["rank_best"] == 1]))

    @cached_property
    def sources(self) -> list[Any]:
        """Ranked rows grouped by kernel source."""
        return source_groups(self.rows)

    @cached_property
    def claims(self) -> list[Any]:
        """What the sources claim about their rows, beside what the record gives."""
        return checked_claims(self.board, self.rows)

    @cached_property
    def steps(self) -> list[Any]:
        """The best ranked rows' steps, taken apart."""
        return reconciliations(self.board, self.ranked, MOST_STEPS)

    @cached_property
    def against_kernels(self) -> list[Any]:
        """Devices by how much better they stand per kernel than on decode."""
        return kernel_against_decode(self.board, self.rows)

    @property
    def other_mbu(self) -> dict[str, list[dict[str, float]]]:
        """MBU against the other bandwidths of each row's device."""
        return other_mbu(self.board, self.rows)

    @property
    def without_kernels(self) -> list[str]:
        """Ranked devices that no kernel contest says anything about."""
        judged = {entry.device for entry in self.against_kernels}
        return list(
            dict.fromkeys(row.device_name for row in rows_of(self.ranked) if row.device not in judged)
        )

    @cached_property
    def devices(self) -> list[Device]:
        """The devices of the ranked rows and the reference, in that order."""
        names = dict.fromkeys(row.device for row in self.headline)
        return [self.board.data.devices[name] for name in names]

    @property
    def all_stated(self) -> bool:
        """Whether every ranked row states its kernel source."""
        return bool(self.ranked["kernel_source_key"].notna().all())

    @property
    def differences(self) -> list[str]:
        """What the ranked rows differ in besides emitter and language, as far as it is on file."""
        dtypes = list(dict.fromkeys(self.ranked["dtype"]))
        found = [f"the storage type of the weights ({', '.join(dtypes)})"] if len(dtypes) > 1 else []
        if self.ranked["depth_tokens"].nunique() > 1:
            found.append("the context depth")
        kernels = self.board.kernels
        outside = kernels[kernels["execution"].isin(["vendor_library", "host"])]
        if outside["step_of"].fillna(outside["run"]).isin(self.ranked["run"]).any():
            found.append("what runs outside of the emitted kernels")
        return found

    @property
    def unstated_depths(self) -> int:
        """How many ranked rows state no depth."""
        return int(self.ranked["depth_tokens"].isna().sum())

    @property
    def unstated_contracts(self) -> int:
        """How many ranked rows leave something open about what their step contains."""
        return int((self.ranked["contract"] == "partly stated").sum())


def current_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Decode rows in their order, but for those that were withdrawn or superseded: these come last."""
    past = rows["superseded_by"].notna().to_numpy(bool) | rows["retracted"].to_numpy(bool)
    return rows.iloc[np.argsort(past, kind="stable")]


def other_mbu(board: Board, rows: pd.DataFrame) -> dict[str, list[dict[str, float]]]:
    """Of each row whose device has several stated bandwidths: MBU against those that do not count."""
    found = {}
    for row in rows_of(
        rows[rows["device"].isin([d.id for d in board.data.devices.values() if d.other_bandwidths])]
    ):
        others = board.data.devices[row.device].other_bandwidths
        found[row.run] = [
            {"gb_per_s": o.gb_per_s, "percent": mbu_percent(row.bytes_per_token, row.tpot_ns, o.gb_per_s)}
            for o in others
        ]
    return found


@dataclass(frozen=True)
class ShownText:
    """A text, the id and name of every device that ran it, and the other forms of the same language."""

    text: Text
    ran_on: list[tuple[str, str]]
    forms: tuple[ShownText, ...] = ()

    @property
    def language(self) -> Language:
        """The language that the text is in."""
        return self.text.language

    @property
    def proofs(self) -> list[str]:
        """What is proven of it, the weakest first."""
        found = {check.check for check in self.text.checks} | ({RAN} if self.ran_on else set())
        return [proof for proof in PROOFS if proof in found]


@dataclass(frozen=True)
class KernelView:
    """The latencies of one kernel, by shape and storage type."""

    board: Board
    kernel: Kernel

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All rows of the kernel, alone or fused with others."""
        return self.board.kernels_named(self.kernel.id)

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """Rows that compare: one kernel (or fusion), shape and storage type, ranked first."""
        keys = ["kernel", "shape_label", "dtype", "per"]
        found = []
        for (fused, shape, dtype, per), rows in self.rows.groupby(keys, sort=False):
            ordered = rows.sort_values(["rank", "latency_us"], na_position="last")
            found.append({"kernel": fused, "shape": shape, "dtype": dtype, "per": per, "total": len(rows),
                          "rows": list(rows_of(ordered.head(MOST_KERNEL_ROWS)))})  # fmt: skip
        return found

    @cached_property
    def best(self) -> Any | None:
        """The ranked row with the highest rate, of the kernel alone."""
        alone = self.rows["kernel"] == self.kernel.id
        ranked = self.rows[alone & self.rows["ranked"] & self.rows[self.kernel.rate].notna()]
        return next(rows_of(ranked.sort_values(self.kernel.rate, ascending=False).head(1)), None)

    @property
    def source(self) -> Source | None:
        """Its source, from which all its texts come."""
        return self.board.data.emitted.source(self.kernel.id)

    @cached_property
    def texts(self) -> list[ShownText]:
        """Its text in each language, and each other form of it below."""
        found = [ShownText(text, self._ran_on(text)) for text in self.board.data.emitted.of(self.kernel.id)]
        return [
            replace(one, forms=tuple(form for form in found if form.language.form_of == one.language.id))
            for one in found
            if one.language.form_of is None
        ]

    def in_language(self, target: str) -> ShownText | None:
        """Its text in one language or form."""
        every = [one for shown in self.texts for one in (shown, *shown.forms)]
        return next((one for one in every if one.language.id == target), None)

    def _ran_on(self, text: Text) -> list[tuple[str, str]]:
        """Devices with a measured row of this text, for any storage type, that passed its check there."""
        alone = self.rows[self.rows["kernel"] == self.kernel.id]
        passed = (alone["numerics_ok"] == True) & (alone["provenance"] == "measured") & ~alone["retracted"]  # noqa: E712
        ran = alone[passed & (alone["emitted_target"] == text.language.id)]
        return list(dict.fromkeys(zip(ran["device"], ran["device_name"], strict=True)))

    @property
    def steps(self) -> list[tuple[Model, int, dict[str, int | None]]]:
        """The models whose decode step calls this kernel: how often, and at what shape."""
        models = self.board.data.models.values()
        calls = [(model, self.kernel.calls_per_token(model)) for model in models]
        return [(model, count, model_shape(self.kernel, model, None)) for model, count in calls if count]
