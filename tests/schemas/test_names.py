"""Names as ids, and as what they pass for."""

from __future__ import annotations

import pytest

from schemas.names import mixed_scripts, skeleton, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AMD EPYC 9B14 (2 cores)", "amd-epyc-9b14-2-cores"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz (2 cores)", "intel-xeon-2-20ghz-2-cores"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz (4 cores)", "intel-xeon-2-20ghz-4-cores"),
        ("Apple M4", "apple-m4"),
        ("鲲鹏", "device"),
        ("---", "device"),
    ],
)
def test_an_id_keeps_what_tells_machines_apart(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert slug(expected) == expected


@pytest.mark.parametrize(
    "other",
    [
        "a. person",
        "A.Person",
        "А. Person",  # a Cyrillic A
        "A. Pеrson",  # a Cyrillic e
        "Α. Person",  # a Greek Alpha
        "A. Pérson",
        "Ａ. Ｐｅｒｓｏｎ",
        "A. Pers0n",
        "A\u200b. Person",
        "A_Person",
    ],
)
def test_names_that_pass_for_each_other_share_a_skeleton(other: str) -> None:
    assert skeleton(other) == skeleton("A. Person")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jane Doe", "John Doe"), ("M4", "M40"), ("鲲鹏", "昇腾"), ("---", "..."), ("T4", "T4 x2")],
)
def test_names_that_can_be_told_apart_do_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", ["Ｍaintainer", "Маintainer", "gοogle", "A. Pеrson"])
def test_a_word_of_two_scripts_is_known(name: str) -> None:
    assert mixed_scripts(name) == (name != "Ｍaintainer")  # a wide letter is Latin, and its skeleton tells


@pytest.mark.parametrize("name", ["Jane Doe", "José", "Ivan Иванов", "東京ラボ", "김 lab", "x86 64", "Δ t 3"])
def test_a_name_in_one_script_a_word_is_no_mixture(name: str) -> None:
    assert not mixed_scripts(name)
