"""A device's section on reproduction: who measures it, what to expect, and the machines that are lent."""

from __future__ import annotations

import pytest

from generator.device_view import DeviceView
from generator.reproduction_view import ReproductionView
from tests.generator.examples import Folder, about, samples


def view(folder: Folder, name: str = "gpu-a") -> ReproductionView:
    board = folder.board()
    return DeviceView(board, board.data.devices[name]).reproduction


@pytest.fixture
def told(basic: Folder) -> Folder:
    """Two devices that the example's runner measures, of which one has a notebook and a task."""
    return basic.instructions("gpu-a")


def test_a_device_is_measured_by_the_runner_of_its_language(told: Folder) -> None:
    told.emitted({("norm", "cuda"): "int a;\n", ("norm", "lang-b"): "int b;\n"})
    told.device("gpu-a", languages=[{"target": "cuda", "kernels": []}]).instructions()
    told.device("gpu-b", languages=[{"target": "lang-b", "kernels": []}])
    assert [runner.id for runner in view(told).runners] == ["example"]
    assert view(told, "gpu-b").runners == ()


def test_a_row_is_reproduced_within_the_tolerance(told: Folder) -> None:
    told.reported("r", "gpu-a", 100, decode_dtype="bf16")
    (one,) = view(told).expected
    assert (one.low_tok_per_s, one.row.tok_per_s, one.high_tok_per_s) == (
        about(100 / 1.05),
        about(100),
        about(105),
    )


@pytest.mark.parametrize(("dtype", "option"), [("bf16", ""), ("f32", "--dtype f32"), ("f16", None)])
def test_the_command_takes_the_rows_storage_type(told: Folder, dtype: str, option: str | None) -> None:
    told.device("gpu-a", reproduction=None).instructions().reported("r", "gpu-a", 100, decode_dtype=dtype)
    (one,) = view(told).expected
    assert one.option == option


def test_what_the_published_row_did_otherwise_is_an_option_too(told: Folder) -> None:
    how = {"machine": "m", "method": "m", "source": {"title": "t", "url": "https://example.org"}}
    told.device("gpu-a", reproduction=how | {"options": "--cores 8"}).instructions()
    told.reported("r", "gpu-a", 100, decode_dtype="f32")
    told.measured("ours", "gpu-a", samples([10**9]), decode_dtype="f32")
    assert [one.option for one in view(told).expected] == ["--dtype f32 --cores 8", "--dtype f32"]
    assert view(told).options == ("--dtype f32 --cores 8", "--dtype f32")


def test_only_rows_of_the_device_itself_are_expected(told: Folder) -> None:
    told.reported("top", "gpu-a", 50).reported("base", "gpu-a", 40, role="baseline", decode_baseline_of="top")
    told.reported("gone", "gpu-a", 60).retract("gone").measured("ours", "gpu-a", samples([10**9]))
    told.measured("hasty", "gpu-a", samples([10**9]), quick=True)
    assert [one.row.run for one in view(told).expected] == ["top", "ours"]


def test_a_machine_that_nobody_can_have_is_said_to_be_so(told: Folder) -> None:
    told.device("gpu-a", vendor=None, languages=[]).instructions().reported("r", "gpu-a", 100)
    assert view(told).anybodys
    assert view(told).runners
    assert view(told).expected == []
    assert not view(told, "gpu-b").anybodys


def test_files_are_offered_where_they_are(told: Folder) -> None:
    assert (view(told).notebook, view(told).task) == ("gpu-a.ipynb", "gpu-a.sky.yaml")
    assert view(told).colab == "https://notebooks.example.org/example/board/main/gpu-a.ipynb"
    other = view(told, "gpu-b")
    assert (other.notebook, other.task, other.colab) == (None, None, None)


def test_a_notebook_that_colab_cannot_open_is_still_downloaded(told: Folder) -> None:
    told.instructions("gpu-a", notebooks_open_at=None)
    assert (view(told).notebook, view(told).colab) == ("gpu-a.ipynb", None)


def test_without_instructions_there_is_nobody_to_measure(basic: Folder) -> None:
    found = view(basic.reported("r", "gpu-a", 100))
    assert (found.runners, found.expected, found.notebook, found.task) == ((), [], None, None)
