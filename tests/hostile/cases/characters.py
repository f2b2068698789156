"""Texts that are not what they look like."""

from __future__ import annotations

import unicodedata

from tests.hostile.base import Case, device, ledger, literal, published, row

NAME = "submitter"

CASES = (
    Case("letters turned around", row((NAME, "Grace \u202eRepoH")), "valid", NAME),
    Case("letters turned around and back", row((NAME, "Grace \u2067Hopper\u2069")), "valid", NAME),
    Case("a mark of direction", row((NAME, "Grace\u200f Hopper")), "valid", NAME),
    Case("the Arabic mark of direction", row(("stack.name", "board\u061c")), "valid", "stack.name"),
    Case("a space of no width", row((NAME, "Grace\u200b Hopper")), "valid", NAME),
    Case("a joiner", row(("notes", "a\u200db")), "valid", "notes"),
    Case("a joiner of words", row(("environment.os", "Linux\u2060")), "valid", "environment.os"),
    Case("a soft hyphen", row((NAME, "Gra\u00adce Hopper")), "valid", NAME),
    Case("a filler", row((NAME, "\u3164")), "valid", NAME),
    Case("an empty pattern of Braille", row((NAME, "\u2800")), "valid", NAME),
    Case("a byte order mark in a name", row((NAME, "Grace\ufeff")), "valid", NAME),
    Case("a selector of variants", row((NAME, "Grace\ufe0f")), "valid", NAME),
    Case("a selector of rare variants", row((NAME, "Grace\U000e0100")), "valid", NAME),
    Case("tags that nobody sees", row(("notes", "nice\U000e0069\U000e0067")), "valid", "notes"),
    Case("private letters", row((NAME, "Grace \ue000")), "valid", NAME),
    Case("private letters of another plane", row((NAME, "Grace \U000f0000")), "valid", NAME),
    Case("letters that do not exist", row((NAME, "Grace \u0378")), "valid", NAME),
    Case("no letter at all", row((NAME, "\U0001f600 ...")), "valid", NAME),
    Case("marks that pile up", row((NAME, "Gra" + "\u0353" * 30 + "ce")), "valid", NAME),
    Case("marks apart", row((NAME, unicodedata.normalize("NFD", "Gräce"))), "valid", NAME),
    Case("half a character", literal(NAME, '"Grace \\ud800"'), "valid", "file"),
    Case("a line separator", row((NAME, "Grace\u2028Hopper")), "valid", NAME),
    Case("spaces around a name", row((NAME, " Grace Hopper ")), "valid", NAME),
    Case("a wide space", row((NAME, "Grace\u3000Hopper")), "valid", NAME),
    Case("a name of spaces", row((NAME, "   ")), "valid", NAME),
    Case("codes of a terminal", row(("environment.os", "\x1b]0;owned\x07")), "valid", "environment.os"),
    Case("a null in a text", row(("environment.driver", "a\0b")), "valid", "environment.driver"),
    Case("letters of two scripts", row((NAME, "Gr\u0430ce Hopper")), "own-names", NAME, builds=True),
    Case("a machine in two scripts", row(("environment.device_name", "D\u0435vice gpu-a")), "own-names",
         "environment.device_name", builds=True),
    Case("a device in two scripts", device(("name", "N\u0435wcomer")), "own-names", "name", builds=True),
    Case("letters turned around in a device", device(("name", "New\u202eremoc")), "valid", "name"),
    Case("letters turned around in prose", device(("notes", "fast \u202etsaf")), "valid", "notes"),
    Case("letters turned around in the ledger", ledger(("reason", "\u202eoops")), "valid", "retractions[1].reason"),
    Case("letters turned around in a title", published(("source.title", "\u2066x")), "valid", "source.title"),
)  # fmt: skip
