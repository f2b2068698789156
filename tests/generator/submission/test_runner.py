"""A row is of a runner, on a device that it measures, and its baselines ran beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.submission.judged import judged, passed, refused, refused_once
from tests.submissions import DEVICE, NORM_TEXT, RUN, Data, Repository, refusals

PLACE = f"data/results/{DEVICE}/{RUN}.json"


def of(row: Data, **changes: Any) -> Data:
    """The row with another environment."""
    return row | {"environment": row["environment"] | changes}


def baseline(repository: Repository, **changes: Any) -> Data:
    return repository.row(f"{RUN}-another-stack", slower=1.1, role="baseline", kernel_source=None, kernels=None,
                          stack=repository.row()["stack"] | {"name": "another stack"}, decode_baseline_of=RUN,
                          decode_numerics_ok=None, **changes)  # fmt: skip


def test_a_runner_that_nobody_knows_is_refused(repository: Repository) -> None:
    line = refused_once(judged(repository, of(repository.row(), runner="exampel")), "runner")
    assert (
        line
        == f"{PLACE}: environment.runner: is unknown (got 'exampel'); did you mean 'example'? known: example"
    )


@pytest.mark.parametrize("command", ["echo hello", "python -m runners.examples", "python -m runners.cpu"])
def test_a_command_of_another_program_is_refused(repository: Repository, command: str) -> None:
    line = refused_once(judged(repository, of(repository.row(), command=command)), "runner")
    assert f"environment.command: does not start this runner (got '{command}')" in line


@pytest.mark.parametrize("facts", [{"type": "TPU"}, {"languages": [{"target": "pallas", "kernels": []}]}])
def test_a_row_of_another_kind_of_device_is_refused(repository: Repository, facts: Data) -> None:
    repository.device(DEVICE, **facts).emitted(
        {("norm", "cuda"): NORM_TEXT, ("norm", "pallas"): "norm in pallas\n"}
    )
    repository.commit()
    line = refused_once(judged(repository, repository.row()), "runner")
    assert f"environment.runner: does not measure {DEVICE} (got 'example', which measures " in line


def test_a_device_in_the_runners_language_passes(repository: Repository) -> None:
    repository.device(DEVICE, languages=[{"target": "cuda", "kernels": []}])
    repository.commit()
    passed(judged(repository, repository.row()))


@pytest.mark.parametrize("name", ["Decode Board 2", "an emitter"])
def test_a_contender_of_another_stack_is_refused(repository: Repository, name: str) -> None:
    row = repository.row(stack=repository.row()["stack"] | {"name": name})
    assert f"stack.name: does not fit a contender (got '{name}')" in refused_once(
        judged(repository, row), "runner"
    )


@pytest.mark.parametrize(
    "run",
    [
        f"{DEVICE}-bf16-20260201t120000z",
        "gpu-b-f16-20260201t120000z",
        f"{RUN}-official",
        f"{DEVICE}-f16-20261301t120000z",
    ],
)
def test_an_id_that_no_runner_makes_is_refused(repository: Repository, run: str) -> None:
    line = refused_once(judged(repository, repository.row(run)), "own-id")
    assert f": id: is not what a runner calls such a row (got '{run}')" in line


def test_a_baseline_of_the_same_run_passes(repository: Repository) -> None:
    repository.submit(repository.row())
    passed(judged(repository, baseline(repository)))


def test_a_baseline_of_ones_own_stack_is_refused(repository: Repository) -> None:
    repository.submit(repository.row())
    row = baseline(repository) | {"id": f"{RUN}-decode-board", "stack": repository.row()["stack"]}
    found = refusals(judged(repository, row))
    assert list(found) == ["runner"]
    assert "stack.name: does not fit a baseline (got 'Decode Board')" in found["runner"][0]


def test_a_baseline_of_another_machine_is_refused(repository: Repository) -> None:
    repository.submit(repository.row())
    row = of(baseline(repository), cpu_model="486DX", os="DOS")
    lines = refused(judged(repository, row), "baseline-beside")
    assert [line.split(": ")[1] for line in lines] == ["environment.cpu_model", "environment.os"]
    assert (
        f"differs from that of the row it is a baseline of (got {RUN}); measure both in one run" in lines[0]
    )


def test_a_baseline_at_another_depth_is_refused(repository: Repository) -> None:
    repository.submit(repository.row())
    line = refused_once(judged(repository, baseline(repository, decode_depth_tokens=4)), "baseline-beside")
    assert "decode.depth_tokens: differs from that of the row" in line
