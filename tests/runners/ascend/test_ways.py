"""Kernels that are not run as emitted: by the vendor's operators, and on the host."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import pytest

from runners.check import check_kernels, relative_l2_error
from runners.device import Contents, RunnerError
from runners.stacks.ascend.aclnn import OPERATORS
from runners.step import Step, decode_step
from runners.weights import Synthetic, first_contents
from schemas.records import Execution, Package
from tests.runners.ascend.devices import expected, loaded, opened
from tests.runners.fakes.ascend import Machine
from tests.runners.tiny import tiny_model

VENDOR: dict[str, Execution] = dict.fromkeys(OPERATORS, "vendor_library")
HOST: dict[str, Execution] = {"rms_norm": "host", "kv_cache_append": "host", "argmax_greedy": "host"}


@pytest.mark.parametrize("storage", ["bf16", "f16", "f32"])
def test_every_operator_passes_the_check_of_the_kernel_that_it_replaces(
    machine: Machine, storage: Any
) -> None:
    step = decode_step(tiny_model(), storage, 9)
    device, kernels = opened(step, VENDOR)
    checks = check_kernels(device, {name: kernels[name] for name in OPERATORS}, 5, 9, 1)
    assert {check.kernel: check.error for check in checks} == dict.fromkeys(OPERATORS)
    assert {name.partition(" and ")[0] for name in OPERATORS.values()} <= set(machine.ran)
    assert ("aclnnCast" in machine.ran) == (storage != "f32")
    assert machine.left == 0


@pytest.mark.parametrize("graph", [0, 1])
def test_a_step_of_operators_gives_the_reference_s_tokens(
    machine: Machine, step: Step, contents: Contents, graph: int
) -> None:
    device = loaded(step, contents, VENDOR, graph=graph)
    prepared = len(machine.ran)
    tokens, logits = expected(step, contents, 2)
    assert device.run(2).tokens == tokens
    assert relative_l2_error(logits, device.read("logits")) < 2e-2
    ran = Counter(machine.ran[prepared:])
    assert ran["aclnnRmsNorm"] == 2 * (3 + 1)
    assert not ran.keys() & VENDOR.keys()
    device.close()
    assert machine.left == 0


def test_a_graph_calls_no_operator_again_from_the_host(
    machine: Machine, step: Step, contents: Contents
) -> None:
    device = loaded(step, contents, VENDOR)
    machine.fail("aclnnRmsNorm", 561002)
    assert device.run(1).tokens == expected(step, contents, 1)[0]
    device.close()


@pytest.mark.parametrize("where", ["aclnnRmsNorm", "libopapi"])
def test_an_operator_that_refuses_is_told(
    machine: Machine, step: Step, contents: Contents, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "libopapi":
        monkeypatch.setattr("runners.stacks.ascend.aclnn._LIBRARIES", ())
        refusal = r"CANN: has no operator aclnnCast .*; install the operators' package"
    else:
        machine.fail("aclnnRmsNorm", 561003)
        refusal = (
            r"aclnnRmsNorm\w*: the operator's binary is not found \(got 561003: 'EZ9999: aclnnRmsNorm of the fake'\); "
            r"install the operators' package of this CANN and chip"
        )
    with pytest.raises(RunnerError, match=refusal):
        loaded(step, contents, {"rms_norm": "vendor_library"})


def test_kernels_on_the_host_give_the_reference_s_tokens_and_no_graph(
    machine: Machine, step: Step, contents: Contents
) -> None:
    device = loaded(step, contents, HOST)
    tokens, logits = expected(step, contents, 3)
    assert device.run(3).tokens == tokens
    assert relative_l2_error(logits, device.read("logits")) < 1e-2
    assert not set(machine.ran) & HOST.keys()
    assert len(machine.ran) == 3 * sum(launch.kernel not in HOST for launch in step.launches)
    assert (device.graph, device.open().toolchain[-1]) == (0, Package("launches", "one by one"))
    device.close()
    assert machine.left == 0


def test_the_host_s_work_is_in_its_latency(
    machine: Machine, step: Step, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    device = loaded(step, contents, {"rms_norm": "host"})
    own = device._step.acl.fetch
    import time

    def slow(place: Any) -> Any:
        time.sleep(0.01)
        return own(place)

    monkeypatch.setattr(device._step.acl, "fetch", slow)
    traced = list(zip(step.launches, device.trace(1), strict=True))
    assert min(latencies[0] for launch, latencies in traced if launch.kernel == "rms_norm") > 10_000_000
    others = [latencies[0] for launch, latencies in traced if launch.kernel != "rms_norm"]
    assert median(others) < 10_000_000  # of this busy machine a single one may wait
    device.close()


def test_a_kernel_on_the_host_passes_its_check(machine: Machine, step: Step) -> None:
    device, kernels = opened(step, dict.fromkeys(untouched := list(step.sizes), "host"))
    checks = check_kernels(device, kernels, 5, 9, 1)
    assert {check.kernel: check.error for check in checks} == dict.fromkeys(untouched)
    assert machine.ran == []
    assert machine.left == 0


def test_what_runs_a_kernel_is_named(machine: Machine, step: Step) -> None:
    device, _ = opened(step, {"rms_norm": "host", "lm_head_matvec": "vendor_library", "rope_qk": "emitted"})
    names = ("rms_norm", "lm_head_matvec", "rope_qk", "argmax_greedy")
    assert [device.implementation(name) for name in names] == [
        f"NumPy {np.__version__}",
        "aclnnMv",
        None,
        None,
    ]
    assert "launch_rms_norm" not in str(machine.ran)


def test_a_kernel_without_an_operator_is_refused_before_the_device_is_touched(
    machine: Machine, step: Step
) -> None:
    machine.vanish(507899)
    with pytest.raises(
        RunnerError,
        match=r"^--execute: no operator of CANN's is used for this kernel \(got 'rope_qk=vendor_library'\); "
        r"there is one for: rms_norm, .*argmax_greedy$",
    ):
        opened(step, {"rope_qk": "vendor_library"})


def test_weights_on_the_host_are_fetched_once(
    machine: Machine, step: Step, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    device = loaded(step, contents, {"lm_head_matvec": "host"})
    fetched = list[tuple[int, ...]]()
    own = device._step.acl.fetch

    def fetch(place: Any) -> Any:
        fetched.append(place.shape)
        return own(place)

    monkeypatch.setattr(device._step.acl, "fetch", fetch)
    assert device.run(2).tokens == expected(step, contents, 2)[0]
    assert fetched == [(131, 54), (54,), (131,), (54,), (131,)]
    device.close()


def test_other_contents_give_other_tokens(machine: Machine, step: Step) -> None:
    """So that tokens above could have come from nothing but the step."""
    del machine
    given = first_contents(tiny_model(), step, Synthetic(3, "bf16"), 5, 2)
    assert expected(step, given, 3)[0] == [107, 66, 66]
