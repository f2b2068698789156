"""A device file is held against the other devices, and against the languages and kernels on file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.examples import Folder


def test_an_alias_belongs_to_one_device(basic: Folder) -> None:
    basic.device("gpu-a", aliases=["both"]).device("gpu-b", aliases=["other", "both"])
    (line,) = basic.problems()
    assert line.startswith("data/devices/gpu-b.md: aliases[1]: belongs to gpu-a too (got 'both')")


def test_an_alias_is_no_other_device(basic: Folder) -> None:
    basic.device("gpu-a", aliases=["gpu-b"])
    (line,) = basic.problems()
    assert line.startswith("data/devices/gpu-a.md: aliases[0]: belongs to gpu-b too (got 'gpu-b')")


def test_an_alias_may_repeat_its_own_device(basic: Folder) -> None:
    basic.device("gpu-a", aliases=["gpu-a"])
    assert not basic.problems()


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ([("lang-c", [])], "languages[0].target: is unknown (got 'lang-c'); did you mean 'lang-b'?"),
        ([("lang-a", ["nrm"])], "languages[0].kernels: is unknown (got 'nrm'); did you mean 'norm'?"),
        ([("lang-a", ["norm"]), ("lang-b", ["norm"])],
         "languages[0].kernels: names what another entry names (got 'norm'); let one language have it"),
        ([("lang-a", []), ("lang-b", [])],
         "languages[0].kernels: names what another entry names (got 'all others'); let one language have it"),
    ],
)  # fmt: skip
def test_a_device_takes_each_kernel_in_one_language_on_file(
    basic: Folder, uses: list[tuple[str, list[str]]], said: str
) -> None:
    basic.emitted({("norm", "lang-a"): "int a;\n", ("norm", "lang-b"): "int b;\n"})
    basic.device("gpu-a", languages=[{"target": target, "kernels": kernels} for target, kernels in uses])
    assert basic.problems()[0].startswith(f"data/devices/gpu-a.md: {said}")


def test_a_device_may_share_its_kernels_out_to_languages(basic: Folder) -> None:
    basic.emitted({("norm", "lang-a"): "int a;\n", ("norm", "lang-b"): "int b;\n"})
    uses = [{"target": "lang-a", "kernels": ["norm"]}, {"target": "lang-b", "kernels": []}]
    assert basic.device("gpu-a", languages=uses).problems() == []


ACCESS = {
    "colab": {"runtime": "X1 GPU", "accelerator": "X1", "seen_as": "X1"},
    "skypilot": {"accelerators": "X1:1"},
}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"type": "NPU"}, "access.colab: is for a GPU or a TPU (got NPU)"),
        ({"access": ACCESS | {"skypilot": {"infra": "gcp"}}},
         "access.skypilot: names no machine (got neither accelerators nor instance_type)"),
    ],
)  # fmt: skip
def test_a_way_to_a_device_leads_to_a_machine_that_has_it(
    basic: Folder, facts: dict[str, Any], said: str
) -> None:
    basic.device("gpu-a", **{"access": ACCESS, **facts})
    (line,) = basic.problems()
    assert line.startswith(f"data/devices/gpu-a.md: {said}")


def test_a_way_to_a_device_has_its_instructions(basic: Folder) -> None:
    basic.instructions("gpu-b").device("gpu-a", access=ACCESS)
    remedy = "has no instructions yet (got none on file); run `python -m runners reproduce`"
    assert basic.problems() == [
        f"data/devices/gpu-a.md: access.{way}: {remedy}" for way in ("colab", "skypilot")
    ]
    assert basic.instructions("gpu-a", "gpu-b").problems() == []


def test_a_device_that_no_runner_measures_needs_none(basic: Folder) -> None:
    basic.emitted({("norm", "lang-a"): "int a;\n"}).instructions("gpu-b")
    basic.device("gpu-a", access=ACCESS, languages=[{"target": "lang-a", "kernels": []}])
    assert basic.problems() == []


def test_instructions_are_for_a_way_that_the_device_states(basic: Folder) -> None:
    basic.instructions("gpu-a").device("gpu-a", access={**ACCESS, "colab": None})
    (line,) = basic.problems()
    assert line.startswith("data/reproduce/index.json: notebooks[0]: is for a device without access.colab")


def test_a_device_lies_in_no_folder_of_its_own(basic: Folder) -> None:
    (basic.data / "devices/more").mkdir()
    (basic.data / "devices/gpu-b.md").rename(basic.data / "devices/more/gpu-b.md")
    (line,) = basic.problems()
    assert line == (
        "data/devices/more/gpu-b.md: file: lies in a folder of its own (got 'devices/more'); "
        "move it to data/devices/gpu-b.md"
    )
