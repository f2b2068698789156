"""Every runner of the registry is there, says what it is, and is asked without any vendor's package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runners.kernels.emit import TARGETS
from runners.registry import RUNNERS, all_classes, device_class
from tests.runners.runs import REPOSITORY

VENDORS = ("cuda", "pynvml", "jax", "libtpu", "Metal", "objc", "mlx", "torch", "torch_neuronx", "neuronxcc",
           "nki", "torch_npu", "acl", "transformers", "llama_cpp")  # fmt: skip


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_runner_says_what_it_is(runner: str) -> None:
    stack = device_class(runner)
    assert stack.runner == runner
    assert set(stack.targets) <= set(TARGETS)
    assert stack.target in stack.targets
    for target in stack.targets:
        assert set(stack.storages) <= set(TARGETS[target].storages)
    assert stack.about.name
    assert stack.about.machine.endswith(".")
    assert 0 < stack.about.minutes[0] <= stack.about.minutes[1]
    assert {setting.name for setting in stack.settings} <= vars(stack()).keys()


def test_every_language_has_one_runner() -> None:
    taken = [target for stack in all_classes() for target in stack.targets]
    assert len(taken) == len(set(taken))
    languages = {TARGETS[target].form_of or target for target in taken}
    assert languages == {target.form_of or target.id for target in TARGETS.values()}


def test_asking_every_runner_what_it_lacks_loads_no_vendors_package() -> None:
    asked = (
        "import sys; from runners.registry import all_classes\n"
        "for stack in all_classes(): stack.lacking(); stack()\n"
        f"print([name for name in {VENDORS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("runner", RUNNERS)
def test_on_a_machine_without_the_device_a_run_ends_with_one_line_and_a_remedy(runner: str) -> None:
    stack = device_class(runner)
    if stack.lacking() is None:
        pytest.skip("this machine lacks nothing for it")
    told = [sys.executable, "-m", f"runners.{runner}", "--quick"]
    done = subprocess.run(told, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "; " in line
