"""Names of people and devices: as ids, and as what they can be taken for.

Which letters look alike is Unicode's own table (UTS #39, by way of ``confusable_homoglyphs``); what is folded
on top of it are the look-alikes inside ASCII, which that table keeps apart.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

LONGEST_SLUG = 54  # a result's id is made of the device's, and has its own limit
_WORD = re.compile(r"[^\W\d_]+")
_ALIKE_IN_ASCII = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s"})
_NO_SCRIPT = {"COMMON", "INHERITED"}
_WRITTEN_TOGETHER = {"HAN", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL"}


def slug(name: str) -> str:
    """An id made of a name."""
    plain = re.sub(r"\((r|tm|c)\)|\bcpu\b|\bprocessor\b", " ", name.lower())
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_SLUG].strip("-") or "device"


@lru_cache(maxsize=50_000)
def skeleton(name: str) -> str:
    """What is left of ``name`` for a reader who does not look twice: two names that share it pass for each other.

    Accents, case, spaces and punctuation go, and letters that look like another one become that one. A name
    of nothing but punctuation is its own skeleton.
    """
    letters = name if name.isascii() else _plain(name)
    bare = "".join(filter(str.isalnum, letters.casefold()))
    return bare.translate(_ALIKE_IN_ASCII).replace("rn", "m").replace("vv", "w") or name


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(_plain_letter(letter) for letter in decomposed if not unicodedata.combining(letter))


def mixed_scripts(name: str) -> bool:
    """Whether a word of ``name`` mixes scripts that no language writes together."""
    return any(len(_scripts(word)) > 1 for word in _WORD.findall(name) if not word.isascii())


def _scripts(word: str) -> set[str]:
    from confusable_homoglyphs.categories import alias  # noqa: PLC0415 - its tables take 20 ms to load

    found = {alias(letter) for letter in word} - _NO_SCRIPT
    return {"CJK" if script in _WRITTEN_TOGETHER else script for script in found}


@cache
def _plain_letter(letter: str) -> str:
    """The ASCII that ``letter`` looks like, or ``letter``."""
    if letter.isascii():
        return letter
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - as above

    alike = [one["c"] for one in confusables_data.get(letter, ()) if one["c"].isascii()]
    return min(alike, key=lambda one: (len(one), not one.isalpha(), one), default=letter)
