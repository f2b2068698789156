"""Small files of the leaderboard's forms, written for the tests, and short ways to import them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from generator import __main__ as cli
from generator.importers import Import, importer

_FIRST = "device_id,kernel_id,dtype,input_shape,batch_size,impl_lang,latency_us,"
PLAIN = f"{_FIRST}driver_version,toolchain,git_sha,submitter"
RATED = PLAIN.replace("latency_us,", "latency_us,throughput_gbps,")
CHECKED = f"{_FIRST}throughput_gbps,max_abs_err,sums_ok,driver_version,toolchain"
DAY = "2026-02-03"


def row(us: object = 10.0, kernel: str = "softmax", shape: str = "[64, 1024]", **changes: str) -> str:
    """A line below :data:`PLAIN`."""
    cell = {
        "device": "nvidia-tesla-t4",
        "dtype": "f32",
        "batch": "1",
        "language": "cuda",
        "driver": "D 1",
        "toolchain": "tool",
    }
    cell |= {"sha": "", "by": "x"} | changes
    said = f'"{us}"' if "," in str(us) else us
    return (
        f'{cell["device"]},{kernel},{cell["dtype"]},"{shape}",{cell["batch"]},{cell["language"]},{said},'
        f"{cell['driver']},"
        f"{cell['toolchain']},{cell['sha']},{cell['by']}"
    )


def rated(us: object, rate: object, **changes: str) -> str:
    """A line below :data:`RATED`."""
    return row(f"{us},{rate}", **changes).replace(f'"{us},{rate}"', f"{us},{rate}")


def checked(
    us: object, ok: str, shape: str = "[64, 1024]", toolchain: str = "tool", device: str = "nvidia-tesla-t4"
) -> str:
    """A line below :data:`CHECKED`."""
    return f'{device},softmax,f32,"{shape}",1,cuda,{us},,0.0,{ok},D 1,{toolchain}'


def entry(us: object = 10.0, **changes: Any) -> dict[str, Any]:
    """An entry of leaderboard.json."""
    return {
        "device_id": "nvidia-tesla-t4", "vendor": "NVIDIA", "model": "Tesla T4", "xpu_type": "GPU", "tdp_watts": 70.0,
        "memory_gb": 16.0, "memory_bw_gbps": 320.0, "kernel_id": "softmax", "dtype": "f32",
        "input_shape": "[64, 1024]", "batch_size": 1, "impl_lang": "cuda", "latency_us": us, "throughput_gops": None,
        "num_runs": 1, "driver_version": "D 1", "toolchain": "tool", "run_date": "2026-04-12 05:16:34", "verified": 0,
    } | changes  # fmt: skip


@dataclass(frozen=True)
class Board:
    """Files beside a data folder."""

    folder: Any

    @property
    def data(self) -> Path:
        found: Path = self.folder.data
        return found

    def file(self, name: str, content: str | bytes) -> Path:
        path: Path = self.folder.root / "files" / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def csv(self, *lines: str, header: str = PLAIN, name: str = "a.csv") -> Path:
        return self.file(name, "\n".join([header, *lines, ""]))

    def json(self, *entries: Any, name: str = "leaderboard.json") -> Path:
        return self.file(name, json.dumps(list(entries), indent=2))

    def read(self, *files: Path) -> Import:
        """What ``files`` hold beyond the data folder, nothing written."""
        return importer("purs")(files, self.folder.dataset(), self.data, DAY)

    def run(self, *arguments: str | Path) -> Result:
        """The command, on this data folder."""
        words = ["import", "purs", *map(str, arguments), "--data-dir", str(self.data), "--retrieved", DAY]
        return CliRunner().invoke(cli.main, words)

    def problems(self) -> list[str]:
        found: list[str] = self.folder.problems(date.max)  # facts of the real devices are of many days
        return found


def counts(found: Import) -> dict[str, int]:
    """How many rows met each fate, those of none left out."""
    return {fate: count for fate, count in found.accounts.counts().items() if count}


def refusals(found: Import) -> list[str]:
    return [f"{why.field}: {why.problem}; {why.remedy}" for why in found.accounts.told("refused")]


def notes(found: Import) -> list[str]:
    return [said for _, said in found.accounts.notes]


def records(found: Import) -> list[dict[str, Any]]:
    """The new records of results, as plain data."""
    return [json.loads(draft.text) for draft in found.drafts if draft.place.startswith("reported/")]


def timings(found: Import) -> list[dict[str, Any]]:
    """Every kernel latency of the new records."""
    return [timing for record in records(found) for timing in record["kernels"]["timings"]]


def figures(found: Import) -> Sequence[dict[str, Any]]:
    """What the new records state of kernels."""
    return [timing["figure"] for timing in timings(found)]
