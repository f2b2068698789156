"""Our kernels as one graph of the whole step: what a Neuron compiler makes of a step that is not cut.

As every baseline it is a process of its own, so that it holds a NeuronCore of its own. Its cache begins with the
numbers that ours does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from runners.baselines.job import Job
from runners.baselines.worker import serve
from runners.kernels.emit import Emitted
from runners.kernels.source import KERNELS
from runners.latencies import SEED
from runners.stacks.neuron.graph import Graph, halves
from runners.step import Step, decode_step, room
from runners.trainium import TrainiumDevice
from runners.weights import START_TOKEN, first_contents


class OneGraph:
    """The loaded step."""

    def __init__(self, job: Job) -> None:
        self._device, self._depth_tokens = TrainiumDevice(), job.depth_tokens
        self.versions = {package.name: package.version for package in self._device.open().toolchain}
        step = decode_step(job.model, job.storage, room(job.depth_tokens + job.steps))
        kernels = {
            name: self._device.emit(KERNELS[name], sizes, job.storage) for name, sizes in step.sizes.items()
        }
        contents = first_contents(job.model, step, job.weights, job.depth_tokens, SEED)
        self._device.load_graphs(self.cut(step, kernels), step, kernels, contents)

    @staticmethod
    def cut(step: Step, kernels: Mapping[str, Emitted]) -> Sequence[Graph]:
        """The graphs that the step runs as."""
        return halves(step, kernels, 0)

    def restart(self) -> None:
        self._device.write("token", np.array(START_TOKEN, np.int32))
        self._device.write("position", np.array(self._depth_tokens, np.int32))

    def step(self, token: int) -> int:
        del token  # the device has it: it chose it, or was told at the start
        return self._device.run(1).tokens[0]


DECODER = OneGraph

if __name__ == "__main__":
    serve(DECODER)
