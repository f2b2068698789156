"""``python -m generator``: the site, and everything that comes before a row is on it."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "build": "site",
    "check-submission": "check_submission",
    "doctor": "doctor",
    "import": "importing",
    "new-device": "new_device",
    "new-result": "new_result",
    "serve": "site",
    "submission-comment": "submission_comment",
    "validate": "validate",
}
"""Each command and its module in :mod:`generator.commands`, which is imported when the command is called:
some are asked at every pull request, and what draws charts takes half a second to import."""


class Commands(click.Group):
    """The commands of :data:`COMMANDS`, in that order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"generator.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Decode Board's site generator: result files in data/ become the site in site/."""


if __name__ == "__main__":
    main(prog_name="python -m generator")
