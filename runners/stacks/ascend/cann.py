"""Where CANN is, its libraries and its version; and what its error codes mean."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from ctypes import c_int
from pathlib import Path
from typing import Any

from runners.device import RunnerError
from runners.environment import line
from runners.vendor import GONE, MEMORY

SET_UP = "install CANN, then run: source /usr/local/Ascend/cann/set_env.sh"
_KERNEL = "a kernel broke a rule of the device; report it with the newest file of ~/ascend/log"
OPERATORS_PACKAGE = (
    "install the operators' package of this CANN and chip (Ascend-cann-910b-ops or Ascend-cann-A3-ops)"
)
_EMITTED = "run the kernel as emitted: leave its --execute away"
ERRORS: dict[int, tuple[str, str]] = {
    107001: ("no such device", "see npu-smi info and ASCEND_RT_VISIBLE_DEVICES"),
    107022: ("the device's tasks were aborted", GONE),
    207000: ("this device or CANN cannot do that", "install CANN 8.5 or newer"),
    207001: ("out of memory", MEMORY),
    207004: ("no device", "see npu-smi info: the driver must list one"),
    207006: ("no permission", "join the group that owns /dev/davinci0: usermod -aG HwHiAiUser <you>"),
    207018: ("out of memory", MEMORY),
    507008: ("the runtime does not know the chip", "see that the driver and CANN are of one release"),
    507010: ("the device's heartbeat is lost", GONE),
    507011: ("the captured graph failed", _KERNEL),
    507014: ("a core took too long", _KERNEL),
    507015: ("an exception in a core", _KERNEL),
    507018: ("an exception in the device's processor", GONE),
    507033: ("the device cannot be set up", GONE),
    507034: ("a vector core took too long", _KERNEL),
    507035: ("an exception in a vector core", _KERNEL),
    507046: ("the stream did not finish in time", GONE),
    507053: ("an error of the device's memory", GONE),
    507054: ("an error of the device's memory that it cannot correct", GONE),
    507899: ("an error inside the driver", GONE),
    507901: ("the connection to the device is closed", GONE),
    161001: ("the operator refuses an argument", _EMITTED),
    161002: ("the operator refuses its arguments", _EMITTED),
    561002: ("the operator cannot cut its work", _EMITTED),
    561003: ("the operator's binary is not found", OPERATORS_PACKAGE),
    561107: ("the operators are not found", SET_UP),
    561112: ("the operators' binaries are not loaded", OPERATORS_PACKAGE),
}
"""The codes that a person may meet, of ``acl/error_codes/rt_error_codes.h`` and of the operators: (problem, remedy)."""


def home() -> Path:
    """The folder of CANN, or :class:`RunnerError` saying how to have one."""
    if sys.platform != "linux":
        raise RunnerError(f"ascend: runs on Linux alone (got {sys.platform}); use python -m runners.cpu here")
    found = os.environ.get("ASCEND_HOME_PATH", "").strip()
    if not found:
        raise RunnerError(f"CANN: not found (got no ASCEND_HOME_PATH); {SET_UP}")
    return Path(found)


def library_path() -> Path:
    """Where the runtime's library is, or :class:`RunnerError`."""
    path = home() / "lib64" / "libascendcl.so"
    if not path.is_file():
        raise RunnerError(f"CANN: has no libascendcl.so (looked in {line(str(path.parent))}); {SET_UP}")
    return path


def loaded(path: Path) -> ctypes.CDLL:
    """A library of CANN, or :class:`RunnerError` saying what it lacks itself: most often the driver."""
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        remedy = f"install the driver, and {SET_UP}"
        raise RunnerError(
            f"CANN: {path.name} cannot be loaded (got '{line(str(error))}'); {remedy}"
        ) from None


def declare(library: ctypes.CDLL, name: str, types: tuple[Any, ...]) -> None:
    """Give a function its types; they are checked at every call."""
    try:
        function = getattr(library, name)
    except AttributeError:
        raise RunnerError(f"CANN: has no {name} (looked in {library._name}); install CANN 8.5") from None
    function.argtypes, function.restype = types, c_int


def cann_version() -> str:
    """As the toolkit's installer wrote it down."""
    kept = home() / f"{platform.machine()}-linux" / "ascend_toolkit_install.info"
    return written_version(kept) or "unknown"


def written_version(path: Path) -> str | None:
    """The version that a file of the vendor's says in a line ``version=...``."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    found = (text.partition("=") for text in lines)
    return next((value.strip() for name, _, value in found if name.strip().lower() == "version"), None)
