"""Tokens tell the weights: of the same ones and the same kernels, they are the same on every machine."""

from __future__ import annotations

from tests.generator.submission.conftest import OLD
from tests.generator.submission.judged import asked_once, judged, passed
from tests.submissions import STEPS, Repository

OTHER = [*range(9), 30, *range(10, 32), *range(32)]


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
