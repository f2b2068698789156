"""Rows out of their time."""

from __future__ import annotations

from tests.hostile.base import Case, ledger, named, published, row

ENDED, RETRIEVED = "measured_at", "source.retrieved"

CASES = (
    Case("measured tomorrow", row((ENDED, "2099-01-01T00:00:00Z")), "valid", ENDED),
    Case("measured before the code was written", named("gpu-a-f16-20250101t120000z"), "possible-times", "id",
         builds=True),
    Case("ended before it began", row((ENDED, "2026-02-03T11:00:00Z")), "possible-times", ENDED, builds=True),
    Case("ended before its samples could", row((ENDED, "2026-02-03T12:00:09Z")), "possible-times", ENDED, builds=True),
    Case("no word of when it began", named("gpu-a-f16-best"), "own-id", "id", builds=True),
    Case("began on no day", named("gpu-a-f16-20260230t120000z"), "own-id", "id", builds=True),
    Case("a leap day in a common year", row((ENDED, "2026-02-29T12:10:00Z")), "valid", ENDED),
    Case("the year nothing", row((ENDED, "0000-01-01T00:00:00Z")), "valid", ENDED),
    Case("the year one", row((ENDED, "0001-01-01T00:00:00Z")), "valid", ENDED),
    Case("the year ten thousand", row((ENDED, "10000-01-01T00:00:00Z")), "valid", ENDED),
    Case("another zone", row((ENDED, "2026-02-03T14:10:00+02:00")), "valid", ENDED),
    Case("no zone", row((ENDED, "2026-02-03T12:10:00")), "valid", ENDED),
    Case("a zone in small letters", row((ENDED, "2026-02-03t12:10:00z")), "valid", ENDED),
    Case("a leap second", row((ENDED, "2026-02-03T23:59:60Z")), "valid", ENDED),
    Case("the hour twenty-four", row((ENDED, "2026-02-03T24:00:00Z")), "valid", ENDED),
    Case("a time in seconds", row((ENDED, 1770120600)), "valid", ENDED),
    Case("digits of another script", row((ENDED, "2026-02-0\u0663T12:10:00Z")), "valid", ENDED),
    Case("withdrawn tomorrow", ledger(("date", "2099-01-01")), "valid", "retractions[1].date"),
    Case("withdrawn on no day", ledger(("date", "2026-02-30")), "valid", "retractions[1].date"),
    Case("retrieved tomorrow", published((RETRIEVED, "2099-01-01")), "valid", RETRIEVED),
    Case("retrieved in the Middle Ages", published((RETRIEVED, "1066-10-14")), "valid", RETRIEVED),
    Case("published after it was retrieved", published(("source.published", "2099-01-01")), "valid",
         "source.published"),
)  # fmt: skip
