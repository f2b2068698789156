"""Rows joined with devices, models and kernels: the two frames that every page, chart and download reads.

``decode`` has one line a decode block, ``kernels`` one a kernel latency. A derived column is computed here
and nowhere else. Only rows that may be ranked carry a rank: contenders, not withdrawn, not ``--quick``, not
superseded, not known to compute wrong results, of a step that is not another one, and checkable: on a device
whose bandwidth is known, at a shape that is fully stated.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator.dataset import Dataset
from generator.kernel_sizes import call_size
from generator.rows import FUSED, DecodeRow, KernelRow, Run
from generator.standing_columns import rank_columns, standing_columns
from schemas.metrics import (
    NOISY_PERCENT,
    VERY_NOISY_PERCENT,
    mbu_percent,
    mean_depth_tokens,
    roofline_tok_per_s,
)

NOISE_ABOVE_PERCENT = [NOISY_PERCENT, VERY_NOISY_PERCENT, np.inf]
NOISE_WORDS = ["noisy", "very noisy"]


@dataclass(frozen=True)
class Board:
    """The record and its two frames."""

    data: Dataset
    decode: pd.DataFrame
    kernels: pd.DataFrame

    def decode_of(self, device: str) -> pd.DataFrame:
        """Decode rows of a device, fastest first within a model."""
        return _at(self.decode, self._decode_places, device)

    def kernels_of(self, device: str) -> pd.DataFrame:
        """Kernel rows of a device, in the order of the leaderboard."""
        return _at(self.kernels, self._device_places, device)

    def kernels_named(self, kernel: str) -> pd.DataFrame:
        """Rows of a kernel, alone or fused with others, in the order of the leaderboard."""
        names = [name for name in self._name_places if kernel in name.split(FUSED)]
        places = [self._name_places[name] for name in names]
        return self.kernels.iloc[np.sort(np.concatenate([np.empty(0, np.intp), *places]))]

    def kernels_of_step(self, run: str) -> pd.DataFrame:
        """Kernel rows that make up the step of a decode row; empty where there are none."""
        return _at(self.kernels, self._step_places, run)

    @cached_property
    def references(self) -> Mapping[str, Any]:
        """The row of each model that others are divided by; a withdrawn one divides nothing."""
        rows = self.decode[(self.decode["role"] == "reference") & ~self.decode["retracted"]]
        return {row.model: row for row in rows_of(rows)}

    @cached_property
    def _decode_places(self) -> Mapping[str, NDArray[np.intp]]:
        return _places(self.decode, self.decode["device"])

    @cached_property
    def _device_places(self) -> Mapping[str, NDArray[np.intp]]:
        return _places(self.kernels, self.kernels["device"])

    @cached_property
    def _name_places(self) -> Mapping[str, NDArray[np.intp]]:
        return _places(self.kernels, self.kernels["kernel"])

    @cached_property
    def _step_places(self) -> Mapping[str, NDArray[np.intp]]:
        timed = self.kernels["latency_ns"].notna() & (self.kernels["calls_per_token"] > 0)
        return _places(self.kernels, self.kernels["step_of"].fillna(self.kernels["run"]).where(timed))


def _places(frame: pd.DataFrame, keys: pd.Series[Any]) -> dict[str, NDArray[np.intp]]:
    return {str(key): np.asarray(places) for key, places in frame.groupby(keys).indices.items()}


def _at(frame: pd.DataFrame, places: Mapping[str, NDArray[np.intp]], key: str) -> pd.DataFrame:
    return frame.iloc[places.get(key, np.empty(0, np.intp))]


def make_board(data: Dataset) -> Board:
    """All rows of ``data`` with every derived column; ids must be known (see :mod:`generator.rules`)."""
    runs = _frame([entry.run for entry in data.runs.values()], Run)
    runs["device_name"] = runs["device"].map({key: device.name for key, device in data.devices.items()})
    runs["vendor"] = runs["device"].map({key: device.vendor for key, device in data.devices.items()})
    runs["retracted"] = runs["run"].isin(list(data.retractions))
    decode = _frame([entry.decode for entry in data.runs.values() if entry.decode], DecodeRow)
    kernels = _frame([row for entry in data.runs.values() for row in entry.kernels], KernelRow)
    steps = decode_frame(runs, decode, data)
    later = dict(zip(steps["run"], steps["superseded_by"], strict=True))
    runs["superseded_by"] = pd.Series([later.get(run) for run in runs["run"]], runs.index, object)
    return Board(data, _compact(steps), _compact(kernel_frame(runs, kernels, data)))


def _compact(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame in a few blocks of memory: dozens of single columns, and text of its own kind, cut slowly."""
    names: list[str] = frame.select_dtypes("str").columns.to_list()
    return frame.assign(**{name: _shared(frame[name]) for name in names}).copy()


def _shared(texts: pd.Series[Any]) -> pd.Series[Any]:
    """The same texts, each of them once in memory."""
    codes, known = pd.factorize(texts)
    each = np.append(np.asarray(known, object), np.nan)  # the last one is what -1 takes: missing
    return pd.Series(each[codes], texts.index, object)


def _frame(rows: Sequence[Any], kind: type) -> pd.DataFrame:
    columns = {part.name: [getattr(row, part.name) for row in rows] for part in fields(kind)}
    return pd.DataFrame(columns, dtype=None if rows else object)  # an empty column would become a number's


def decode_frame(runs: pd.DataFrame, decode: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """Decode rows, fastest first within a model, with MBU, roofline, ranks and ratios."""
    frame = decode.merge(runs, on="run", validate="one_to_one")
    frame["bytes_per_token"] = needed = _each(frame, data, _bytes_per_token)
    frame["peak_gb_per_s"] = peak = _each(frame, data, _peak_gb_per_s)
    frame["mbu_percent"] = mbu_percent(needed, frame["tpot_ns"].to_numpy(), peak)
    frame["roofline_tok_per_s"] = roofline_tok_per_s(needed, peak)
    frame["tpot_ms"] = frame["tpot_ns"] / 1e6
    frame["tpot_p90_ms"] = frame["tpot_p90_ns"].astype(float) / 1e6
    frame["tpot_p99_ms"] = frame["tpot_p99_ns"].astype(float) / 1e6
    frame["tok_per_s"] = 1e9 / frame["tpot_ns"]
    frame["tok_per_s_low"] = 1e9 / frame["tpot_high_ns"]
    frame["tok_per_s_high"] = 1e9 / frame["tpot_low_ns"]
    frame["probed_share_percent"] = 100 * needed / frame["probe_bytes_in_tpot"].astype(float)
    frame["noise"] = pd.cut(
        frame["cv_percent"].astype(float), NOISE_ABOVE_PERCENT, labels=NOISE_WORDS
    ).astype(object)
    # Another step is another quantity; without a bandwidth nothing tells whether a figure is possible.
    sound = _rankable(frame) & (frame["contract"] != "another step")
    frame = frame.join(standing_columns(frame, sound))
    frame["ranked"] = sound & frame["peak_gb_per_s"].notna() & frame["superseded_by"].isna()
    frame = frame.sort_values(["model", "tok_per_s", "run"], ascending=[True, False, True], ignore_index=True)
    frame = frame.join(rank_columns(frame))
    frame["times_reference"] = frame["tok_per_s"] / frame["model"].map(_reference_tok_per_s(frame))
    return frame.merge(_best_baselines(frame), on="run", how="left").assign(
        times_baseline=lambda joined: joined["tok_per_s"] / joined["baseline_tok_per_s"]
    )


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The lines of a frame, each with its columns as attributes (itertuples is slow on wide, short frames)."""
    row: Any = _row_type(tuple(frame.columns))
    return map(row._make, frame.to_numpy(dtype=object))


@cache
def _row_type(columns: tuple[str, ...]) -> type[tuple[Any, ...]]:
    return namedtuple("Row", columns)


def _each(frame: pd.DataFrame, data: Dataset, value: Callable[[Dataset, Any], float]) -> NDArray[np.float64]:
    return np.array([value(data, row) for row in rows_of(frame)], dtype=np.float64)


def _bytes_per_token(data: Dataset, row: Any) -> float:
    depth = None if pd.isna(row.depth_tokens) else int(row.depth_tokens)
    steps = None if pd.isna(row.steps_per_repetition) else int(row.steps_per_repetition)
    return data.models[row.model].bytes_per_token(row.dtype, mean_depth_tokens(depth, steps))


def _peak_gb_per_s(data: Dataset, row: Any) -> float:
    bandwidth = data.devices[row.device].peak_bandwidth
    return bandwidth.gb_per_s if bandwidth else np.nan


def _rankable(frame: pd.DataFrame) -> pd.Series[bool]:
    failed = frame["numerics_ok"].map(lambda ok: ok is False).astype(bool)
    barred = (frame["retracted"] | frame["quick"]).astype(bool)
    return (frame["role"] == "contender") & ~barred & ~failed


def _reference_tok_per_s(frame: pd.DataFrame) -> dict[Hashable, float]:
    reference = frame[(frame["role"] == "reference") & ~frame["retracted"]]
    return dict(zip(reference["model"], reference["tok_per_s"], strict=True))


def _best_baselines(frame: pd.DataFrame) -> pd.DataFrame:
    """The fastest baseline of each row: dividing by a slow one would flatter the row."""
    baselines = frame[(frame["role"] == "baseline") & ~frame["retracted"] & frame["baseline_of"].notna()]
    best = baselines.drop_duplicates("baseline_of")  # the frame is sorted: the first is the fastest
    return pd.DataFrame(
        {
            "run": best["baseline_of"].astype(object),
            "baseline_run": best["run"].astype(object),
            "baseline_stack": best["stack"].astype(object),
            "baseline_tok_per_s": best["tok_per_s"].astype(float),
        }
    )


def kernel_frame(runs: pd.DataFrame, kernels: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """Kernel rows, fastest first within a kernel, shape and storage type, with rates and ranks."""
    frame = kernels.merge(runs, on="run", validate="many_to_one")
    shapes = (frame[part] for part in ("kernel", "shape", "dtype", "model", "depth_tokens"))
    found = [call_size(data, *shape) for shape in zip(*shapes, strict=True)]
    frame["shape_label"] = [size.label for size in found]
    frame["shape_elements"] = [size.elements for size in found]
    frame["rate_unit"] = [size.rate for size in found]
    latency_s = frame["latency_ns"].astype(float) / 1e9
    calls = np.where(frame["per"] == "token", [size.calls_per_token for size in found], 1.0)
    gigabytes = np.array([size.bytes_moved for size in found]) * calls / 1e9
    gigaflops = np.array([size.flops for size in found]) * calls / 1e9
    is_bytes = frame["rate_unit"] == "gb_per_s"
    frame["gb_per_s"] = np.where(is_bytes, gigabytes / latency_s, np.nan)
    frame["gflop_per_s"] = np.where(~is_bytes, gigaflops / latency_s, np.nan)
    frame["calls_per_token"] = [size.calls_per_token for size in found]
    targets = data.emitted.targets()
    emitted_as = zip(frame["kernel"], frame["emitted_sha256"], strict=True)
    frame["emitted_target"] = pd.Series([targets.get(text) for text in emitted_as], frame.index, object)
    frame["latency_us"] = frame["latency_ns"].astype(float) / 1e3
    frame["low_us"] = frame["low_ns"].astype(float) / 1e3
    frame["high_us"] = frame["high_ns"].astype(float) / 1e3
    frame["peak_gb_per_s"] = _each(frame, data, _peak_gb_per_s)
    known_shape = np.array([not np.isnan(size.bytes_moved) for size in found], dtype=bool)
    current = _rankable(frame) & frame["superseded_by"].isna()
    frame["ranked"] = current & frame["latency_ns"].notna() & (frame["per"] == "call") & known_shape
    return _rank_kernels(frame)


def _rank_kernels(frame: pd.DataFrame) -> pd.DataFrame:
    group = ["kernel", "shape_label", "dtype", "per"]
    order = ["kernel", "shape_elements", *group[1:], "latency_us", "run", "index"]
    frame = frame.sort_values(order, ignore_index=True)
    groups = frame.groupby(group, sort=False)
    frame["contest"] = groups.ngroup()
    ranked = frame[frame["ranked"]].groupby("contest")
    frame["rank"] = ranked.cumcount() + 1
    frame["rank_of"] = frame["contest"].map(ranked.size()).where(frame["ranked"])
    return frame
