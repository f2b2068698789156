"""A preview in words: what a terminal and a pull request's comment both say of a new row.

It takes the report's plain data, as the comment is written from a report that comes from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.formats import MISSING, number, percent, rank, times
from schemas.standing import REPRODUCED_WITHIN_PERCENT

Plain = Mapping[str, Any]


def facts(preview: Plain) -> Iterator[tuple[str, str]]:
    """What is said of a preview, each with what it is about."""
    low, high = number(preview["tok_per_s_low"]), number(preview["tok_per_s_high"])
    spread = f" ({low} to {high})" if low != high else ""
    mbu = f", MBU {percent(preview['mbu_percent'])}" if preview["mbu_percent"] is not None else ""
    yield "figure", f"{number(preview['tok_per_s'])} tok/s{spread}, TPOT {number(preview['tpot_ms'])} ms{mbu}"
    depth = "not stated" if preview["depth_tokens"] is None else f"{preview['depth_tokens']:,} tokens"
    yield (
        "of",
        f"{preview['device']}, {preview['model']}, {preview['dtype']}, depth {depth}, by {preview['stack']}",
    )
    yield "provenance", f"{preview['provenance']}{_by(preview['submitter'])}"
    yield "rank", _rank(preview)
    if preview["above"]:
        yield "comes after", _neighbour(preview["above"])
    if preview["below"]:
        yield "comes before", _neighbour(preview["below"])
    if preview["baseline_of"]:
        yield "baseline of", _baseline_of(preview["baseline_of"])
    yield from _compared(preview)
    if preview["supersedes"]:
        yield "supersedes", ", ".join(preview["supersedes"])
    yield "reproduced", _reproduced(preview)
    if published := [_drift(one) for one in preview["drifts"] if one["published"]]:
        yield "published", "; ".join(published)


def excerpt(preview: Plain) -> Iterator[tuple[str, str, str, bool]]:
    """The board around the new row: rank, device and tok/s of the row above, of itself, and of the one below."""
    after = preview["after"]
    if preview["above"]:
        yield _line(preview["above"])
    own = place(after) if after else MISSING
    yield own, preview["device"], number(preview["tok_per_s"]), True
    if preview["below"]:
        yield _line(preview["below"])


def _line(neighbour: Plain) -> tuple[str, str, str, bool]:
    return (
        place(neighbour["place"]) if neighbour["place"] else MISSING,
        neighbour["device"],
        number(neighbour["tok_per_s"]),
        False,
    )


def _by(submitter: str | None) -> str:
    return f" by {submitter}" if submitter else ""


def _rank(preview: Plain) -> str:
    before, after = preview["before"], preview["after"]
    was = f"its device's best row is {_of(before)} today" if before else "its device has no ranked row today"
    return f"{_of(after)}; {was}" if after else f"none, as {preview['unranked'] or 'nobody says why'}; {was}"


def _of(one: Plain) -> str:
    return f"{place(one)} of {one['of']}"


def place(one: Plain) -> str:
    """``4``, or ``4 (3–5)`` where intervals overlap."""
    span = rank(one["best"], one["worst"])
    return f"{one['rank']}{f' ({span})' if one['best'] != one['worst'] else ''}"


def _neighbour(neighbour: Plain) -> str:
    return f"{neighbour['run']} ({neighbour['device']}, {number(neighbour['tok_per_s'])} tok/s)"


def _baseline_of(one: Plain) -> str:
    if one["tok_per_s"] is None:
        return f"{one['run']}, whose figure is not known"
    return f"{one['run']} ({number(one['tok_per_s'])} tok/s), which is {times(one['times'])} this baseline"


def _compared(preview: Plain) -> Iterator[tuple[str, str]]:
    """How far its neighbours compare with it; in brackets stands what the new row has, then what the other has."""
    beside = [one for one in (preview["above"], preview["below"]) if one]
    if len(beside) == 2 and beside[0]["comparability"] == beside[1]["comparability"]:
        yield "compares", f"to both: {beside[0]['comparability']}"
    else:
        yield from (("compares", f"to {one['run']}: {one['comparability']}") for one in beside)


def _reproduced(preview: Plain) -> str:
    measured = [one for one in preview["drifts"] if not one["published"]]
    if preview["provenance"] != "measured":
        return "no: a published figure has no samples to compare"
    if not measured:
        return "not yet: nobody else has measured this device, model, storage type, depth and stack"
    within = [one for one in measured if one["within"]]
    bound = f"within {REPRODUCED_WITHIN_PERCENT:g} %"
    if within:
        return f"{bound} of {'; '.join(map(_drift, within))}"
    return f"no: nobody is {bound}; nearest are {'; '.join(map(_drift, measured))}"


def _drift(one: Plain) -> str:
    return f"{one['run']} by {one['by']} ({_signed(one['percent'])} %)"


def _signed(value: float) -> str:
    """With its sign, but for what is nothing once it is rounded; as the macro of that name of the site."""
    text = f"{value:+.1f}".replace("-", "−")
    return text[1:] if text[1:] == "0.0" else text
