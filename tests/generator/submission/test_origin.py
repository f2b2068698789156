"""Where a row comes from: sealed, measured by published code, of emitted texts that are known, at a possible time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.generator.examples import sha256, timing, timings
from tests.generator.submission.judged import asked_once, judged, passed, refused, refused_once
from tests.submissions import DEVICE, NORM_TEXT, RUN, SOURCE, STEPS, Data, Repository, noise

PLACE = f"data/results/{DEVICE}/{RUN}.json"
REMEDY = "measure with an unchanged checkout of a revision that is on the main branch"


def environment(row: Data, **changes: Any) -> Data:
    return row | {"environment": row["environment"] | changes}


def source(row: Data, **changes: Any) -> Data:
    return row | {"kernel_source": row["kernel_source"] | changes}


def measured_at(row: Data, revision: str) -> Data:
    return environment(source(row, revision=revision), git_revision=revision)


def with_kernel(row: Data, **changes: Any) -> Data:
    (norm,) = row["kernels"]["timings"]
    return row | {"kernels": row["kernels"] | {"timings": [norm | changes]}}


# --- the seal -------------------------------------------------------------------------------------


def test_a_row_without_a_seal_is_refused(repository: Repository) -> None:
    repository.submit(repository.row(), sealed=False)
    line = refused_once(repository.check(), "integrity")
    assert line == f"{PLACE}: integrity: is missing (got null); measure with this repository's runner"


@pytest.mark.parametrize(
    ("field", "value"),
    [("submitter", "B. Person"), ("measured_at", "2026-02-01T12:11:00Z"), ("role", "reference")],
)
def test_a_row_that_was_edited_since_is_refused(repository: Repository, field: str, value: str) -> None:
    path = repository.submit(repository.row())
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    line = refused_once(repository.check(), "integrity")
    assert line.startswith(f"{PLACE}: integrity: is not the SHA-256 of what it seals")
    assert "only its notes may be edited" in line


def test_one_nanosecond_breaks_the_seal(repository: Repository) -> None:
    path = repository.submit(repository.row())
    data = json.loads(path.read_text())
    data["decode"]["samples"]["repetitions"][2]["step_ns"][7] -= 1
    path.write_text(json.dumps(data))
    refused_once(repository.check(), "integrity")


def test_notes_may_be_edited_and_the_file_may_be_written_otherwise(repository: Repository) -> None:
    path = repository.submit(repository.row())
    data = json.loads(path.read_text()) | {"notes": "The fan was broken."}
    path.write_text(json.dumps(data, indent=4, sort_keys=True))
    passed(repository.check())


def test_a_published_row_needs_no_seal(repository: Repository) -> None:
    repository.reported("page-c", "gpu-a", 6.0)
    asked_once(repository.check(), "published-figure")


def test_a_quick_run_is_refused(repository: Repository) -> None:
    line = refused_once(judged(repository, repository.row(quick=True)), "not-quick")
    assert line == f"{PLACE}: quick: is a quick or unfinished run (got true); measure without --quick"


# --- the code -------------------------------------------------------------------------------------


def test_a_revision_that_nobody_knows_is_refused(repository: Repository) -> None:
    line = refused_once(judged(repository, measured_at(repository.row(), "0123abcd")), "revision")
    assert line == f"{PLACE}: environment.git_revision: is not on the main branch (got '0123abcd'); {REMEDY}"


def test_a_row_without_a_revision_is_refused(repository: Repository) -> None:
    row = environment(source(repository.row(), revision=None), git_revision=None)
    assert "(got nothing)" in refused_once(judged(repository, row), "revision")


def test_a_revision_of_the_submitters_own_is_refused(repository: Repository) -> None:
    base = repository.git("rev-parse", "HEAD")
    (repository.root / "fast.py").write_text("cheat()\n")
    own = repository.commit()
    repository.git("rm", "--quiet", "fast.py")
    repository.submit(measured_at(repository.row(), own))
    line = refused_once(repository.check(base), "revision")
    assert f"environment.git_revision: is not on the main branch (got '{own[:16]}')" in line


def test_an_older_revision_of_the_main_branch_passes(repository: Repository) -> None:
    row = repository.row()
    (repository.root / SOURCE).write_text("def norm(x): return x\n")
    repository.emitted({("norm", "cuda"): "another norm\n"})
    repository.commit("later")
    passed(judged(repository, row))


def test_a_short_form_of_the_revision_passes(repository: Repository) -> None:
    row = repository.row()
    passed(judged(repository, measured_at(row, row["environment"]["git_revision"][:12])))


@pytest.mark.parametrize(("said", "word"), [(True, "true"), (None, "null")])
def test_changed_code_is_refused(repository: Repository, said: bool | None, word: str) -> None:
    line = refused_once(judged(repository, environment(repository.row(), git_dirty=said)), "revision")
    assert f"environment.git_dirty: does not say that the code was unchanged (got {word}); {REMEDY}" in line


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sha256": "0" * 64}, "sha256"),
        ({"sha256": None}, "sha256"),
        ({"path": "runners/nowhere.py"}, "path"),
        ({"path": None}, "path"),
        ({"path": "runners"}, "path"),
        ({"path": "../board/" + SOURCE}, "path"),
        ({"path": "data/retracted.yml"}, "path"),
        ({"revision": "0123abcd"}, "revision"),
        ({"revision": None}, "revision"),
    ],
)
def test_a_kernel_source_that_the_revision_does_not_hold_is_refused(
    repository: Repository, changes: Data, field: str
) -> None:
    line = refused_once(judged(repository, source(repository.row(), **changes)), "revision")
    assert line.startswith(f"{PLACE}: kernel_source.{field}: is ")
    assert line.endswith(REMEDY)


def test_a_contender_names_its_kernel_source(repository: Repository) -> None:
    line = refused_once(judged(repository, repository.row(kernel_source=None)), "revision")
    assert "kernel_source: is missing (got null)" in line


def test_a_baseline_has_no_kernels_of_ours(repository: Repository) -> None:
    repository.submit(repository.row())
    run = f"{RUN}-another-stack"
    stack = repository.row()["stack"] | {"name": "another stack"}
    row = repository.row(run, slower=1.1, role="baseline", stack=stack, kernel_source=None, kernels=None,
                         decode_baseline_of=RUN, decode_numerics_ok=None, decode_logits_rel_l2=None)  # fmt: skip
    passed(judged(repository, row))


# --- the emitted texts ----------------------------------------------------------------------------


def test_a_text_of_another_revision_is_refused(repository: Repository) -> None:
    row = repository.row()
    repository.emitted({("norm", "cuda"): "another norm\n"})
    now = repository.commit("later")
    line = refused_once(judged(repository, measured_at(row, now)), "emitted-text")
    assert line == (
        f"{PLACE}: kernels.timings[0].emitted_sha256: is no f16 text of norm at '{now[:16]}' (got "
        f"'{sha256(NORM_TEXT)[:16]}'); {REMEDY}"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"emitted_sha256": "0" * 64},
        {"emitted_sha256": None},
        {"emitted_sha256": sha256(f"{NORM_TEXT}f32")},
        {"dtype": "f32", "rel_l2_error": 1e-6},
    ],
)
def test_a_text_that_is_not_of_its_kernel_and_storage_type_is_refused(
    repository: Repository, changes: Data
) -> None:
    line = refused_once(judged(repository, with_kernel(repository.row(), **changes)), "emitted-text")
    assert "kernels.timings[0].emitted_sha256: is no " in line


def test_a_text_of_another_kernel_is_refused(repository: Repository) -> None:
    repository.kernel("soft").emitted({("norm", "cuda"): NORM_TEXT, ("soft", "cuda"): "soft in cuda\n"})
    repository.commit()
    row = repository.row()
    (norm,) = row["kernels"]["timings"]
    row["kernels"]["timings"].append(norm | {"kernels": ["soft"], "shape": {"rows": 4, "cols": 8},
                                             "samples_ns": [7 * n * n + 901 for n in range(20)]})  # fmt: skip
    assert "is no f16 text of soft" in refused_once(judged(repository, row), "emitted-text")


def test_all_texts_that_are_unknown_are_one_line(repository: Repository) -> None:
    repository.kernel("proj").emitted({("norm", "cuda"): NORM_TEXT, ("proj", "cuda"): "proj in cuda\n"})
    repository.commit()
    row = repository.row()
    other = timing("proj", ns=noise(900, 50, 20, "proj"), rel_l2_error=1e-3)
    row["kernels"] = timings(row["kernels"]["timings"][0] | {"emitted_sha256": None}, other)
    assert "(got nothing, and 1 more)" in refused_once(judged(repository, row), "emitted-text")


@pytest.mark.parametrize("execution", ["vendor_library", "host"])
def test_what_is_not_emitted_needs_no_text(repository: Repository, execution: str) -> None:
    row = with_kernel(repository.row(), execution=execution, emitted_sha256=None, language=None)
    passed(judged(repository, row))


def test_a_contender_times_its_kernels(repository: Repository) -> None:
    line = refused_once(judged(repository, repository.row(kernels=None)), "emitted-text")
    assert line == f"{PLACE}: kernels: are missing (got null); measure with a runner, which times them"


def test_a_revision_without_an_index_of_texts_is_refused(repository: Repository) -> None:
    repository.git("rm", "--quiet", "-r", "data/emitted")
    row = measured_at(repository.row(), repository.commit("no texts"))
    assert "has no index of emitted kernels that can be read" in refused_once(
        judged(repository, row), "emitted-text"
    )


def test_kernels_alone_are_judged_too(repository: Repository) -> None:
    passed(judged(repository, repository.row(decode=None)))


def test_kernels_alone_of_an_unknown_text_are_refused(repository: Repository) -> None:
    row = with_kernel(repository.row(decode=None), emitted_sha256="0" * 64)
    refused_once(judged(repository, row), "emitted-text")


# --- the time -------------------------------------------------------------------------------------


def test_clocks_may_be_an_hour_apart(repository: Repository) -> None:
    passed(judged(repository, repository.row(f"{DEVICE}-f16-20260114t230000z")))


def test_a_run_that_began_before_its_code_was_written_is_refused(repository: Repository) -> None:
    line = refused_once(
        judged(repository, repository.row(f"{DEVICE}-f16-20260114t225959z")), "possible-times"
    )
    assert "id: lies before its code was written (got 2026-01-14 22:59 UTC, written 2026-01-15 00:00)" in line
    assert "set the machine's clock and measure again" in line


@pytest.mark.parametrize(("ended", "possible"), [("12:00:32", True), ("12:00:31", False)])
def test_a_run_ends_no_sooner_than_its_samples_take(
    repository: Repository, ended: str, possible: bool
) -> None:
    report = judged(repository, repository.row(measured_at=f"2026-02-01T{ended}Z"))
    if possible:
        passed(report)
    else:
        line = refused_once(report, "possible-times")
        assert "measured_at: comes too soon (got 31 s after the start, samples take 32 s)" in line


@pytest.mark.parametrize("run", ["gpu-a-f16", "gpu-a-20269901t120000z", "gpu-a-x20260201t120000z"])
def test_a_run_that_does_not_say_when_it_began_is_refused(repository: Repository, run: str) -> None:
    line = refused_once(judged(repository, repository.row(run)), "own-id")
    assert f"id: is not what a runner calls such a row (got '{run}'); submit the file as the runner" in line


def test_a_run_that_ends_tomorrow_is_refused(repository: Repository) -> None:
    row = repository.row(measured_at="2098-01-01T00:00:00Z")
    assert "measured_at: lies in the future" in refused_once(judged(repository, row), "valid")


def test_steps_of_a_repetition_count_where_only_the_whole_was_timed(repository: Repository) -> None:
    row = repository.row()
    for one in row["decode"]["samples"]["repetitions"]:
        one |= {"total_ns": sum(one["step_ns"]), "step_ns": None}
    row["decode"]["samples"]["timing"] = "per_repetition"
    row["measured_at"] = "2026-02-01T12:00:31Z"
    assert len(row["decode"]["token_ids"]) == STEPS
    assert "samples take 32 s" in refused(judged(repository, row), "possible-times")[0]
