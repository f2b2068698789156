"""A fleet of rented machines, on a fake of SkyPilot's program and of rsync: strict about how they are called."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from runners import __main__ as command
from runners import guide, registry
from runners.reproduction import fleet
from runners.reproduction import instructions as reproduction
from tests.runners import runs
from tests.schemas import examples

FAKES = Path(__file__).parents[1] / "fakes" / "clouds"
RENTED = """\
reproduction: null
access:
  colab: null
  skypilot: {infra: gcp, accelerators: "T4:1"}
"""


def device(name: str, access: str = RENTED) -> str:
    facts = runs.KNOWN_DEVICE.replace("id: tried", f"id: {name}").replace("reproduction: null\n", access)
    return facts.replace("aliases: [null-device]", "aliases: []")


class Cloud:
    """What the fakes have been told, and what they were asked."""

    def __init__(self, root: Path) -> None:
        self.root, self.told = root, root / "cloud"
        self.told.mkdir()

    def tell(self, name: str, text: object) -> None:
        (self.told / name).write_text(str(text))

    def leaves(self, device: str, name: str, text: str) -> None:
        """A run on the device's cluster leaves a file in its folder of results."""
        folder = self.told / "home" / f"decode-board-{device}" / "decode-board-results"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def leaves_result(self, rented: str, name: str = "", **changes: object) -> None:
        name = name or f"{rented}-run"
        record = examples.measured() | {"id": name, "device": rented} | changes
        self.leaves(rented, f"{name}.json", json.dumps(record))

    def asked(self, program: str = "sky") -> list[list[str]]:
        path = self.told / f"{program}.calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def filed(self) -> list[str]:
        data = self.root / "data"
        found = [*data.glob("results/*/*"), *data.glob("devices/*")]
        return sorted(
            path.relative_to(data).as_posix() for path in found if path.stem not in {"a", "b", "owned"}
        )


def prepare(root: Path, patch: object) -> None:
    """A board of two devices that are lent and one that is not; ``patch`` sets attributes."""
    data = root / "data"
    runs.make_data(data)
    for name in ("a", "b"):
        runs.add_device(data, device(name), name)
    runs.add_device(data, device("owned", "reproduction: null\n"), "owned")
    for target, name, value in (
        (guide, "ROOT", root), (guide, "DATA", data),
        (registry, "RUNNERS", {"cpu": "runners.cpu:CpuDevice"}),
    ):  # fmt: skip
        patch(target, name, value)  # type: ignore[operator]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The fakes on PATH, and the board."""
    found = Cloud(tmp_path)
    prepare(tmp_path, monkeypatch.setattr)
    monkeypatch.setenv("FAKE_CLOUD", str(found.told))
    monkeypatch.setenv("PATH", f"{FAKES}:{Path(sys.executable).parent}:/usr/bin:/bin")
    return found


def launched(*arguments: str) -> int:
    return command.main(["fleet", "--yes", *arguments])


def test_each_result_is_filed_under_its_device_and_each_cluster_taken_down(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.leaves_result("a")
    cloud.leaves_result("b")
    assert launched("--devices", "a,b,a", "--submitter", "Somebody Else") == 0
    assert cloud.filed() == ["results/a/a-run.json", "results/b/b-run.json"]
    said, errors = capsys.readouterr()
    assert errors == "", "nothing is up any more"
    for name in ("a", "b"):
        assert f"{name}: launching decode-board-{name}; its output is in build/fleet/{name}.log" in said
        assert f"{name}: filed data/results/{name}/{name}-run.json" in said
        assert f"{name}: decode-board-{name} is down" in said
        task = str(cloud.root / f"build/fleet/{name}.sky.yaml")
        assert ["launch", "-y", "-c", f"decode-board-{name}", "--idle-minutes-to-autostop", "30", "--down", "--env",
                "SUBMITTER=Somebody Else", "--env", "OPTIONS=", task] in cloud.asked()  # fmt: skip
    assert sorted(call[-1] for call in cloud.asked() if call[0] == "down") == [
        "decode-board-a",
        "decode-board-b",
    ]
    assert len(cloud.asked()) == 5


def test_two_machines_run_at_the_same_time(cloud: Cloud) -> None:
    cloud.tell("together", 2)
    cloud.leaves_result("a")
    cloud.leaves_result("b")
    assert launched("--devices", "a,b") == 0


def test_one_that_fails_does_not_hold_up_the_others(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.tell("launch-decode-board-a", 1)
    cloud.leaves_result("b")
    assert launched("--devices", "a,b") == 1
    assert cloud.filed() == ["results/b/b-run.json"]
    said = capsys.readouterr().out
    assert "a: failed (got exit status 1 from sky launch); see build/fleet/a.log" in said
    assert "a: decode-board-a is down" in said
    assert "the fake says so" in (cloud.root / "build/fleet/a.log").read_text()


def test_what_a_failed_run_measured_is_filed_all_the_same(cloud: Cloud) -> None:
    cloud.tell("launch-decode-board-a", 100)
    cloud.leaves_result("a")
    assert launched("--devices", "a") == 1
    assert cloud.filed() == ["results/a/a-run.json"]


def test_a_kept_cluster_is_not_taken_down_and_its_log_is_told(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.tell("launch-decode-board-a", 100)
    assert launched("--devices", "a", "--keep") == 1
    (call,) = [call for call in cloud.asked() if call[0] == "launch"]
    assert "--down" not in call
    assert not [call for call in cloud.asked() if call[0] == "down"]
    told = capsys.readouterr()
    assert "a: failed (got exit status 100 from sky launch); run: sky logs decode-board-a" in told.out
    assert "to take them down: sky down -y decode-board-a" in told.err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a-run.json", '{"schema": "decode-board/result/1"}', "not filed: a-run.json: "),
        ("a-run.json", "not JSON", "not filed: a-run.json: file: is not JSON"),
        ("m.json", json.dumps(examples.reported() | {"id": "m"}), "not filed: m.json: is no measured result"),
    ],
)
def test_what_is_not_valid_is_not_filed(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    cloud.leaves_result("a", "a-whole-one")
    cloud.leaves("a", name, text)
    assert launched("--devices", "a") == 1
    assert cloud.filed() == []
    assert f"a: {said}" in capsys.readouterr().out


def test_a_result_goes_where_its_own_device_is_and_a_draft_beside_the_devices(cloud: Cloud) -> None:
    drafted = device("another-name", "reproduction: null\n")
    cloud.leaves_result("a", "run", device="another-name")
    cloud.leaves("a", "another-name.md", drafted)
    assert launched("--devices", "a") == 0
    assert cloud.filed() == ["devices/another-name.md", "results/another-name/run.json"]


def test_nothing_is_overwritten(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.leaves_result("a")
    place = cloud.root / "data/results/a/a-run.json"
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    assert launched("--devices", "a") == 1
    assert place.read_text() == "mine"
    assert "exists already" in capsys.readouterr().out


def test_fetching_the_same_result_twice_is_no_error(cloud: Cloud) -> None:
    cloud.leaves_result("a")
    assert [launched("--devices", "a"), launched("--devices", "a")] == [0, 0]


def test_all_may_go_into_one_folder(cloud: Cloud) -> None:
    cloud.leaves_result("a")
    assert launched("--devices", "a", "--output", str(cloud.root / "mine")) == 0
    assert [path.name for path in (cloud.root / "mine").iterdir()] == ["a-run.json"]
    assert cloud.filed() == []


def test_a_run_without_a_result_is_told(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert launched("--devices", "a") == 1
    assert "a: no result could be fetched (got exit status 23 from rsync)" in capsys.readouterr().out
    cloud.leaves("a", "log.txt", "no result")
    assert launched("--devices", "a") == 1
    assert "a: the run left no result" in capsys.readouterr().out


def test_a_cluster_that_does_not_go_down_is_told(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.tell("down-decode-board-a", 1)
    cloud.leaves_result("a")
    launched("--devices", "a")
    told = capsys.readouterr()
    assert "a: is still up (got exit status 1 from sky down); run: sky down -y decode-board-a" in told.out
    assert "to take them down: sky down -y decode-board-a" in told.err


def test_every_device_that_cannot_be_rented_is_told(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert launched("--devices", "aa,owned,b") == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: --devices: is unknown (got 'aa'); did you mean 'a'? known: a, b",
        "error: --devices: has no SkyPilot task (got 'owned'); those that have: a, b",
    ]
    assert cloud.asked() == []


@pytest.mark.parametrize("named", ["", ",", " , "])
def test_no_device_is_nothing_to_rent(cloud: Cloud, capsys: pytest.CaptureFixture[str], named: str) -> None:
    assert launched("--devices", named) == 1
    assert capsys.readouterr().err == "error: --devices: names no device (got none); known: a, b\n"
    assert cloud.asked() == []


def test_devices_may_be_named_one_by_one(capsys: pytest.CaptureFixture[str], cloud: Cloud) -> None:
    assert command.main(["fleet", "--devices", "a", "--devices", "b", "--dry-run"]) == 0
    assert [line[:2] for line in capsys.readouterr().out.splitlines()] == ["a:", "b:"]
    assert cloud.asked() == []


def test_the_runners_options_go_to_each_machine(cloud: Cloud) -> None:
    cloud.leaves_result("a")
    assert launched("--devices", "a", "--options", "--dtype f32 --threads 2") == 0
    (call,) = [call for call in cloud.asked() if call[0] == "launch"]
    assert "OPTIONS=--dtype f32 --threads 2" in call


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--options", "--dtype f8"), "error: Invalid value for '--dtype': 'f8' is not one of"),
        (
            ("--options", "--thread 2"),
            "error: No such option '--thread'. Did you mean '--threads'? See --help.",
        ),
        (("--submitter", ""), "error: --submitter: is no name (got ''); write one line of plain text"),
        (("--submitter", "<b>"), "error: --submitter: is no name (got '<b>'); write one line of plain text"),
        (("--output", "/dev/null/x"), "error: /dev/null/x: cannot be written to (got '/dev/null')"),
    ],
)
def test_what_would_be_refused_in_the_end_is_refused_before_anything_is_rented(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str], said: str
) -> None:
    assert launched("--devices", "a", *wrong) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)
    assert cloud.asked() == []


def test_a_folder_that_takes_no_tasks_is_told_in_one_line(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    (cloud.root / "build").write_text("no folder")
    assert launched("--devices", "a") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: build/fleet: cannot be written (got 'Not a directory'); ")
    assert cloud.asked() == []


def test_a_dry_run_writes_the_tasks_and_asks_nobody(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["fleet", "--devices", "a", "--dry-run"]) == 0
    assert capsys.readouterr().out == "a: gcp, T4:1; task: build/fleet/a.sky.yaml\n"
    assert (cloud.root / "build/fleet/a.sky.yaml").read_text() == reproduction.tasks(guide.DATA)["a"]
    assert cloud.asked() == []


def test_money_is_spent_after_a_yes_only(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(text: str, **_: bool) -> None:
        assert text.startswith("This rents 1 machine, at a cost")
        raise click.Abort

    monkeypatch.setattr(click, "confirm", no)
    assert command.main(["fleet", "--devices", "a"]) == 130
    assert [call[0] for call in cloud.asked()] == ["check"]


def test_without_skypilot_the_tasks_are_written_and_the_remedy_is_told(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert launched("--devices", "a") == 1
    assert capsys.readouterr().err.startswith(
        "error: SkyPilot is not installed (looked for sky); run: uv tool install"
    )
    assert (cloud.root / "build/fleet/a.sky.yaml").is_file()


@pytest.mark.parametrize("said", ['{"default": {}}', "no JSON", ""])
def test_without_a_cloud_nothing_is_launched(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    cloud.tell("check", said)
    assert launched("--devices", "a") == 1
    assert "error: SkyPilot reaches no cloud (got no enabled one from sky check)" in capsys.readouterr().err
    assert [call[0] for call in cloud.asked()] == ["check"]


@pytest.mark.usefixtures("cloud")
def test_a_full_disk_here_fails_one_device_and_says_that_its_cluster_is_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fleet, "_collected", full)
    assert launched("--devices", "a") == 1
    told = capsys.readouterr()
    assert "a: failed on this machine (got 'No space left on device'); its cluster stays up" in told.out
    assert "sky down -y decode-board-a" in told.err


def test_an_interrupt_says_which_clusters_are_up(cloud: Cloud) -> None:
    cloud.tell("wait", "")
    program = [
        sys.executable,
        "-m",
        "tests.runners.reproduction.test_fleet",
        str(cloud.root),
        "--yes",
        "--devices",
        "a,b",
    ]
    running = subprocess.Popen(
        program, cwd=runs.REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while (
            len([call for call in cloud.asked() if call[0] == "launch"]) < 2 and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert [line for line in errors.splitlines() if line] == [
        "still up, or coming up: decode-board-a decode-board-b",
        "to take them down: sky down -y decode-board-a decode-board-b",
        "interrupted",
    ]
    assert not [call for call in cloud.asked() if call[0] == "down"]


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), setattr)
    sys.exit(command.main(["fleet", *sys.argv[2:]]))
