"""Why a device stands where it stands."""

from __future__ import annotations

from generator.device_view import DeviceView
from generator.reasons import Peers, reasons
from generator.views import ModelView
from tests.generator.examples import MODEL, Folder, timing, timings


def said(folder: Folder, device: str = "gpu-a") -> list[str]:
    board = folder.board()
    model = ModelView(board, board.data.models[MODEL])
    return reasons(DeviceView(board, board.data.devices[device]), Peers.of(model))


def test_a_device_without_a_ranked_row_has_no_reasons(basic: Folder) -> None:
    assert said(basic) == []


def test_what_nobody_timed_is_said_to_be_unknown(basic: Folder) -> None:
    assert any("not on file" in one for one in said(basic.reported("r", "gpu-a", 10)))


def test_a_device_far_below_the_middle_share_is_told_what_the_middle_share_would_give(basic: Folder) -> None:
    basic.device("gpu-c")
    for device, tok_per_s in (("gpu-a", 1_000), ("gpu-b", 20_000), ("gpu-c", 21_000)):
        basic.reported(device, device, tok_per_s)
    assert "number 3 of 3 ranked devices" in said(basic)[0]
    assert "it would decode at 20,000 tok/s" in said(basic)[0]
    assert "What holds it back is the memory itself" in said(basic, "gpu-c")[0]


def test_the_largest_kernels_and_the_rest_of_the_step_are_named(basic: Folder) -> None:
    step = timings(timing("norm", us=1), timing("proj", us=3))
    kernels = said(basic.reported("r", "gpu-a", 1_000, step))[1]
    assert kernels.index("proj (") < kernels.index("norm (")
    assert "is left for launches" in kernels


def test_a_faster_stack_on_the_same_device_shows_that_the_device_can_do_better(basic: Folder) -> None:
    basic.reported("r", "gpu-a", 10).reported("other", "gpu-a", 40, role="baseline", decode_baseline_of="r")
    assert any("4.00× as fast: the device can do better" in one for one in said(basic))
    basic.reported("other", "gpu-a", 5, role="baseline", decode_baseline_of="r")
    assert any("comes nearest; this row decodes 2.00× as fast" in one for one in said(basic))
