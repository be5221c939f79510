"""The members as nodes of a graph, in double. The shared weights are written once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.engine.family import BINARY, MULTICLASS
from training.engine.graph import Graph
from training.engine.tabm.answers import TINY


def members(graph: Graph, parts: Mapping[str, np.ndarray], depth: int) -> None:
    """From (rows, inputs) to (members, rows, outputs)."""
    graph.add("MatMul", graph.last, graph.constant(parts["weight_0"]))  # the same for every member
    _scale_and_bend(graph, parts, 0)
    for layer in range(1, depth):
        graph.add("Mul", graph.last, _across(graph, parts[f"in_{layer}"]))
        graph.add("MatMul", graph.last, graph.constant(parts[f"weight_{layer}"]))
        _scale_and_bend(graph, parts, layer)
    graph.add("MatMul", graph.last, graph.constant(parts["head"]))
    graph.add("Add", graph.last, _across(graph, parts["level"]))


def _scale_and_bend(graph: Graph, parts: Mapping[str, np.ndarray], layer: int) -> None:
    graph.add("Mul", graph.last, _across(graph, parts[f"scale_{layer}"]))
    graph.add("Add", graph.last, _across(graph, parts[f"bias_{layer}"]))
    graph.activate("relu")


def _across(graph: Graph, array: np.ndarray) -> str:
    """A constant for all rows. Shape: (members, width) as (members, 1, width)."""
    return graph.constant(np.ascontiguousarray(array[:, None]))


def common(graph: Graph, task: str) -> None:
    """The members' common answer on the link's scale: (members, rows, outputs) to (rows, outputs)."""
    source = graph.last
    if task == BINARY:
        yes = _log_mean(graph, graph.add("Sigmoid", source))
        no = _log_mean(graph, graph.add("Sigmoid", graph.add("Neg", source)))
        graph.add("Sub", yes, no)
    elif task == MULTICLASS:
        _log_mean(graph, graph.add("Softmax", source, axis=2))
    else:
        graph.add("ReduceMean", source, axes=[0], keepdims=0)


def _log_mean(graph: Graph, source: str) -> str:
    mean = graph.add("ReduceMean", source, axes=[0], keepdims=0)
    return graph.add("Log", graph.add("Max", mean, graph.constant(np.array(TINY))))


def value(graph: Graph, mean: float, scale: float, range_: tuple[float, float]) -> None:
    """Back to the target's own scale, and within the training rows' range."""
    graph.add("Add", graph.add("Mul", graph.last, graph.constant(np.array(scale))), graph.constant(np.array(mean)))
    graph.add("Clip", graph.last, *(graph.constant(np.array(end)) for end in range_))
