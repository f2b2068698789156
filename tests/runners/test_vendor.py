"""What a vendor's software says is told as one line, with what the person can do about it."""

from __future__ import annotations

import pytest

from runners.device import RunnerError
from runners.vendor import complaint, told


class DriverError(Exception):
    """A vendor's."""


REMEDIES = {"OUT_OF_MEMORY": "free some", "DriverError": "see its log"}


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "CUDA_ERROR_OUT_OF_MEMORY: no room",
            "loading: failed (got 'CUDA_ERROR_OUT_OF_MEMORY: no room'); free some",
        ),
        ("line one\nline two\x1b[31m", "loading: failed (got 'line one line two [31m'); see its log"),
        ("", "loading: failed (got 'DriverError'); see its log"),
    ],
)
def test_an_error_becomes_one_line_with_the_first_remedy_that_fits(said: str, line: str) -> None:
    with pytest.raises(RunnerError) as raised, told("loading", (DriverError,), REMEDIES, "start again"):
        raise DriverError(said)
    assert str(raised.value) == line


def test_where_no_remedy_fits_the_general_one_is_told() -> None:
    with (
        pytest.raises(RunnerError, match=r"\(got 'odd'\); start again$"),
        told("loading", (ValueError,), REMEDIES, "start again"),
    ):
        raise ValueError("odd")


def test_what_is_ours_already_and_what_is_not_the_vendors_pass_as_they_are() -> None:
    ours = RunnerError("ours")
    with pytest.raises(RunnerError) as raised, told("loading", (Exception,), {}, ""):
        raise ours
    assert raised.value is ours
    with pytest.raises(ZeroDivisionError), told("loading", (DriverError,), {}, ""):
        raise ZeroDivisionError


def test_a_path_of_the_persons_own_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    with pytest.raises(RunnerError, match="~/lib is broken"), told("opening", (OSError,), {}, "mend it"):
        raise OSError("/home/alice/lib is broken")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "a.cu(1): warning: unused\n  a.cu(3): error: no such name\na.cu(4): error: more",
            "a.cu(3): error: no such name",
        ),
        ("\n gives up \nhaving said why", "gives up"),
        (" \n", "exit status 1"),
    ],
)
def test_of_a_compilers_log_the_first_error_is_told(log: str, line: str) -> None:
    assert complaint(log, "exit status 1") == line
