"""Trees written into ONNX's TreeEnsemble: thresholds, leaves and sums in double."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training.engine import lightgbm_model

if TYPE_CHECKING:
    import numpy as np

    from training.engine.graph import Graph

_SUM, _LEQ = 1, 0


def add(graph: Graph, trees: Sequence[str], outputs: int) -> None:
    """Append the sum of `trees` (LightGBM's text), one an output in each round. Shape: (rows, outputs) double."""
    # The operator refuses an ensemble without trees; a lone leaf of zero adds nothing.
    found = lightgbm_model.nodes(trees or ["num_leaves=1\nleaf_value=0"])
    graph.add("TreeEnsemble", domain="ai.onnx.ml", n_targets=outputs, aggregate_function=_SUM)
    _fill(graph.nodes[-1], _attributes(found, outputs))


def _attributes(found: lightgbm_model.Nodes, outputs: int) -> dict[str, np.ndarray]:
    """Nodes of all trees in one list. A tree of one leaf becomes a question whose two answers are that leaf."""
    import numpy as np

    inner = np.maximum(found.leaves - 1, 1)  # nodes of each tree
    lone = np.repeat(found.leaves == 1, inner)
    roots = np.cumsum(inner) - inner
    first_leaf = np.cumsum(found.leaves) - found.leaves
    whole = _Whole(lone)
    left, right = whole(found.left, -1), whole(found.right, -1)
    start, leaf = np.repeat(roots, inner), np.repeat(first_leaf, inner)
    return {
        "tree_roots": roots,
        "nodes_featureids": whole(found.feature, 0),
        "nodes_splits": whole(found.threshold, 0.0),
        "nodes_modes": np.full(len(lone), _LEQ, np.uint8),
        "nodes_missing_value_tracks_true": whole(found.missing_left, False).astype(np.int64),
        "nodes_trueleafs": (left < 0).astype(np.int64),
        "nodes_truenodeids": np.where(left < 0, leaf + ~left, start + left),
        "nodes_falseleafs": (right < 0).astype(np.int64),
        "nodes_falsenodeids": np.where(right < 0, leaf + ~right, start + right),
        "leaf_targetids": np.repeat(np.arange(len(found.leaves)) % outputs, found.leaves),
        "leaf_weights": found.leaf_value,
    }


class _Whole:
    """Puts a value for each tree of one leaf, which has no inner node, between those of the others."""

    def __init__(self, lone: np.ndarray) -> None:
        self.lone = lone

    def __call__(self, values: np.ndarray, filler: float) -> np.ndarray:
        import numpy as np

        result = np.full(len(self.lone), filler, values.dtype)
        result[~self.lone] = values
        return result


def _fill(node: Any, attributes: dict[str, np.ndarray]) -> None:
    """Set the attributes without onnx.helper, which looks at each of a million integers."""
    import numpy as np
    from onnx import AttributeProto, numpy_helper

    for name, values in attributes.items():
        attribute = node.attribute.add(name=name)
        if values.dtype == np.int64:
            attribute.type = AttributeProto.INTS
            attribute.ints.extend(values.tolist())
        else:
            attribute.type = AttributeProto.TENSOR
            attribute.t.CopyFrom(numpy_helper.from_array(values, name))
