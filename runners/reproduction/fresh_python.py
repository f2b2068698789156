"""The shell lines that install a runner on a lent machine, whose own Python is unknown: a notebook's or a cloud's.

Such a machine may have any Python (Colab's has changed twice a year), often without ``ensurepip``, so that
``python -m venv`` fails, and packages of its own that pinned ones would break. uv brings the Python that the
pins are tested with, and a virtual environment that leaves the machine's own packages as they are.
"""

from __future__ import annotations

from schemas.records import RunnerFacts

PYTHON = "3.11"
STOPS = "set -eo pipefail"
"""What makes a script end at its first error, one before a pipe too."""
ACTIVATE = "source .venv/bin/activate"
_OTHERS_PINS = (
    "unset PYTHONPATH PIP_CONSTRAINT UV_CONSTRAINT UV_BUILD_CONSTRAINT  # pins of the machine's own packages"
)
_UV = "command -v uv > /dev/null || curl -LsSf https://astral.sh/uv/install.sh | sh"


def install_lines(runner: RunnerFacts) -> tuple[str, ...]:
    """In a checkout: a virtual environment, active, in which ``runner`` can run."""
    return (
        _OTHERS_PINS,
        'export PATH="$HOME/.local/bin:$PATH"',
        _UV,
        f"[ -d .venv ] || uv venv --quiet --seed --python {PYTHON} .venv",
        ACTIVATE,
        *runner.install,
    )
