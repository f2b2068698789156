"""Our kernels, each launch dispatched by the host alone: what a step costs that no graph joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runners.baselines.neuron import OneGraph
from runners.baselines.worker import serve
from runners.kernels.emit import Emitted
from runners.stacks.neuron.graph import Graph, singles
from runners.step import Step


class Eager(OneGraph):
    """The loaded step, a graph for each launch; those of one kernel share what was compiled."""

    @staticmethod
    def cut(step: Step, kernels: Mapping[str, Emitted]) -> Sequence[Graph]:
        return singles(step, kernels)


DECODER = Eager

if __name__ == "__main__":
    serve(DECODER)
