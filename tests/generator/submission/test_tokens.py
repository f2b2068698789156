"""Tokens tell the weights: of the same ones and the same kernels, they are the same on every machine."""

from __future__ import annotations

import pytest

from tests.generator.submission.judged import asked_once, passed
from tests.submissions import DEVICE, STEPS, Data, Repository

OLD = f"{DEVICE}-f16-20260131t120000z"
OTHER = [*range(9), 30, *range(10, 32), *range(32)]


@pytest.fixture
def with_old(repository: Repository) -> Repository:
    """A record with a row of B. Person's."""
    repository.submit(
        repository.row(OLD, slower=1.01, submitter="B. Person", measured_at="2026-01-31T12:10:00Z")
    )
    repository.commit()
    return repository


def judged(repository: Repository, row: Data) -> Data:
    repository.submit(row)
    return repository.check()


def test_one_token_again_and_again_is_asked_for(repository: Repository) -> None:
    line = asked_once(judged(repository, repository.row(decode_token_ids=[5] * STEPS)), "odd-tokens")
    assert "decode.token_ids: are one token again and again (got 64 x 5)" in line


def test_the_same_tokens_as_on_file_pass(with_old: Repository) -> None:
    passed(judged(with_old, with_old.row()))


def test_other_tokens_of_the_same_weights_are_asked_for(with_old: Repository) -> None:
    line = asked_once(judged(with_old, with_old.row(decode_token_ids=OTHER)), "odd-tokens")
    assert f"are others than the same weights and kernels gave (got another text than {OLD})" in line


def test_other_weights_have_tokens_of_their_own(with_old: Repository) -> None:
    weights = {"kind": "synthetic", "seed": 7, "sha256": None}
    passed(judged(with_old, with_old.row(decode_token_ids=OTHER, decode_weights=weights)))
