"""Boosted trees written into ONNX's TreeEnsembleRegressor, with thresholds and leaves in double.

The operator sums into float32; raw predictions are on the scale of standard deviations or log-odds, where that is a
relative 6e-8, and everything after it is double again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from training.engine.graph import Graph


def write(graph: Graph, trees: Sequence[Sequence[np.ndarray]], baseline: np.ndarray, mean: float, scale: float) -> None:
    """Append the trees: mean + scale × their sum.

    `trees` holds, for each round, one node table an output (scikit-learn's predictor records).
    """
    import numpy as np
    from onnx import TensorProto

    graph.add("TreeEnsembleRegressor", domain="ai.onnx.ml", **_attributes(trees, baseline))
    graph.add("Cast", to=TensorProto.DOUBLE)
    if (mean, scale) != (0.0, 1.0):
        scaled = graph.add("Mul", graph.last, graph.constant(np.array(scale)))
        graph.add("Add", scaled, graph.constant(np.array(mean)))


def _attributes(trees: Sequence[Sequence[np.ndarray]], baseline: np.ndarray) -> dict[str, Any]:
    import numpy as np
    from onnx import numpy_helper

    # The operator refuses an ensemble without trees; a lone leaf of zero adds nothing.
    flat = [(k, nodes) for round_ in trees for k, nodes in enumerate(round_)] or [(0, _lone_leaf())]
    table = np.concatenate([nodes for _, nodes in flat])
    sizes = [len(nodes) for _, nodes in flat]
    tree = np.repeat(np.arange(len(flat)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    output = np.repeat([k for k, _ in flat], sizes)
    leaf = table["is_leaf"] == 1
    return {
        "n_targets": len(baseline),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "base_values_as_tensor": numpy_helper.from_array(baseline.astype(np.float64), "baseline"),
        "nodes_treeids": tree.tolist(),
        "nodes_nodeids": node.tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": np.where(leaf, 0, table["feature_idx"]).tolist(),
        "nodes_values_as_tensor": numpy_helper.from_array(np.where(leaf, 0.0, table["num_threshold"]), "thresholds"),
        "nodes_truenodeids": np.where(leaf, 0, table["left"]).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, table["right"]).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, table["missing_go_to_left"]).tolist(),
        "target_treeids": tree[leaf].tolist(),
        "target_nodeids": node[leaf].tolist(),
        "target_ids": output[leaf].tolist(),
        "target_weights_as_tensor": numpy_helper.from_array(table["value"][leaf].astype(np.float64), "leaves"),
    }


def _lone_leaf() -> np.ndarray:
    import numpy as np

    kinds = [("value", "f8"), ("feature_idx", "i8"), ("num_threshold", "f8"), ("missing_go_to_left", "u1")]
    leaf = np.zeros(1, dtype=[*kinds, ("left", "u4"), ("right", "u4"), ("is_leaf", "u1")])
    leaf["is_leaf"] = 1
    return leaf
