"""The Ascend C simulator refuses what a vector core of Atlas A2 leaves undefined, and says what and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.simulators.ascendc import AUTO_SYNC, FLAGS, Fault, Simulator
from tests.simulators.ascendc.probes import DOUBLE, arrays, changed, emitted, event, whole

Refused = dict[str, tuple[str, str]]

LOAD, STORE = "DataCopy(a, from[tile * 64], 64)", "DataCopy(to[tile * 64], r, 64)"
PLAIN, V = "Adds(r, a, 0.0f, 384);", "PipeBarrier<PIPE_V>();"
INPUT = (
    "TBuf<TPosition::VECIN> plain; pipe.InitBuffer(plain, 256); LocalTensor<float> p = plain.Get<float>();"
)
MASK = "t.ReinterpretCast<uint8_t>()"
PAD = "DataCopyPadExtParams<float>"


def doubled(*changes: tuple[str, str]) -> str:
    """The kernel of double buffers, with a bug."""
    return changed(DOUBLE, *changes)


OPERANDS: Refused = {
    "a vector operand off its block": (
        whole("Add(r, a[4], a, 64);"),
        "block 0, line 18: Add: src0 is at byte 16 of the unified buffer, not a multiple of 32",
    ),
    "a copy into a block's middle": (
        doubled(("DataCopy(a,", "DataCopy(a[1],")),
        "DataCopy: dst is at byte 4",
    ),
    "a copy of no whole blocks": (
        doubled(("tile * 64], 64)", "tile * 64], 63)")),
        "252 bytes are not a multiple of 32",
    ),
    "too many rows": (whole("DataCopyPad(to, a, {4096, 4, 0, 0, 0});"), "blockCount 4096 is more than 4095"),
    "a row that ends within an element": (
        whole("DataCopyPad(to, a, {1, 6, 0, 0, 0});"),
        "blockLen 6 is not a multiple of the element's 4 bytes",
    ),
    "a padding of more than a block": (
        doubled((LOAD, f"DataCopyPad(a, from, {{1, 4, 0, 0, 0}}, {PAD}{{true, 0, 9, 0.0f}})")),
        "paddings of 0 and 36 bytes: neither may exceed 32",
    ),
    "rows into a place for computing": (
        whole(f"DataCopyPad(t, from, {{1, 4, 0, 0, 0}}, {PAD}{{}});"),
        "VECIN or VECOUT, not VECCALC",
    ),
    "a copy between places for computing": (
        whole("DataCopy(t, t[512], 64);"),
        "there is no path from VECCALC to VECCALC",
    ),
    "a result off its own size": (
        whole("WholeReduceMax(r[1], a, 64, 1, 1, 1, 8);"),
        "dst is at byte .* of 8",
    ),
    "too many repeats": (whole("Add(r, a, a, 64, 256, {1, 1, 1, 0, 0, 0});"), "repeatTime 256 is not one of"),
    "too wide a mask": (whole("Add(r, a, a, 65, 1, {1, 1, 1, 8, 8, 8});"), "mask 65 is not one of 1 to 64"),
    "a comparison of a part of a repeat": (
        whole(f"Compare({MASK}, a, a, CMPMODE::GT, 100);"),
        "400 bytes are not a multiple of 256",
    ),
    "an order of integers": (
        whole(f"auto i = a.ReinterpretCast<int32_t>(); Compare({MASK}, i, i, CMPMODE::GT, 64);"),
        "of int32_t only CMPMODE::EQ",
    ),
    "a rounding that a pair of types lacks": (
        whole("Cast(t.ReinterpretCast<bfloat16_t>(), a, RoundMode::CAST_NONE, 384);"),
        "Cast: RoundMode 0 is not one that this pair of types has",
    ),
    "operands that overlap in part": (whole("Add(t[8], t, t, 64);"), "dst overlaps a part of src0"),
    "repeats that write over each other": (
        whole("Add(t, a, a, 64, 6, {1, 1, 1, 0, 8, 8});"),
        "the repeats of dst overlap",
    ),
    "a repeat that reads what another writes": (
        whole("Add(t[64], t, a, 64, 6, {1, 1, 1, 8, 8, 8});"),
        "dst overlaps a part of src0",
    ),
    "widening in place": (
        whole("Cast(t, t.ReinterpretCast<half>(), RoundMode::CAST_NONE, 64);"),
        "dst overlaps a part of src",
    ),
}

MEMORY: Refused = {
    "more than the unified buffer": (
        doubled(("(scratch, 8192)", "(scratch, 190465)")),
        "InitBuffer: 196640 bytes are more than the unified buffer's 196608",
    ),
    "Select without the bytes that it needs": (
        changed(
            whole(f"Select(r, {MASK}, a, a, SELMODE::VSEL_TENSOR_TENSOR_MODE, 384);"),
            ("(scratch, 8192)", "(scratch, 190464)"),
        ),
        "Select: it needs the last 8 KB of the unified buffer, and 196608 bytes are taken",
    ),
    "too small a workspace": (
        whole("ReduceMax(r, a, t[2040], 384);"),
        "sharedTmpBuffer reaches 32 bytes beyond",
    ),
    "a call beyond its tensor": (
        whole("Add(r, a, a[8], 384);"),
        "src1 reaches 32 bytes beyond the end of its tensor",
    ),
    "a tensor from beyond another": (
        whole("auto b = a[385];"),
        "then operator.385. of a tensor of 384",
    ),
    "more of a buffer than there is": (
        whole("scratch.Get<float>(2049);"),
        "then Get of 2049 elements of VECCALC buffer 4",
    ),
    "a load beyond what was declared": (
        doubled(("(__gm__ float *)x, 384", "(__gm__ float *)x, 383")),
        "line 16: DataCopy: src reaches 4 bytes beyond what SetGlobalBuffer declared",
    ),
    "a load that ends beyond the array": (
        doubled(
            ("(__gm__ float *)x, 384", "(__gm__ float *)x, 4096"), ("from[tile * 64]", "from[tile * 65]")
        ),
        "src reaches 20 bytes beyond the end of argument 0, of 1536 bytes",
    ),
    "a store that ends beyond the array": (
        doubled(
            ("(__gm__ float *)y, 384", "(__gm__ float *)y, 4096"), ("to[tile * 64]", "to[tile * 64 + 1]")
        ),
        "dst reaches 4 bytes beyond the end of argument 1, of 1536 bytes",
    ),
    "a load from no array": (
        doubled(("(__gm__ float *)x, 384", "(__gm__ float *)x + (1 << 30), 384")),
        "src lies outside of every array of the launch",
    ),
    "a scalar that the data cache may hold from before": (
        whole("from.GetValue(0);"),
        "GetValue: the data cache may hold what was there before: DataCacheCleanAndInvalid comes first",
    ),
    "a scalar through the data cache": (
        whole("to.SetValue(0, 1.0f);"),
        "SetValue: writes whole lines of 64 bytes",
    ),
}

QUEUES: Refused = {
    "too many buffers": (doubled(("(in, 2,", "(in, 9,")), "more than 8 buffers in queues of VECIN"),
    "no buffer is free": (
        doubled(("in.FreeTensor(a);", ""), ("tile += GetBlockNum()", "tile++")),
        "line 15: AllocTensor: none of the 2 buffers of the VECIN queue is free",
    ),
    "a queue's depth": (
        doubled(("in.EnQue(a);", "in.EnQue(a); a = in.AllocTensor<float>(); in.EnQue(a);")),
        "line 17: EnQue: 1 tensors wait in a VECIN queue of depth 1",
    ),
    "an empty queue": (doubled(("in.EnQue(a);", "")), "DeQue: the VECIN queue is empty"),
    "a tensor freed twice": (
        doubled(("in.FreeTensor(a);", "in.FreeTensor(a); in.FreeTensor(a);")),
        "FreeTensor: the tensor, VECIN buffer 0 of 1536 bytes, was freed before",
    ),
    "a tensor used after it was freed": (
        doubled(("in.FreeTensor(a);", ""), ("Add(r, a, a, 64);", "in.FreeTensor(a); Add(r, a, a, 64);")),
        "Add: src0, VECIN buffer 0 of 1536 bytes, was freed before",
    ),
    "a tensor of an earlier life": (
        whole("auto b = in.AllocTensor<float>(), old = b; in.FreeTensor(b); b = in.AllocTensor<float>();"
              "in.FreeTensor(b); b = in.AllocTensor<float>(); Adds(r, old, 0.0f, 8);"),
        "Adds: src, VECIN buffer 1 of 1536 bytes, was freed before",
    ),
    "a tensor used while it is queued": (
        doubled(("in.EnQue(a);", "in.EnQue(a); Adds(a, a, 0.0f, 64);")),
        "Adds: src, VECIN buffer 0 of 1536 bytes, is in its queue: DeQue it",
    ),
    "another queue's tensor": (
        doubled(("out.EnQue(r);", "in.EnQue(r);")),
        "EnQue: VECOUT buffer 2 of 1536 bytes is not of this queue",
    ),
    "a tensor never freed": (
        whole(PLAIN + " in.AllocTensor<float>();"),
        "the kernel's end: VECIN buffer 1 of 1536 bytes is still allocated: FreeTensor it",
    ),
}  # fmt: skip

PIPES: Refused = {
    "a sum of what is still loading": (
        doubled(("in.EnQue(a);", ""), ("a = in.DeQue<float>();", "")),
        r"line 20: Add: src0, byte 0 of VECIN buffer 0 of 1536 bytes, is still written by MTE2 "
        r"\(line 16: DataCopy\); HardEvent::MTE2_V must come in between",
    ),
    "a store of what is still computed": (
        doubled(("out.EnQue(r);", ""), ("r = out.DeQue<float>();", "")),
        "DataCopy: src, byte 0 of VECOUT buffer 2 .* is still written by V .* HardEvent::V_MTE3 must",
    ),
    "a load over what is still read": (
        whole(f"{INPUT} Adds(t, p, 1.0f, 64); DataCopy(p, from, 64);"),
        "dst, .* is still read by V .* HardEvent::V_MTE2 must",
    ),
    "a load over what is still stored": (
        whole(f"{INPUT} DataCopy(to, p, 64); DataCopy(p, from, 64);"),
        "is still read by MTE3 .* HardEvent::MTE3_MTE2 must",
    ),
    "a result over what is still stored": (
        whole(f"{INPUT} DataCopy(to, p, 64); Adds(p, a, 1.0f, 64);"),
        "is still read by MTE3 .* HardEvent::MTE3_V must",
    ),
    "a scalar of what is still computed": (
        whole(f"{PLAIN} r.GetValue(0);"),
        "GetValue: .* is still written by V .* HardEvent::V_S must",
    ),
    "a scalar of what is still loading": (
        whole(f"{PLAIN} a.GetValue(0);"),
        "is still written by MTE2 .* HardEvent::MTE2_S must",
    ),
    "a call on what a scalar wrote": (
        whole("t.SetValue(0, 1); Adds(r, t, 0.0f, 8);"),
        "is still written by S .* HardEvent::S_V must",
    ),
    "a flag set too early": (
        whole(f"SetFlag<HardEvent::V_S>(0); {PLAIN} WaitFlag<HardEvent::V_S>(0); r.GetValue(0);"),
        "is still written by V .* HardEvent::V_S must",
    ),
    "a flag of the other direction": (
        whole(f"{PLAIN} {event('S_V')} r.GetValue(0);"),
        "is still written by V .* HardEvent::V_S must",
    ),
    "vector calls that depend on each other": (
        whole("Adds(r, a, 0.0f, 384); Adds(r, r, 0.0f, 384);"),
        "Adds: src, .* is still written by V .* PipeBarrier<PIPE_V> must",
    ),
    "a result in place of what an earlier call still reads": (
        whole(f"Adds(t, a, 1.0f, 384); {V} Adds(r, t, 0.0f, 384); Adds(t, t, 0.0f, 384);"),
        r"dst, .* is still read by V \(line 18: Adds\); PipeBarrier<PIPE_V> must",
    ),
    "numbers counted where vector calls still are": (
        whole(f"Adds(t, a, 1.0f, 384); {V} CreateVecIndex(t, 0.0f, 384);"),
        "CreateVecIndex: dst, .* is still written by V .* HardEvent::V_S must",
    ),
    "a store over what is still loaded": (
        whole(f"{INPUT} DataCopy(p, to, 64); DataCopy(to, r, 64);"),
        "dst in global memory is still read by MTE2 .* HardEvent::MTE2_MTE3 must",
    ),
    "a store over what another core loads": (
        doubled((LOAD, "DataCopy(a, to[(tile + 1) % 6 * 64], 64)")),
        "DataCopy: dst was read by block 0 of the same launch: nothing orders the two",
    ),
    "loads over each other": (
        whole(f"{INPUT} DataCopy(p, from, 64); DataCopy(p, from[64], 64);"),
        "is still written by MTE2 .* PipeBarrier<PIPE_MTE2> must",
    ),
    "stores over each other": (
        whole(f"{INPUT} DataCopy(to, p, 64); DataCopy(to[32], p, 64);"),
        "dst in global memory is still written by MTE3 .* PipeBarrier<PIPE_MTE3> must",
    ),
    "a load of what is still stored": (
        whole(f"{INPUT} DataCopy(to, p, 64); DataCopy(t, to[56], 64);"),
        "src in global memory is still written by MTE3 .* HardEvent::MTE3_MTE2 must",
    ),
    "a load of what another core stores": (
        doubled((LOAD, "DataCopy(a, tile ? to[tile * 64 - 64] : from, 64)")),
        "block 1, line 16: DataCopy: src was stored by block 0 of the same launch: nothing orders the two",
    ),
    "a store over another core's": (
        doubled(("tile = GetBlockIdx()", "tile = 0")),
        "block 1, line 24: DataCopy: dst was stored by block 0 of the same launch",
    ),
}

EVENTS: Refused = {
    "waiting for what nothing sets": (
        whole("WaitFlag<HardEvent::V_S>(2);"),
        "waits for ever: nothing has set flag V_S 2",
    ),
    "a flag set twice": (
        whole("SetFlag<HardEvent::V_S>(2); SetFlag<HardEvent::V_S>(2);"),
        r"flag V_S 2 is set already \(line 18: SetFlag\) and was not waited for",
    ),
    "a flag never waited for": (
        whole(f"{PLAIN} SetFlag<HardEvent::V_S>(2);"),
        r"flag V_S 2 was set \(line 18\) and never waited for",
    ),
    "a flag that does not exist": (
        whole("SetFlag<HardEvent::V_S>(8);"),
        "event id 8 of V_S is not one of 0 to 7",
    ),
    "more event ids than there are": (
        whole("for (int id = 0; id < 9; id++) pipe.AllocEventID<HardEvent::V_S>();"),
        "all 8 event ids of V_S are taken",
    ),
}

REFUSED = OPERANDS | MEMORY | QUEUES | PIPES | EVENTS


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """All texts of this file, compiled together."""
    return Simulator([emitted(text) for text, _ in REFUSED.values()], tmp_path_factory.mktemp("ascendc"))


@pytest.mark.parametrize(("text", "report"), REFUSED.values(), ids=REFUSED)
def test_what_the_hardware_does_not_promise_is_refused(text: str, report: str, simulator: Simulator) -> None:
    with pytest.raises(Fault, match=report):
        simulator.run(emitted(text), arrays())


def test_a_compiler_that_orders_vector_calls_can_be_asked_for(tmp_path: Path) -> None:
    text = emitted(whole("Adds(r, a, 1.0f, 384); Adds(r, r, 1.0f, 384);"))
    given = arrays()
    Simulator([text], tmp_path, (*FLAGS, AUTO_SYNC)).run(text, given, blocks=1)
    np.testing.assert_allclose(given["y"], given["x"] + 2, rtol=1e-6)
