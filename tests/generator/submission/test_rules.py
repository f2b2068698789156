"""The rules as a list: of each there is an anchor, a title, and what the Methodology page says."""

from __future__ import annotations

import re

import pytest

from generator.submission.rules import RULES, Rule
from schemas.prose import prose_problems
from tests.submissions import Repository

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def test_no_two_rules_share_an_anchor_or_a_title() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) == len({rule.title for rule in RULES})


def test_what_refuses_comes_before_what_asks() -> None:
    assert [rule.asks for rule in RULES] == sorted(rule.asks for rule in RULES)


@every_rule
def test_a_rule_is_said_in_full_sentences_and_fits_a_report(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,40}", rule.id)
    assert rule.title[0].isupper()
    assert len(rule.title) < 40
    assert rule.says.endswith(".")
    assert not list(prose_problems(rule.says, "rules"))


def test_problems_carry_the_rule_that_found_them(repository: Repository) -> None:
    repository.submit(repository.row(quick=True))
    (found,) = (rule for rule in repository.check()["rules"] if rule["verdict"] == "refused")
    assert (found["id"], found["count"]) == ("not-quick", 1)


def test_a_report_lists_every_rule_in_its_order(repository: Repository) -> None:
    repository.submit(repository.row())
    assert [rule["id"] for rule in repository.check()["rules"]] == [rule.id for rule in RULES]
