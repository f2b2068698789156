"""What the NKI simulators do beside refusing: fresh memory, sums, types, loops, parameters and scopes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulators.nki.memory import Chip, RefusedError
from tests.simulators.nki.packages import neuronxcc
from tests.simulators.nki.packages.neuronxcc import nki as trn1
from tests.simulators.nki.packages.neuronxcc.nki import isa as isa1
from tests.simulators.nki.packages.neuronxcc.nki import language as nl1
from tests.simulators.nki.packages.neuronxcc.nki.typing import mutable_tensor
from tests.simulators.nki.packages.nki import isa, jit, simulate
from tests.simulators.nki.packages.nki import language as nl
from tests.simulators.nki.tiles import held, on_trn1, psum, sbuf


@pytest.fixture(autouse=True)
def _fresh_chip() -> None:
    Chip.current = Chip()


def test_what_is_fresh_is_no_number() -> None:
    assert np.isnan(nl.ndarray((2, 2), nl.bfloat16).read().astype(np.float32)).all()
    assert nl.ndarray((2, 2), nl.int32).read().max() < -(2**30)


def test_what_nothing_refers_to_is_given_back() -> None:
    for _ in range(20):
        held(1, (128, 16 << 10), nl.sbuf)
        held(8, (1, 512), nl.psum)
    assert (Chip.current.sbuf_bytes, Chip.current.psum_banks) == (0, 0)


def test_products_are_added_in_f32_unless_it_is_said_otherwise() -> None:
    tile, sums = sbuf(128, 2, dtype=nl.bfloat16), psum(2, 2)
    for _ in range(3):
        isa.nc_matmul(sums, tile, tile)
    assert sums.read().tolist() == [[384.0, 384.0]] * 2
    isa.nc_matmul(sums, tile, tile, accumulate=False)
    assert sums.read().tolist() == [[128.0, 128.0]] * 2


def test_a_result_has_the_type_of_its_data_or_the_wider_one() -> None:
    narrow, wide = on_trn1(2, 2, dtype=nl1.bfloat16), on_trn1(2, 2)
    assert isa1.tensor_scalar(narrow, nl1.add, 1.0).dtype == nl1.bfloat16
    assert isa1.tensor_tensor(narrow, wide, nl1.add).dtype == np.float32
    assert isa1.tensor_reduce(nl1.add, narrow, 1, keepdims=True, dtype=nl1.float32).dtype == np.float32


def test_a_loop_without_an_order_is_taken_backwards() -> None:
    assert [turn.value for turn in nl1.affine_range(3)] == [2, 1, 0]
    assert list(nl1.static_range(0, 5, 2)) == [0, 2, 4]


def test_a_parameter_is_written_only_where_it_is_marked_and_returned() -> None:
    def moved(x, y):  # type: ignore[no-untyped-def]
        nl1.store(y, nl1.load(x))
        return y

    def lost(x, y):  # type: ignore[no-untyped-def]
        nl1.store(y, nl1.load(x))
        return x

    x, y = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    with pytest.raises(RefusedError, match="marked as mutable"):
        trn1.simulate_kernel(trn1.Kernel(moved), x, y)
    for function in (moved, lost):
        function.__annotations__["y"] = mutable_tensor
    with pytest.raises(RefusedError, match="must be returned"):
        trn1.simulate_kernel(trn1.Kernel(lost), x, y.copy())
    assert not y.any()
    assert trn1.simulate_kernel(trn1.Kernel(moved), x, y) is y
    assert y.all()


def test_a_kernel_of_the_later_package_changes_its_parameters_in_place() -> None:
    @jit
    def moved(x, y):  # type: ignore[no-untyped-def]
        tile = nl.ndarray((2, 2), nl.float32)
        isa.dma_copy(tile, x)
        isa.dma_copy(y, tile)
        return x, y

    y = np.zeros((2, 2), np.float32)
    assert simulate(moved)(np.ones((2, 2), np.float32), y)[1] is y
    assert y.all()


@pytest.mark.parametrize("buffer", ["private_hbm", "hbm", "sbuf"])
def test_what_is_returned_must_be_shared(buffer: str) -> None:
    def later(_):  # type: ignore[no-untyped-def]
        return nl.ndarray((2, 2), nl.float32, buffer=buffer)

    def earlier(_):  # type: ignore[no-untyped-def]
        return nl1.ndarray((2, 2), nl1.float32, buffer=buffer)

    x = np.ones((2, 2), np.float32)
    with pytest.raises(RefusedError, match="shared device memory"):
        simulate(jit(later))(x)
    with pytest.raises(RefusedError, match="shared device memory"):
        trn1.simulate_kernel(trn1.Kernel(earlier), x)


def test_a_name_that_a_loop_gave_is_not_known_after_it() -> None:
    with pytest.raises(RefusedError, match="tile is used outside"):

        @trn1.jit
        def leaked(x):  # type: ignore[no-untyped-def]
            for _ in nl1.affine_range(1):
                tile = nl1.load(x)
            nl1.store(x, tile)
            return x


def test_turns_without_an_order_write_places_of_their_own() -> None:
    with pytest.raises(RefusedError, match=r"over t write one place: x\[0:1, :\]"):

        @trn1.jit
        def shared(x):  # type: ignore[no-untyped-def]
            for t in nl1.affine_range(2):
                nl1.store(x[0:1, :], nl1.load(x[nl1.ds(t, 1), :]))
            return x

    @trn1.jit
    def apart(x):  # type: ignore[no-untyped-def]
        for _ in nl1.static_range(2):
            for t in nl1.affine_range(2):
                tile = nl1.load(x[nl1.ds(t, 1), :])
                tile[...] = isa1.reciprocal(tile)
                nl1.store(x[nl1.ds(t, 1), :], value=tile)
        return x

    assert isinstance(apart, trn1.Kernel)


def test_the_package_says_that_it_only_stands_in() -> None:
    assert "Stands in" in str(neuronxcc.__doc__)
