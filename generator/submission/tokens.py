"""The tokens of a row: those of a model, and of the same weights the same ones on every machine, or nearly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from generator.submission.on_file import Filed
from generator.submission.submission import New, Submission
from schemas.problems import Problem
from schemas.records import DecodeBlock, Weights

_LEAST = 16
_MOST_READ = 20


class _Decode(msgspec.Struct):
    weights: Weights
    token_ids: tuple[int, ...] | None = None


class _Source(msgspec.Struct):
    sha256: str | None = None


class _Result(msgspec.Struct):
    decode: _Decode | None = None
    kernel_source: _Source | None = None


_DECODER = msgspec.json.Decoder(_Result, strict=False)  # 1.0 is the whole number 1


def odd_tokens(submission: Submission) -> Iterator[Problem]:
    """One token again and again, or others than the same weights and kernels gave on file."""
    for new in submission.decoded:
        tokens = new.result.decode.token_ids if new.result.decode else None
        if tokens is None or new.result.role != "contender":
            continue
        if len(tokens) >= _LEAST and len(set(tokens)) == 1:
            said = f"are one token again and again (got {len(tokens)} x {tokens[0]})"
            yield Problem(new.path, "decode.token_ids", said, "ask which weights ran")
        elif other := next(_contradicting(submission, new, tokens), None):
            said = f"are others than the same weights and kernels gave (got another text than {other})"
            yield Problem(new.path, "decode.token_ids", said, "ask where the two part, and which is right")


def _contradicting(submission: Submission, new: New, tokens: tuple[int, ...]) -> Iterator[str]:
    """Rows on file of the same weights, depth and kernel source whose first tokens are others; a few are looked at."""
    decode, source = new.result.decode, new.result.kernel_source
    assert decode
    ours = (decode.weights, source.sha256 if source else None)
    alike = (one for one in submission.filed.values() if _is_alike(one, decode))
    for one in islice(alike, _MOST_READ):
        theirs = _read(one)
        if theirs and theirs[0] == ours and _prefixes_differ(tokens, theirs[1]):
            yield one.id


def _is_alike(one: Filed, decode: DecodeBlock) -> bool:
    """Whether a row on file is a sound contender of the same model, storage type and depth."""
    theirs = one.result.decode
    if (
        theirs is None
        or one.result.role != "contender"
        or one.result.provenance != "measured"
        or not one.counts
    ):
        return False
    return (theirs.model, theirs.dtype, theirs.depth_tokens) == (
        decode.model,
        decode.dtype,
        decode.depth_tokens,
    )


def _read(one: Filed) -> tuple[tuple[Weights, str | None], tuple[int, ...]] | None:
    """What decides over a row's tokens, and the tokens."""
    try:
        found = _DECODER.decode(one.path.read_bytes())
    except (OSError, msgspec.MsgspecError):  # as where it was read first
        return None
    if found.decode is None or found.decode.token_ids is None:
        return None
    source = found.kernel_source
    return (found.decode.weights, source.sha256 if source else None), found.decode.token_ids


def _prefixes_differ(ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    length = min(len(ours), len(theirs))
    return ours[:length] != theirs[:length]
