"""Many devices measured at once on rented machines, by SkyPilot's own program ``sky``: ``python -m runners fleet``.

Each device's task is launched on a cluster of its own, its results are fetched over the cluster's ssh alias and
judged like any file from outside before they are filed, and the cluster is taken down. Decisions, and why:

- **Results are fetched before a cluster goes**, so ``sky launch --down`` alone will not do. It is passed with
  an idle time all the same: should this program or its machine die, no cluster is paid for longer than that.
- **A failed cluster is taken down too**, unless ``--keep``: all that ``sky launch`` said is kept in a file here.
- **A run that ends with an error may have filed something** (a kernel that failed its check), so its results
  are fetched as well.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from runners import guide, record
from runners.device import RunnerError
from runners.reproduction.skypilot import RESULTS, cluster_name
from schemas.judge import compiled
from schemas.load import load, schema
from schemas.problems import closest, got
from schemas.records import Device, Result, task_name

INSTALL = 'uv tool install "skypilot[gcp,aws]==0.14.1"'
IDLE_MINUTES = 30
MOST_AT_ONCE = 8
_RAN, _RUN_FAILED = 0, 100
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for. ``output`` None files in ``data/``; ``options`` are the runners'."""

    submitter: str = "anonymous"
    output: Path | None = None
    options: str = ""
    keep: bool = False
    """Whether the clusters stay up."""


@dataclass(slots=True)
class Fleet:
    """The clusters of one call: where their tasks lie, which are up, and the programs that run just now."""

    folder: Path
    order: Order
    say: Say
    up: set[str] = field(default_factory=set)
    running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    stopping: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def chosen(wanted: Sequence[str], known: Mapping[str, Device], tasks: Mapping[str, str]) -> list[Device]:
    """The devices of the names ``wanted``, each once; RunnerError with a line for each that cannot be rented."""
    if not wanted:
        raise RunnerError(f"--devices: names no device (got none); {closest('', tasks)}")
    problems = []
    for name in dict.fromkeys(wanted):
        if name not in known:
            problems.append(f"--devices: is unknown (got '{name}'); {closest(name, tasks)}")
        elif name not in tasks:
            rented = ", ".join(sorted(tasks)) or "none"
            problems.append(f"--devices: has no SkyPilot task (got '{name}'); those that have: {rented}")
    if problems:
        raise RunnerError("\n".join(problems))
    return [known[name] for name in dict.fromkeys(wanted)]


def rented(device: Device) -> str:
    """What of a cloud's is rented for a device, in SkyPilot's words."""
    assert device.access
    assert device.access.skypilot
    asked = device.access.skypilot
    words = (asked.infra or "any cloud", asked.accelerators or asked.instance_type or "the smallest machine")
    return ", ".join(words)


def refuse_unfiled(order: Order) -> None:
    """RunnerError, before anything is rented, for what would keep its results from being filed."""
    line = schema("common")["$defs"]["line"]
    if not compiled(line, schema("common")).is_valid(order.submitter):
        raise RunnerError(f"--submitter: is no name {got(order.submitter)}; {line['description']}")
    record.refuse_unwritable(order.output or guide.DATA / "results")


def write_tasks(devices: Sequence[Device], tasks: Mapping[str, str], folder: Path) -> list[Path]:
    """The devices' tasks as files of ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / task_name(device.id) for device in devices]
    for device, path in zip(devices, paths, strict=True):
        path.write_text(tasks[device.id], "utf-8")
    return paths


def refuse_unready() -> None:
    """RunnerError where SkyPilot or rsync is not installed here, or SkyPilot reaches no cloud."""
    if shutil.which("sky") is None:
        raise RunnerError(f"SkyPilot is not installed (looked for sky); run: {INSTALL}")
    if shutil.which("rsync") is None:
        raise RunnerError("rsync is not installed (looked for rsync); install it by your system's packages")
    asked = subprocess.run(["sky", "check", "--output", "json"], capture_output=True, text=True, check=False)  # noqa: S607
    try:
        enabled = asked.returncode == 0 and any(json.loads(asked.stdout).values())
    except (ValueError, AttributeError):
        enabled = False
    if not enabled:
        raise RunnerError("SkyPilot reaches no cloud (got no enabled one from sky check); run: sky check")


def launch(devices: Sequence[Device], fleet: Fleet) -> int:
    """Measure all devices, several at once; how many failed. KeyboardInterrupt stops what runs here, and passes."""
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(devices))) as pool:
        asked = [pool.submit(_measured, device, fleet) for device in devices]
        try:
            return sum(not one.result() for one in as_completed(asked))
        except BaseException:
            _stop(fleet)
            for one in asked:
                one.cancel()
            raise


def still_up(fleet: Fleet) -> list[str]:
    """What to tell of clusters that may be up: they cost money until they are down."""
    if not fleet.up:
        return []
    names = shlex.join(sorted(fleet.up))
    return [f"still up, or coming up: {names}", f"to take them down: sky down -y {names}"]


def _measured(device: Device, fleet: Fleet) -> bool:
    """Launch, fetch, file and take down one device, whatever becomes of others; whether there is a result."""
    try:
        return _one(device, fleet)
    except OSError as error:
        fleet.say(f"{device.id}: failed on this machine (got '{error.strerror}'); its cluster stays up")
        return False


def _one(device: Device, fleet: Fleet) -> bool:
    cluster, log = cluster_name(device.id), fleet.folder / f"{device.id}.log"
    fleet.say(f"{device.id}: launching {cluster}; its output is in {guide.shown(log)}")
    fleet.up.add(cluster)
    told = ("--env", f"SUBMITTER={fleet.order.submitter}", "--env", f"OPTIONS={fleet.order.options}")
    task = str(fleet.folder / task_name(device.id))
    asked = ("sky", "launch", "-y", "-c", cluster, *_down_by_itself(fleet.order), *told, task)
    status = _call(fleet, log, *asked)
    if status != _RAN:
        where = f"run: sky logs {cluster}" if fleet.order.keep else f"see {guide.shown(log)}"
        fleet.say(f"{device.id}: failed (got exit status {status} from sky launch); {where}")
    filed = status in {_RAN, _RUN_FAILED} and _collected(device, cluster, log, fleet)
    if not fleet.order.keep:
        _take_down(device, cluster, log, fleet)
    return filed and status == _RAN


def _down_by_itself(order: Order) -> tuple[str, ...]:
    return () if order.keep else ("--idle-minutes-to-autostop", str(IDLE_MINUTES), "--down")


def _collected(device: Device, cluster: str, log: Path, fleet: Fleet) -> bool:
    """Fetch a cluster's results and file those that are valid; whether all went well and there was one."""
    with tempfile.TemporaryDirectory(dir=fleet.folder) as place:
        folder = Path(place)
        status = _call(fleet, log, "rsync", "-a", f"{cluster}:{RESULTS}/", place)
        if status != _RAN:
            fleet.say(f"{device.id}: no result could be fetched (got exit status {status} from rsync)")
            return False
        paths = sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".md"})
        try:
            return _filed(device, paths, fleet)
        except RunnerError as error:
            for line in str(error).splitlines():
                fleet.say(f"{device.id}: not filed: {line}")
            return False


def _filed(device: Device, paths: Sequence[Path], fleet: Fleet) -> bool:
    texts: dict[Path, str] = {}
    for path in paths:
        target = _place_of(path, fleet.order.output)
        text = path.read_text("utf-8")
        if not (target.is_file() and target.read_text("utf-8") == text):
            texts[target] = text
    for written in record.file_all(texts):
        fleet.say(f"{device.id}: filed {guide.shown(written)}")
    if not paths:
        fleet.say(f"{device.id}: the run left no result")
    return bool(paths)


def _place_of(path: Path, output: Path | None) -> Path:
    """Where a fetched file belongs; RunnerError with every problem of one that is not valid."""
    found = load(path, guide.DATA)
    if isinstance(found, list):
        raise RunnerError("\n".join(str(replace(problem, path=path.name)) for problem in found))
    if isinstance(found, Result) and found.provenance == "measured":
        return (output or guide.DATA / "results" / found.device) / path.name
    if isinstance(found, Device):
        return (output or guide.DATA / "devices") / path.name
    raise RunnerError(f"{path.name}: is no measured result and no device (got another kind of record)")


def _take_down(device: Device, cluster: str, log: Path, fleet: Fleet) -> None:
    status = _call(fleet, log, "sky", "down", "-y", cluster)
    if status == _RAN:
        fleet.up.discard(cluster)
        fleet.say(f"{device.id}: {cluster} is down")
    else:
        fleet.say(
            f"{device.id}: is still up (got exit status {status} from sky down); run: sky down -y {cluster}"
        )


def _call(fleet: Fleet, log: Path, *command: str) -> int:
    """The exit status of a program that runs in the checkout; its output goes to the end of ``log``."""
    with log.open("ab") as file:
        file.write(f"$ {shlex.join(command)}\n".encode())
        file.flush()
        with fleet.lock:
            if fleet.stopping:
                return -signal.SIGTERM
            program = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=guide.ROOT,
                start_new_session=True,  # an interrupt is for us, who then stop it
            )
            fleet.running.add(program)
        status = program.wait()
        with fleet.lock:
            fleet.running.discard(program)
        return status


def _stop(fleet: Fleet) -> None:
    """End what runs here; what it asked of a cloud may go on."""
    with fleet.lock:
        fleet.stopping = True
        fleet.say = lambda _: None  # what they would say now is that they were stopped
        for program in fleet.running:
            try:
                os.killpg(program.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
