"""Rows that say of themselves what is not so."""

from __future__ import annotations

from tests.hostile.base import Case, Scratch, row, without

REVISION, PATH = "environment.git_revision", "kernel_source.path"


def _unpublished(scratch: Scratch) -> None:
    revision = scratch.git("commit-tree", "HEAD^{tree}", "-m", "ours alone")
    data = scratch.valid()
    data["environment"]["git_revision"] = revision
    scratch.submit(data)


def _edited(scratch: Scratch) -> None:
    path = scratch.submit(scratch.valid())
    path.write_text(path.read_text().replace("Grace Hopper", "Grace Cooper"))


CASES = (
    Case("a seal of zeros", row(("integrity", "0" * 64), sealed=False), "integrity", "integrity"),
    Case("no seal", row(sealed=False), "integrity", "integrity", builds=True),
    Case("a name changed below the seal", _edited, "integrity", "integrity"),
    Case("a seal that is none", row(("integrity", "trust me"), sealed=False), "valid", "integrity"),
    Case("a runner of one's own", row(("environment.runner", "my-own-thing")), "runner", "environment.runner",
         builds=True),
    Case("a command of another program", row(("environment.command", "echo hello")), "runner", "environment.command",
         builds=True),
    Case("a stack that nobody else has", row(("stack.name", "Turbo")), "runner", "stack.name", builds=True),
    Case("another repository's source", row(("kernel_source.repository", "https://evil.example")), "revision",
         "kernel_source.repository", builds=True),
    Case("a checkpoint without its hash", row(("decode.weights", {"kind": "checkpoint", "seed": None, "sha256": None})),
         "protocol", "decode.weights.sha256", builds=True),
    Case("tokens that part after the last step", row(("decode.first_divergence_step", 100_000)), "protocol",
         "decode.first_divergence_step", builds=True),
    Case("a revision that nobody knows", row((REVISION, "f" * 40)), "revision", REVISION, builds=True),
    Case("a revision that nobody published", _unpublished, "revision", REVISION, builds=True),
    Case("a branch for a revision", row((REVISION, "main")), "valid", REVISION),
    Case("an option for a revision", row((REVISION, "--output=x")), "valid", REVISION),
    Case("no revision", row((REVISION, None)), "revision", REVISION, builds=True),
    Case("changed code", row(("environment.git_dirty", True)), "revision", "environment.git_dirty", builds=True),
    Case("code of which nobody says", row(("environment.git_dirty", None)), "revision", "environment.git_dirty",
         builds=True),
    Case("a hash of another source", row(("kernel_source.sha256", "a" * 64)), "revision", "kernel_source.sha256",
         builds=True),
    Case("a source that is not there", row((PATH, "runners/kernels/fast.py")), "revision", PATH, builds=True),
    Case("a source outside of the repository", row((PATH, "../../../etc/passwd")), "revision", PATH, builds=True),
    Case("a source at the root of the machine", row((PATH, "/etc/passwd")), "revision", PATH, builds=True),
    Case("no source", row(("kernel_source", None)), "revision", "kernel_source", builds=True),
    Case("a text that nobody emitted", row(("kernels.timings.0.emitted_sha256", "a" * 64)), "emitted-text",
         "kernels.timings[0].emitted_sha256", builds=True),
    Case("a text without a hash", row(("kernels.timings.0.emitted_sha256", None)), "emitted-text",
         "kernels.timings[0].emitted_sha256", builds=True),
    Case("kernels written by hand", row(("kernels.timings.0.execution", "hand_written")), "valid",
         "kernels.timings[0].execution"),
    Case("a quick run", row(("quick", True)), "not-quick", "quick", builds=True),
    Case("a figure in place of samples", row(("decode.figure", {"tok_per_s": 9, "step_us": None, "claims": []})),
         "valid", "decode.figure"),
    Case("no machine", without("environment"), "valid", "environment"),
    Case("a person's folder", row(("environment.command", "python /home/grace/run.py")), "nothing-private",
         "environment.command", builds=True),
    Case("a person's address", row(("notes", "ask grace@example.org")), "nothing-private", "notes", builds=True),
)  # fmt: skip
