"""Small kernels for the simulator's own tests: y[384] of x[384], in tiles of 64 or as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from runners.kernels.emit import Emitted
from runners.kernels.expr import Load, Store, f32, kernel
from runners.kernels.sizes import Sizes

NUMBERS = 384

_FRAME = """\
#include "kernel_operator.h"
using namespace AscendC;
extern "C" __global__ __aicore__ void probe(GM_ADDR x, GM_ADDR y) {
    TPipe pipe;
    TQue<TPosition::VECIN, 1> in;
    TQue<TPosition::VECOUT, 1> out;
    TBuf<TPosition::VECCALC> scratch;
    pipe.InitBuffer(in, 2, 1536);
    pipe.InitBuffer(out, 2, 1536);
    pipe.InitBuffer(scratch, 8192);
    GlobalTensor<float> from, to;
    from.SetGlobalBuffer((__gm__ float *)x, 384);
    to.SetGlobalBuffer((__gm__ float *)y, 384);
BODY}
"""

_DOUBLE = """\
    for (int64_t tile = GetBlockIdx(); tile < 6; tile += GetBlockNum()) {
        LocalTensor<float> a = in.AllocTensor<float>();
        DataCopy(a, from[tile * 64], 64);
        in.EnQue(a);
        a = in.DeQue<float>();
        LocalTensor<float> r = out.AllocTensor<float>();
        Add(r, a, a, 64);
        in.FreeTensor(a);
        out.EnQue(r);
        r = out.DeQue<float>();
        DataCopy(to[tile * 64], r, 64);
        out.FreeTensor(r);
    }
"""

_WHOLE = """\
    LocalTensor<float> a = in.AllocTensor<float>(), r = out.AllocTensor<float>(), t = scratch.Get<float>();
    DataCopy(a, from, 384);
    in.EnQue(a);
    a = in.DeQue<float>();
    COMPUTE
    in.FreeTensor(a);
    out.EnQue(r);
    r = out.DeQue<float>();
    DataCopy(to, r, 384);
    out.FreeTensor(r);
"""

DOUBLE = _FRAME.replace("BODY", _DOUBLE)
"""y = x + x, six tiles in double buffers, shared among the cores. Its loop begins in line 14."""

COPY = _FRAME.replace(
    "BODY",
    _DOUBLE.replace(
        "        LocalTensor<float> r = out.AllocTensor<float>();\n        Add(r, a, a, 64);\n", ""
    )
    .replace("        in.FreeTensor(a);\n        out.EnQue(r);\n        r = out.DeQue<float>();\n", "")
    .replace("64], r, 64);\n        out.FreeTensor(r)", "64], a, 64);\n        in.FreeTensor(a)"),
).replace("TQue<TPosition::VECIN, 1> in", "TQueBind<TPosition::VECIN, TPosition::VECOUT, 1> in")
"""y = x, through one queue, past the vector unit."""


def whole(compute: str) -> str:
    """A kernel of one tile: x is in ``a``, ``t`` is scratch of 2048 lanes, and ``compute``, in line 18, fills ``r``."""
    return _FRAME.replace("BODY", _WHOLE.replace("COMPUTE", compute))


def changed(text: str, *changes: tuple[str, str]) -> str:
    """``text`` with each first thing, which must be there once, replaced by the second."""
    for old, new in changes:
        assert text.count(old) == 1, f"{text.count(old)} times in the text: {old}"
        text = text.replace(old, new)
    return text


def event(name: str) -> str:
    """The source pipe's flag, set and waited for at once."""
    return f"SetFlag<HardEvent::{name}>(0); WaitFlag<HardEvent::{name}>(0);"


@kernel()
def probe(x: Load = f32(), y: Load = f32()) -> Store:
    """y, as the text under test likes."""
    return y.set(x)


def emitted(text: str) -> Emitted:
    """The text as if an emitter had made it for three cores."""
    return Emitted(probe, "ascendc", Sizes({}), "f32", text, {"blocks": 3})


def arrays() -> dict[str, Any]:
    """x between -1 and 1; y is not a number yet."""
    x = np.random.default_rng(1).uniform(-1, 1, NUMBERS).astype(np.float32)
    return {"x": x, "y": np.full(NUMBERS, np.nan, np.float32)}
