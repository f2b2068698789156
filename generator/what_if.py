"""What a decode step could reach where nobody has measured it: the roofline, and what the MBUs on file make likely.

An estimate is no row. It is computed for each device here, for readers without a script, and by a script in the page
for any model, storage type, depth and bandwidth. Only ranked rows count: they are current, checked, and of this step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from generator.formats import number, plural
from generator.tables import Board, rows_of
from schemas.metrics import roofline_tok_per_s
from schemas.records import BYTES_PER_ELEMENT, Device, Dtype, Model

DEPTH_TOKENS = 128
SIZES = {
    "hidden_size": "Hidden size",
    "num_hidden_layers": "Layers",
    "num_attention_heads": "Heads",
    "num_key_value_heads": "Heads of K and V",
    "head_dim": "Size of a head",
    "intermediate_size": "Intermediate size",
    "vocab_size": "Vocabulary",
}
FLAGS = {"tie_word_embeddings": "Tied embeddings", "attention_bias": "Biases of Q, K and V"}
"""What of a model the bytes a token depend on, by the names that a checkpoint's config.json has for them."""

ANY = "any"
OF_DTYPE = "ranked rows of this device and storage type"
OF_DEVICE = "ranked rows of this device, of another storage type"
OF_BOARD = "all ranked rows of the board, as this device has none"
LEFT_OUT = "; left out: {} of a machine that reads less than half of its device’s bandwidth"
LEAST_PROBED_SHARE = 0.5
"""A machine whose probe reads less of its device's bandwidth has only a share of the device, as a small virtual machine
has. Its MBU says nothing of other devices."""


@dataclass(frozen=True, slots=True)
class End:
    """A row at the end of a range of MBUs."""

    run: str
    name: str
    mbu_percent: float


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest MBU among rows of one provenance."""

    provenance: str
    rows: int
    low: End
    high: End


@dataclass(frozen=True, slots=True)
class Basis:
    """On which rows an estimate rests, in words, and their ranges, one a provenance."""

    words: str
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one device could reach; memory in bytes."""

    device: Device
    gb_per_s: float
    roofline_tok_per_s: float
    basis: Basis
    weights_bytes: float
    cache_bytes: float

    def tok_per_s(self, end: End) -> float:
        """What the MBU of a row makes of the roofline."""
        return self.roofline_tok_per_s * end.mbu_percent / 100

    @property
    def fits(self) -> str:
        """Whether weights and cache fit the device's memory, as far as it is stated."""
        if self.device.memory_gb is None:
            return "not known: its memory is not stated"
        needed, there = (self.weights_bytes + self.cache_bytes) / 1e9, self.device.memory_gb
        return f"{'yes' if needed <= there else 'no'}: {number(needed, 3)} of {number(there, 3)} GB"


@dataclass(frozen=True)
class WhatIfView:
    """Estimates of the models and devices of a board."""

    board: Board

    sizes: ClassVar[dict[str, str]] = SIZES
    flags: ClassVar[dict[str, str]] = FLAGS
    dtypes: ClassVar[tuple[str, ...]] = ("bf16", "f16", "f32")
    depth_tokens: ClassVar[int] = DEPTH_TOKENS

    @property
    def devices(self) -> list[Device]:
        """The devices whose bandwidth is stated, by name."""
        known = (one for one in self.board.data.devices.values() if one.peak_bandwidth)
        return sorted(known, key=lambda one: one.name.casefold())

    def estimates(self, model: Model) -> list[Estimate]:
        """Each device with a stated bandwidth at 16 bits, the fastest first."""
        dtype: Dtype = "f16" if model.torch_dtype == "float16" else "bf16"
        found = (self.estimate(model, dtype, DEPTH_TOKENS, one) for one in self.devices)
        return sorted((one for one in found if one), key=lambda one: (-one.gb_per_s, one.device.id))

    def estimate(self, model: Model, dtype: Dtype, depth_tokens: int, device: Device) -> Estimate | None:
        """What a device could reach; None where its bandwidth is not stated."""
        if device.peak_bandwidth is None:
            return None
        width, gb_per_s = BYTES_PER_ELEMENT[dtype], device.peak_bandwidth.gb_per_s
        # An embedding row is read for each token, but all rows lie in memory; where they are tied, they are the head.
        rest = 0 if model.tie_word_embeddings else model.vocab_size * model.hidden_size
        return Estimate(
            device=device,
            gb_per_s=gb_per_s,
            roofline_tok_per_s=roofline_tok_per_s(model.bytes_per_token(dtype, depth_tokens), gb_per_s),
            basis=self.basis(device.id, dtype),
            weights_bytes=width * (model.weights_read_per_token + rest),
            cache_bytes=width * depth_tokens * model.kv_elements_per_token,
        )

    def basis(self, device: str, dtype: str) -> Basis:
        """Rows of the device and storage type, else of the device, else all."""
        own = self._of_devices.get(device, {})
        return own.get(dtype) or own.get(ANY) or self.all

    @cached_property
    def all(self) -> Basis:
        """All ranked rows of the board whose machine has its device to itself."""
        rows = [
            row for row in self._ranked
            if not row.mbu_percent < LEAST_PROBED_SHARE * row.probed_share_percent  # unknown where nothing was probed
        ]  # fmt: skip
        left_out = len(self._ranked) - len(rows)
        return Basis(OF_BOARD + (LEFT_OUT.format(plural(left_out, "row")) if left_out else ""), _ranges(rows))

    @cached_property
    def _ranked(self) -> list[Any]:
        """The ranked rows, of the least MBU first."""
        rows = self.board.decode[self.board.decode["ranked"]].sort_values(["mbu_percent", "run"])
        return list(
            rows_of(
                rows[
                    [
                        "run",
                        "device",
                        "device_name",
                        "dtype",
                        "provenance",
                        "mbu_percent",
                        "probed_share_percent",
                    ]
                ]
            )
        )

    @cached_property
    def _of_devices(self) -> dict[str, dict[str, Basis]]:
        """What is known of each device with a ranked row, by storage type and of any."""
        rows: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for row in self._ranked:
            rows[row.device][row.dtype].append(row)
            rows[row.device][ANY].append(row)
        return {
            device: {
                dtype: Basis(OF_DEVICE if dtype == ANY else OF_DTYPE, _ranges(some))
                for dtype, some in of_device.items()
            }
            for device, of_device in rows.items()
        }

    def as_given(self) -> dict[str, Any]:
        """What the page's script computes with."""
        return {
            "widths": {dtype: BYTES_PER_ELEMENT[dtype] for dtype in self.dtypes},
            "models": {
                model.id: {name: getattr(model, name) for name in (*SIZES, *FLAGS)}
                for model in self.board.data.models.values()
            },
            "devices": {
                one.id: {
                    "gb_per_s": one.peak_bandwidth.gb_per_s,
                    "memory_gb": one.memory_gb,
                    "bases": self._of_devices.get(one.id, {}),
                }
                for one in self.devices
                if one.peak_bandwidth
            },
            "all": self.all,
        }


def what_if_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """What the page reads."""
    given = msgspec.json.encode(WhatIfView(board).as_given())
    yield "assets/data/what-if.js", b'board.take("what-if",%s);\n' % given


def _ranges(rows: Sequence[Any]) -> tuple[Range, ...]:
    """Of rows in the order of their MBUs; measured and reported ones are kept apart."""
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        parts[row.provenance].append(row)
    return tuple(
        Range(name, len(parts[name]), *map(_end, (parts[name][0], parts[name][-1]))) for name in sorted(parts)
    )


def _end(row: Any) -> End:
    return End(row.run, row.device_name, float(row.mbu_percent))
