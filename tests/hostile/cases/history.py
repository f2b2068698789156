"""Submissions that rewrite what is on file."""

from __future__ import annotations

import json

from tests.hostile.base import HERE, ON_FILE, Case, Scratch, also, beside

APART = "allowed-changes"


def _noted(scratch: Scratch) -> None:
    scratch.edit(ON_FILE, lambda data: data.update(notes="Slower than theirs."))


def _faster(scratch: Scratch) -> None:
    scratch.edit("data/reported/page/page-a.json", lambda data: data["decode"]["figure"].update(tok_per_s=50))


def _deleted(scratch: Scratch) -> None:
    (scratch.root / ON_FILE).unlink()


def _renamed(scratch: Scratch) -> None:
    old = scratch.data / "reported/page/page-a.json"
    data = json.loads(old.read_text()) | {"id": "page-z"}
    old.unlink()
    scratch.put("reported/page/page-z.json", data)


def _forgot(scratch: Scratch) -> None:
    scratch.retract()


def _another_reason(scratch: Scratch) -> None:
    scratch.retract("gone", reason="They asked us to.")


def _inserted(scratch: Scratch) -> None:
    scratch.retract("page-b", "gone")


def _no_ledger(scratch: Scratch) -> None:
    (scratch.data / "retracted.yml").unlink()


def _faster_device(scratch: Scratch) -> None:
    path = scratch.data / "devices/gpu-a.md"
    path.write_text(path.read_text().replace('"gb_per_s": 300', '"gb_per_s": 9000'))


def _smaller_model(scratch: Scratch) -> None:
    scratch.model(num_hidden_layers=1)


def _looser_protocol(scratch: Scratch) -> None:
    scratch.edit("data/reproduce/index.json", lambda data: data["protocol"].update(repetitions=1, seconds=1))


def _proven(scratch: Scratch) -> None:
    scratch.edit("data/emitted/proof.json", lambda data: data["proofs"][0]["checks"][0].update(cases=999))


def _committed(scratch: Scratch) -> None:
    """What is changed and then changed back in the working tree alone is still changed in its commit."""
    _noted(scratch)
    scratch.git("add", "--all")


CASES = (
    Case("notes of a row on file", also(_noted), APART, "file", builds=True),
    Case("a figure on file", also(_faster), APART, "file", builds=True),
    Case("a row on file deleted", also(_deleted), APART, "file", builds=True),
    Case("a row on file deleted, and nothing else", _deleted, APART, "file", builds=True),
    Case("a row on file renamed", also(_renamed), APART, "file", builds=True),
    Case("a change that is staged", also(_committed), APART, "file", builds=True),
    Case("a ledger without its entries", also(_forgot), "ledger-grows", "retractions", builds=True),
    Case("another reason in the ledger", also(_another_reason), "ledger-grows", "retractions[0]", builds=True),
    Case("an entry before the others", also(_inserted), "ledger-grows", "retractions[0]", builds=True),
    Case("no ledger", also(_no_ledger), APART, "file", builds=True),
    Case("a faster memory beside a row", also(_faster_device), APART, "file", builds=True),
    Case("a smaller model beside a row", also(_smaller_model), APART, "file", builds=True),
    Case("a shorter protocol beside a row", also(_looser_protocol), APART, "file", builds=True),
    Case("another text beside a row", beside("data/emitted/cuda/norm.c", "norm, faster\n"), APART, "file"),
    Case("another proof beside a row", also(_proven), APART, "file", builds=True),
    Case("another schema beside a row", beside("schemas/result.schema.json", "true"), APART, "file", builds=True),
    Case("another workflow beside a row", beside(".github/workflows/validate.yml", "on: push"), APART, "file",
         builds=True),
    Case("another source beside a row", beside("runners/kernels/source.py", "def norm(x): 1\n"), APART, "file",
         builds=True),
    Case("attributes of git beside a row", beside(".gitattributes", "* filter=evil\n"), APART, "file", builds=True),
    Case("an ignore list beside a row", beside(".gitignore", "*.tmp\n"), APART, "file", builds=True),
    Case("code beside a row", beside("sitecustomize.py", "import os\n"), APART, "file", builds=True),
    Case("a hook beside a row", beside(".githooks/pre-commit", "#!/bin/sh\n"), APART, "file", builds=True),
    Case("the row in two places", also(lambda scratch: scratch.write("data/reported/page/copy.json",
         (scratch.root / HERE).read_bytes())), "valid", "id"),
)  # fmt: skip
