"""What a vendor's software says when it fails, as one line: the same form for every stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from runners.device import RunnerError
from runners.environment import line

MEMORY = "close what else uses the device, or choose a --dtype of 16 bits"
GONE = "see whether the device is still there (its own tool, the system's log), and start again"


@contextmanager
def told(
    doing: str, errors: tuple[type[BaseException], ...], remedies: Mapping[str, str], otherwise: str
) -> Iterator[None]:
    """Errors of a vendor's software while ``doing`` something become a :class:`RunnerError` of one line.

    ``remedies`` maps a part of what the software says, or of its error's name, to what the person can do; the
    first that fits is told, else ``otherwise``. An error that is ours already passes as it is.
    """
    try:
        yield
    except RunnerError:
        raise
    except errors as error:
        raise RunnerError(
            f"{doing}: failed (got '{_said(error)}'); {_remedy(error, remedies, otherwise)}"
        ) from error


def _said(error: BaseException) -> str:
    return line(str(error)) if str(error).strip() else type(error).__name__


def _remedy(error: BaseException, remedies: Mapping[str, str], otherwise: str) -> str:
    text = f"{type(error).__name__} {error}".lower()
    return next((remedy for part, remedy in remedies.items() if part.lower() in text), otherwise)


def complaint(log: str, otherwise: str, mark: str = "error") -> str:
    """Of what a compiler says the first line with ``mark``, or the first at all; ``otherwise`` of nothing."""
    lines = [text.strip() for text in log.splitlines() if text.strip()]
    return next((text for text in lines if mark in text.lower()), lines[0] if lines else otherwise)
