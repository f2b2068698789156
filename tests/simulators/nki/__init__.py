"""Runs emitted NKI kernels on the CPU: by the Neuron SDK's own simulators, or by ours where they are missing.

Ours, ``packages/neuronxcc`` and ``packages/nki``, are drop-ins of the two packages over one core:
:mod:`.memory` has the memories and :mod:`.instructions` what the engines do, with the rules that the vendor's
documentation gives. A simulator proves arithmetic, indexing and those rules. It does not prove that the Neuron
compiler takes the text, nor how fast it runs. ``neuronxcc``'s own computes bf16 in f32, by its known issues, so
tests of rounding can fail there.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from runners.kernels.emit import Emitted

PACKAGES = Path(__file__).parent / "packages"
PACKAGE = {"nki": "neuronxcc.nki", "nki-trn2": "nki"}
Run = Callable[[Emitted, dict[str, Any], int], None]

os.environ.setdefault("NEURON_PLATFORM_TARGET_OVERRIDE", "trn2")  # the oldest that the later package is for
if str(PACKAGES) not in sys.path:
    sys.path.append(str(PACKAGES))  # at the end: an SDK that is installed is found first


def execute(texts: Sequence[Emitted], folder: Path) -> Run:
    """What runs one of ``texts`` on arrays in the kernel's shapes, writing its outputs in place.

    The capacity is in the arrays' shapes. Modules are written to ``folder``, as a traced kernel needs a file.
    """
    modules = {(text.target, text.sha256): loaded(text, text.text, folder) for text in texts}

    def run(emitted: Emitted, arrays: dict[str, Any], capacity: int) -> None:
        del capacity
        module = modules[emitted.target, emitted.sha256]
        for name, numbers in run_module(emitted, module, packed(emitted, arrays)).items():
            arrays[name][...] = numbers.reshape(arrays[name].shape)

    return run


def packed(emitted: Emitted, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Each array as the host uploads it: in its layout, a single number as one of an array."""
    return {
        array.name: emitted.layout(array.name).pack(np.atleast_1d(arrays[array.name]))
        for array in emitted.kernel.arrays
    }


def loaded(emitted: Emitted, text: str, folder: Path) -> ModuleType:
    """The module of ``text``, which may be another than the emitted one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{emitted.target.replace('-', '_')}_{emitted.kernel.name}_{abs(hash(text)):x}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_module(emitted: Emitted, module: ModuleType, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Output name to what the module's kernel gives for packed ``arrays``, in shapes of its own."""
    kernel = getattr(module, emitted.kernel.name)
    found = simulate(emitted.target, kernel, [arrays[name] for name in taken(emitted)])
    results = found if isinstance(found, tuple) else (found,)
    names = [array.name for array in emitted.kernel.outputs]
    return {name: np.asarray(numbers) for name, numbers in zip(names, results, strict=True)}


def taken(emitted: Emitted) -> list[str]:
    """The arrays that the kernel takes, in its order: its outputs it allocates itself."""
    functions = [node for node in ast.parse(emitted.text).body if isinstance(node, ast.FunctionDef)]
    return [argument.arg for argument in functions[0].args.args]


def simulate(target: str, kernel: Any, given: list[Any]) -> Any:
    """The package's own way to run a kernel without a device."""
    package = importlib.import_module(PACKAGE[target])
    return package.simulate_kernel(kernel, *given) if target == "nki" else package.simulate(kernel)(*given)


def tool(target: str) -> str:
    """What :func:`simulate` runs, for people."""
    found = importlib.util.find_spec(PACKAGE[target])
    assert found
    ours = str(found.origin).startswith(str(PACKAGES))
    return f"a strict NumPy simulator of {PACKAGE[target]}" if ours else f"{PACKAGE[target]}'s own simulator"
