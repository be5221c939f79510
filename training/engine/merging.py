"""Several written models in one graph: the weighted mean of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine.graph import Graph

if TYPE_CHECKING:
    import numpy as np

    from training.engine.calibration import Calibration


@dataclass(frozen=True)
class Weighted:
    """Models that count the same, as serialised graphs of "features" to "output", and the weight of their mean."""

    models: Sequence[bytes]
    weight: float


def merge(
    members: Sequence[Weighted],
    features: int,
    width: int,
    constant: np.ndarray | None = None,
    calibration: Calibration | None = None,
) -> bytes:
    """One graph of "features" to "output" (rows, width). `constant` (width,) is added: a weighted constant answer."""
    import numpy as np

    graph = Graph()
    means = []
    for member in members:
        answers = [_take_in(graph, content) for content in member.models]
        total = graph.add("Sum", *answers) if len(answers) > 1 else answers[0]
        means.append(graph.add("Mul", total, graph.constant(np.array(member.weight / len(answers)))))
    if len(means) > 1:
        graph.add("Sum", *means)
    if constant is not None:
        graph.add("Add", graph.last, graph.constant(constant))
    if calibration is not None:
        calibration.write(graph)
    return graph.finish(features, width)


def _take_in(graph: Graph, content: bytes) -> str:
    """Append a whole graph under names of its own and return the name of its answer."""
    import onnx

    model = onnx.load_from_string(content).graph
    prefix = f"m{len(graph.nodes)}_"
    own = {"features": "features", "": ""}

    def name(old: str) -> str:
        return own.setdefault(old, prefix + old)

    for constant in model.initializer:
        constant.name = name(constant.name)
        graph.constants.append(constant)
    for node in model.node:
        _rename(node, name)
        graph.nodes.append(node)
    graph.last = name("output")
    return graph.last


def _rename(node: Any, name: Any) -> None:
    inputs, outputs = [name(old) for old in node.input], [name(old) for old in node.output]
    del node.input[:], node.output[:]
    node.input.extend(inputs)
    node.output.extend(outputs)
    node.name = name(f"node_{node.name}")
