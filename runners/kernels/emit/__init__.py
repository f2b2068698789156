"""``emit(kernel, target, sizes, storage)`` gives a kernel's text in one language. The registry of languages.

A target is a module that holds a :class:`Target`: a pure translation, deterministic, without any vendor's
package. What compiles and launches the text is a runner's affair.
"""

from __future__ import annotations

from runners.kernels.emit import ascendc, c, cuda, metal, nki, pallas, pto
from runners.kernels.emit.emitted import Emitted as Emitted
from runners.kernels.emit.emitted import Target as Target
from runners.kernels.expr import Kernel
from runners.kernels.sizes import Sizes, Storage

TARGETS: dict[str, Target] = {
    target.id: target
    for target in (
        c.TARGET,
        cuda.TARGET,
        pallas.TARGET,
        metal.TARGET,
        metal.MLX_TARGET,
        nki.TARGET,
        nki.TRN2_TARGET,
        ascendc.TARGET,
        pto.TARGET,
    )
}


def emit(kernel: Kernel, target: str, sizes: Sizes, storage: Storage = "bf16") -> Emitted:
    """The text of ``kernel`` in the language ``target``. The same arguments always give the same text."""
    return TARGETS[target].emit(kernel, sizes, storage)
