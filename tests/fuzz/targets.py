"""What is fuzzed: a stranger's file, by name and bytes, through the code that reads it, and what must hold afterwards.

An input is one file: its name on the first line, its bytes below. A target raises where something other than a record
or a refusal in printable lines comes of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.dataset import Dataset, read_dataset
from generator.file_rules import file_problems
from generator.importers import Unimportable, importer
from generator.importers.report import as_data, as_text
from generator.rows import distill
from generator.rules import cross_file_problems
from schemas.load import load
from schemas.problems import Problem
from schemas.prose import render
from schemas.records import Device, Kernel, Result
from tests.generator.examples import REPOSITORY, TODAY, Folder
from tests.schemas.examples import EXAMPLES, written

LEADERBOARD = REPOSITORY.parent / "shared" / "leaderboard-csv"
MOST_BYTES = 64_000
_MOST_SEED_BYTES = 16_000
_OUTSIDE = ("a.json", "a.yml", "a.md")
_NAMES = {"load": (*EXAMPLES, *_OUTSIDE), "import": ("a.csv", "leaderboard.json", "gpu_results.txt")}
Run = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """``names`` are those that an input may have; ``make`` prepares a folder and returns what is run."""

    name: str
    names: tuple[str, ...]
    seeds: Callable[[], Iterator[tuple[str, bytes]]]
    make: Callable[[Path], Run]

    def parts(self, raw: bytes) -> tuple[str, bytes] | None:
        """Name and bytes of an input; None where its first line is no name."""
        line, _, body = raw.partition(b"\n")
        name = line.decode("utf-8", "replace")
        return (name, body) if name in self.names else None

    def inputs(self) -> list[bytes]:
        """The seeds as inputs."""
        return sorted({joined(name, body[:_MOST_SEED_BYTES]) for name, body in self.seeds()})


def joined(name: str, body: bytes) -> bytes:
    """An input."""
    return name.encode() + b"\n" + body


def must_print(lines: Iterable[object]) -> None:
    """Every line of a message is one that a terminal shows as it is, and that can be written as UTF-8."""
    for line in map(str, lines):
        assert line.isprintable(), f"does not print: {line!r}"
        assert len(line) < 1500, f"is too long: {line[:100]}"
        line.encode()


# --- single files ---------------------------------------------------------------------------------


def _load(folder: Path) -> Run:
    data = folder / "data"
    data.mkdir()

    def run(name: str, body: bytes) -> None:
        path = (folder if name in _OUTSIDE else data) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        found = load(path, data)
        if isinstance(found, list):
            assert found, "a refusal without a reason"
            must_print(found)
            return
        must_print(file_problems(found, name))
        if isinstance(found, Result):
            distill(found, name)
        if isinstance(found, Device | Kernel):
            render(found.notes)

    return run


def _load_seeds() -> Iterator[tuple[str, bytes]]:
    for name, record in EXAMPLES.items():
        yield name, written(record, Path(name).suffix)
        yield f"a{Path(name).suffix}", written(record, Path(name).suffix)
    for folder, name in (
        ("devices", "devices/example-gpu.md"),
        ("models", "models/example-model.yml"),
        ("kernels", "kernels/attention-example.md"),
        ("reported", "reported/example/example-reported.json"),
    ):
        for path in sorted((REPOSITORY / "data" / folder).rglob("*.*"))[:20]:
            yield name, path.read_bytes()


# --- the record -----------------------------------------------------------------------------------


def _dataset(folder: Path) -> Run:
    """A small record, of which one file is the input."""
    made = _small_record(folder)
    originals = {name: (made.data / name).read_bytes() for name in _RECORD}

    def run(name: str, body: bytes) -> None:
        (made.data / name).write_bytes(body)
        try:
            data, problems = read_dataset(made.data)
        finally:
            (made.data / name).write_bytes(originals[name])
        must_print([*problems, *cross_file_problems(data, TODAY)])

    return run


_RECORD = (
    "devices/gpu-a.md", "models/tiny.yml", "kernels/norm.md", "retracted.yml", "reported/page/top.json",
    "results/gpu-a/second.json", "emitted/index.json", "emitted/proof.json", "reproduce/index.json",
)  # fmt: skip


def _small_record(folder: Path) -> Folder:
    from tests.generator.examples import claim, samples, timing, timings

    made = Folder(folder)
    made.device("gpu-a").model().kernel("norm").retract("gone")
    made.reported(
        "top", "gpu-a", 500.0, timings(timing("norm", us=9)), claims=[claim("mbu_percent", 50, "%")]
    )
    made.reported("gone", "gpu-a", 400.0).reported("ref", "gpu-a", 100, role="reference")
    made.measured("second", "gpu-a", samples([3_000_000, 3_100_000]), timings(timing("norm", ns=[900, 950])),
                  decode_depth_tokens=4)  # fmt: skip
    return (
        made.emitted({("norm", "lang-a"): "norm\n"}).proof("norm", "lang-a", "norm\n").instructions("gpu-a")
    )


def _dataset_seeds() -> Iterator[tuple[str, bytes]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = _small_record(Path(folder))
        yield from ((name, (made.data / name).read_bytes()) for name in _RECORD)


# --- imports --------------------------------------------------------------------------------------


def _import(folder: Path) -> Run:
    """The real vocabulary, devices and kernels, and the published rows of one device."""
    source = REPOSITORY / "data"
    for part in ("kernels", "devices", "models", "importers", "reported"):
        shutil.copytree(source / part, folder / "data" / part)
    known, problems = read_dataset(folder / "data")
    assert not problems

    def run(name: str, body: bytes) -> None:
        path = folder / name
        path.write_bytes(body)
        _import_file(path, known, folder / "data")

    return run


def _import_file(path: Path, known: Dataset, data_folder: Path) -> None:
    try:
        found = importer("purs")([path], known, data_folder, "2026-02-03")
    except Unimportable as error:
        must_print(error.problems or [""])
        return
    must_print(as_text(found, "data", False).splitlines())
    counted = as_data(found, "data", False)["total"]
    assert counted["read"] == sum(counted.values()) - counted["read"], counted
    problems: list[Problem] = [*found.accounts.told("refused"), *found.accounts.told("dropped")]
    must_print(problems)


def _import_seeds() -> Iterator[tuple[str, bytes]]:
    import json

    from tests.generator.importers.boards import CHECKED, PLAIN, RATED, checked, entry, rated, row

    for header, lines in (
        (PLAIN, [row(1.5), row("1,234.5 us")]),
        (RATED, [rated(3, 4)]),
        (CHECKED, [checked(2, "true")]),
    ):
        yield "a.csv", "\n".join([header, *lines, ""]).encode()
    decode = row(27.6, "qwen_decode_step", "[1, 1536]", device="new-device")
    yield "a.csv", "\n".join([PLAIN.replace(",", ";"), decode.replace(",", ";")]).encode()
    yield (
        "leaderboard.json",
        json.dumps([entry(), entry(2.5, device_id="x-y", num_runs=3)], indent=1).encode(),
    )
    yield "gpu_results.txt", b"ok\nBENCH,64x4096,tile_softmax_64x4096,0,0.0125\r\nBENCH,1x2,gelu,1\n"
    for path in sorted(LEADERBOARD.glob("*")) if LEADERBOARD.is_dir() else ():
        yield ("leaderboard.json" if path.suffix == ".json" else "a.csv"), _head(path.read_bytes())


def _head(raw: bytes) -> bytes:
    """The first few rows of a file of the leaderboard."""
    if raw.startswith(b"["):
        return raw[: raw.index(b"}", 2_000) + 1] + b"]"
    return b"\n".join(raw.split(b"\n")[:12])


TARGETS = {
    "load": Target("load", _NAMES["load"], _load_seeds, _load),
    "dataset": Target("dataset", _RECORD, _dataset_seeds, _dataset),
    "import": Target("import", _NAMES["import"], _import_seeds, _import),
}
