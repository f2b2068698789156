"""A scratch repository with a small record, and submissions to it: a valid one, for a test to spoil.

Commits are of January 2026, runs of February; nothing of the machine's own git configuration is read.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from generator.__main__ import main
from schemas.contract import REPOSITORY, STACK
from schemas.integrity import seal
from schemas.parse import parse_json
from tests.generator.examples import Folder, repetition, sha256, timing, timings
from tests.schemas import examples

Data = dict[str, Any]

DEVICE = "gpu-a"
RUN = f"{DEVICE}-f16-20260201t120000z"
SOURCE = "runners/kernels/source.py"
SOURCE_TEXT = "def norm(x): ...\n"
NORM_TEXT = "norm in cuda\n"
STEP_NS = 100_000_000
STEPS = 64
NORM_NS = 4_000_000  # five calls a step
PROTOCOL = examples.reproduce()["protocol"] | {"depth_tokens": 8}
_GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A. Maintainer",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A. Maintainer",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-15T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-15T00:00:00Z",
}


@dataclass(frozen=True)
class Repository(Folder):
    """A checkout whose base is its last commit; rows are put into its working tree."""

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, check=True, env=os.environ | _GIT, text=True)
        return done.stdout.strip()

    def commit(self, message: str = "what is here") -> str:
        """Commit all that lies here; its revision."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def row(self, run: str = RUN, /, *, slower: float = 1.0, seed: int = 0, **changes: Any) -> Data:
        """A measured row that every rule passes; ``decode_*`` changes a field of its decode block."""
        inner = {
            key.removeprefix("decode_"): changes.pop(key) for key in [*changes] if key.startswith("decode_")
        }
        decode = examples.measured()["decode"] | {
            "model": "tiny", "dtype": "f16", "depth_tokens": 8, "baseline_of": None, "first_divergence_step": None,
            "token_ids": [step % 32 for step in range(STEPS)], "samples": samples(slower, seed),
        }  # fmt: skip
        calls_ns = noise(NORM_NS, NORM_NS // 20, 20, "norm", slower, seed)
        norm = timing("norm", ns=calls_ns, emitted_sha256=sha256(NORM_TEXT), rel_l2_error=1e-3)
        environment = examples.measured()["environment"] | {
            "device_name": f"Device {DEVICE}", "git_revision": self.git("rev-parse", "HEAD"), "git_dirty": False,
            "runner": "example", "command": "python -m runners.example",
        }  # fmt: skip
        source = {"repository": REPOSITORY, "path": SOURCE, "revision": environment["git_revision"],
                  "sha256": sha256(SOURCE_TEXT)}  # fmt: skip
        return examples.measured() | {
            "id": run, "device": DEVICE, "submitter": "A. Person", "measured_at": "2026-02-01T12:10:00Z", "notes": "",
            "stack": examples.measured()["stack"] | {"name": STACK},
            "environment": environment, "kernel_source": source, "decode": decode | inner, "kernels": timings(norm),
        } | changes  # fmt: skip

    def submit(self, row: Data, place: str | None = None, sealed: bool = True) -> Path:
        """Write ``row`` as a runner would, or without a seal that holds."""
        if sealed:
            row = row | {"integrity": seal(parse_json(json.dumps(row).encode()))}
        path = self.data / (place or f"results/{row['device']}/{row['id']}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row), "utf-8")
        return path

    def check(self, base: str = "HEAD") -> Data:
        """The report of ``check-submission`` on what lies here."""
        done = CliRunner().invoke(
            main, ["check-submission", "--root", str(self.root), "--base", base, "--format", "json"]
        )
        assert not done.exception or isinstance(done.exception, SystemExit), done.exc_info
        report: Data = json.loads(done.stdout)
        assert done.exit_code == (report["verdict"] == "refused")
        return report


def samples(slower: float = 1.0, seed: int = 0) -> Data:
    """Five repetitions of 64 steps of a tenth of a second, no two the same."""
    turns = [noise(int(STEP_NS * slower), 1_000_030, STEPS, turn, slower, seed) for turn in range(5)]
    return examples.samples() | {
        "steps_per_repetition": STEPS, "warmup_repetitions": 2,
        "repetitions": [repetition(step_ns=steps) for steps in turns],
    }  # fmt: skip


def noise(least_ns: int, wide_ns: int, count: int, *key: object) -> list[int]:
    """Times as a machine takes them: of another key there are others, that no factor and offset make of these."""
    drawn = random.Random(repr(key))  # noqa: S311 - no secret
    return [least_ns + drawn.randrange(wide_ns) for _ in range(count)]


def repository(root: Path) -> Repository:
    """A record of two devices with a published row each, committed."""
    made = Repository(root)
    (made.root / SOURCE).parent.mkdir(parents=True)
    (made.root / SOURCE).write_text(SOURCE_TEXT)
    made.device("gpu-a").device("gpu-b").model().kernel("norm").retract()
    made.emitted({("norm", "cuda"): NORM_TEXT}).instructions(protocol=PROTOCOL)
    made.reported("page-a", "gpu-a", 5.0, decode_depth_tokens=None).reported("page-b", "gpu-b", 12.0)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("the record")
    return made


def refusals(report: Data) -> dict[str, list[str]]:
    """What refused a submission: lines by rule."""
    return _said(report, "refused")


def questions(report: Data) -> dict[str, list[str]]:
    """What a person has to decide: lines by rule."""
    return _said(report, "for a person")


def _said(report: Data, verdict: str) -> dict[str, list[str]]:
    return {
        rule["id"]: ["{path}: {field}: {problem}; {remedy}".format(**problem) for problem in rule["problems"]]
        for rule in report["rules"]
        if rule["verdict"] == verdict
    }
