"""More than anybody needs."""

from __future__ import annotations

import json

from tests.hostile.base import NEW, Case, Scratch, device, facts, ledger, literal, named, raw, row
from tests.schemas.examples import Data

HUNDRED = json.dumps(dict.fromkeys(map(str, range(101)), 1))
PACKAGE = {"name": "cc", "version": "12"}


def _many_files(scratch: Scratch) -> None:
    for place in range(41):
        scratch.write(f"data/results/gpu-a/{NEW}-{place}.json", "{}")


def _repeated(scratch: Scratch, times: int) -> Data:
    data = scratch.valid()
    data["decode"]["samples"]["repetitions"] *= times
    return data


CASES = (
    Case("a file of nine megabytes", raw(lambda text: text + b" " * 9_000_000), "valid", "file"),
    Case("a device's file of 300 kB", facts(lambda text: text + "word " * 60_000), "valid", "file"),
    Case("a hundred thousand levels", raw(lambda _: b"[" * 100_000 + b"]" * 100_000), "valid", "file"),
    Case("forty levels in a row", literal("notes", "[" * 40 + "]" * 40), "valid", "file"),
    Case("fields by the hundred", literal("decode.weights", HUNDRED), "valid", "file"),
    Case("a number of five thousand digits", literal("environment.cpu_count", "9" * 5_000), "valid", "file"),
    Case("a number of four thousand digits", literal("environment.cpu_count", "9" * 4_000), "valid",
         "environment.cpu_count"),
    Case("steps by the ten thousand", row(("decode.samples.repetitions.0.step_ns", [100_000_001] * 8_193)), "valid",
         "decode.samples.repetitions[0].step_ns"),
    Case("repetitions by the ten thousand", lambda scratch: scratch.submit(_repeated(scratch, 2_001)), "valid", "file"),
    Case("kernels by the thousand", row(("kernels.timings", [1] * 1_001)), "valid", "kernels.timings"),
    Case("calls by the ten thousand", row(("kernels.timings.0.samples_ns", [900] * 10_001)), "valid",
         "kernels.timings[0].samples_ns"),
    Case("packages by the hundred", row(("environment.toolchain", [PACKAGE] * 65)), "valid", "environment.toolchain"),
    Case("notes that go on", row(("notes", "x" * 4_001)), "valid", "notes"),
    Case("a name that goes on", row(("submitter", "x" * 301)), "valid", "submitter"),
    Case("a command that goes on", row(("environment.command", "x" * 2_001)), "valid", "environment.command"),
    Case("an id that goes on", named("a" * 80 + "-f16-20260203t120000z"), "valid", "id"),
    Case("aliases that go on", device(("aliases", [f"alias-{n}" for n in range(17)])), "valid", "aliases"),
    Case("a maze of brackets", device(("notes", "[" * 500)), "valid", "notes"),
    Case("a reason that goes on", ledger(("reason", "x" * 4_001)), "valid", "retractions[1].reason"),
    Case("files by the dozen", _many_files, "allowed-changes", "files"),
)  # fmt: skip
