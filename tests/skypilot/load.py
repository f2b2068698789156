"""SkyPilot's own loader on task files, run by the interpreter of its own environment: one line of JSON for each.

It reads no credentials and asks no cloud. HOME must be a folder that may be written to, as SkyPilot keeps things
there.
"""

from __future__ import annotations

import contextlib
import json
import sys


def main(paths: list[str]) -> None:
    """Print what SkyPilot makes of each file, or why it refuses it."""
    with contextlib.redirect_stdout(sys.stderr):  # its notes about what it chooses itself
        import sky

        found = [said(sky, path) for path in paths]
    for one in found:
        print(json.dumps(one))


def said(sky: object, path: str) -> dict[str, object]:
    """A task's facts as SkyPilot understands them."""
    try:
        task = sky.Task.from_yaml(path)  # type: ignore[attr-defined]
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    (resources,) = task.resources
    return {
        "name": task.name,
        "cloud": str(resources.cloud) if resources.cloud else None,
        "accelerators": resources.accelerators,
        "accelerator_args": resources.accelerator_args,
        "instance_type": resources.instance_type,
        "disk_size": resources.disk_size,
        "workdir": task.workdir,
        "setup": task.setup,
        "run": task.run,
        "envs": dict(task.envs),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
