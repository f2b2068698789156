"""The one graph of a whole step as a worker, on a machine that has the device only by its stand-in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runners.baselines import neuron
from runners.baselines.worker import serve
from tests.runners.fakes.neuron import install

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        install(setattr, Path(folder))
        serve(neuron.DECODER)
