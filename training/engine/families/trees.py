"""Gradient-boosted decision trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine.families import _descent
from training.engine.family import TASKS, Exported, Family, Needs, Problem

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control


@dataclass(frozen=True)
class Trees:
    """`trees` holds rounds of one tree an output; a regression's raw prediction is scaled back by mean and scale."""

    baseline: np.ndarray
    trees: list[list[Any]]
    mean: float
    scale: float
    task: str

    @property
    def steps(self) -> int:
        return len(self.trees)

    def predict(self, X: np.ndarray) -> np.ndarray:
        import numpy as np

        from training.engine import boosting

        raw = boosting.raw_predictions(self.baseline, self.trees, np.ascontiguousarray(X, dtype=np.float64))
        return _descent.probabilities(raw * self.scale + self.mean, self.task)

    def export(self) -> Exported:
        from training.engine import graph_trees

        nodes = [[tree.nodes for tree in round_] for round_ in self.trees]
        return Exported(
            lambda graph: graph_trees.write(graph, nodes, self.baseline, self.mean, self.scale), len(self.baseline)
        )


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> Trees:
    from training.engine.boosting import Boosting

    scaled, mean, scale = _descent.standardised(problem)
    boosting = Boosting(scaled, params, control)
    boosting.run()
    return Trees(boosting.baseline, boosting.trees, mean, scale, problem.task)


FAMILY = Family(
    name="trees",
    label="Boosted trees",
    help="Many small decision trees, each mending what the ones before left. Strong on tables; takes missing values.",
    tasks=TASKS,
    needs=Needs(),
    params=(
        Param("rounds", "int", 500, "Trees an output, at most.", low=1, high=20_000, label="Rounds"),
        Param("learning_rate", "float", 0.1, "How much of each tree is kept.", low=1e-3, high=1.0, log=True, tunable=True),
        Param("max_leaves", "int", 31, "Leaves a tree, at most.", low=2, high=4096, log=True, tunable=True),
        Param("max_depth", "int", None, "Questions from the root to a leaf, at most; empty: no limit.", low=1, high=64,
              optional=True),
        Param("min_rows_leaf", "int", 20, "Rows in a leaf, at least; more of them overfits less.", low=1, high=100_000,
              log=True, tunable=True),
        Param("l2", "float", 0.0, "Pull of the leaves towards zero.", low=0.0, high=1000.0, tunable=True),
        Param("feature_fraction", "float", 1.0, "Share of the columns that each question may choose from.", low=0.05,
              high=1.0, tunable=True),
        Param("max_bins", "int", 255, "Steps that a column's values are sorted into, at most.", low=2, high=255),
        Param("patience", "int", 25, "Stop after so many rounds without a better validation loss; empty: never.",
              low=1, high=10_000, optional=True, label="Early stopping patience"),
    ),
    fit=fit,
)  # fmt: skip
