"""Gradient-boosted decision trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plugins.params import Param
from training.engine import boosting_losses, memory
from training.engine.errors import TrainError
from training.engine.families import _descent
from training.engine.family import MULTICLASS, TASKS, Exported, Family, Needs, Problem

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control
    from training.engine.graph import Graph


@dataclass(frozen=True)
class Trees:
    """`trees` holds LightGBM's text of one tree an output in each round.

    The raw prediction is baseline + their sum; a regression's is scaled back by mean and scale, or is a logarithm.
    """

    trees: tuple[str, ...]
    baseline: np.ndarray
    mean: float
    scale: float
    logarithm: bool
    task: str
    features: int

    @property
    def steps(self) -> int:
        return len(self.trees) // len(self.baseline)

    @cached_property
    def _booster(self) -> Any:
        from training.engine import lightgbm_model

        return lightgbm_model.booster(self.trees, len(self.baseline), self.features)

    def predict(self, X: np.ndarray) -> np.ndarray:
        import numpy as np

        raw = np.tile(self.baseline, (len(X), 1))
        if self.trees:
            raw += self._booster.predict(X, raw_score=True, num_threads=1).reshape(raw.shape)
        raw = np.exp(raw) if self.logarithm else raw * self.scale + self.mean
        return _descent.probabilities(raw, self.task)

    def export(self) -> Exported:
        return Exported(self._write, len(self.baseline))

    def _write(self, graph: Graph) -> None:
        import numpy as np

        from training.engine import graph_trees

        graph_trees.add(graph, self.trees, len(self.baseline))
        graph.add("Add", graph.last, graph.constant(self.baseline))
        if self.logarithm:
            graph.add("Exp")
        elif (self.mean, self.scale) != (0.0, 1.0):
            scaled = graph.add("Mul", graph.last, graph.constant(np.array(self.scale)))
            graph.add("Add", scaled, graph.constant(np.array(self.mean)))


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> Trees:
    from training.engine.boosting import Boosting

    name = boosting_losses.resolve(params["loss"], problem.task)
    _check_problem(problem, name)
    logarithm = name in boosting_losses.LOG_LINK
    scaled, mean, scale = (problem, 0.0, 1.0) if logarithm else _descent.standardised(problem)
    loss = boosting_losses.build(name, params, problem.classes)
    require(problem, params)
    boosting = Boosting(scaled, params, control, loss)
    boosting.run()
    return Trees(tuple(boosting.trees), boosting.baseline, mean, scale, logarithm, problem.task, problem.features)


def require(problem: Problem, params: Mapping[str, Any]) -> None:
    """Refuse, before anything is allocated, trees that do not fit into memory. Raises TrainError."""
    rows, features, outputs = len(problem.train) + len(problem.validation), problem.features, problem.outputs
    leaves = min(params["max_leaves"], 1 + len(problem.train) // params["min_rows_leaf"])
    sampled = min(len(problem.train), SAMPLED)
    # The sample is gone when the first tree grows, so that only the larger of the two counts.
    passing = {
        f"{sampled:,} rows that the steps are chosen by": 12 * sampled * features,
        f"{leaves:,} leaves × {features:,} columns × {params['max_bins']} steps": 16
        * leaves
        * features
        * params["max_bins"],
    }
    largest = max(passing, key=lambda what: passing[what])
    memory.require(
        {
            f"{rows:,} rows × {features:,} columns": rows * features,
            f"{rows:,} answers × {outputs} outputs × 8 copies": 64 * rows * outputs,
            largest: passing[largest],
        },
        "Use fewer leaves, fewer columns or fewer rows.",
    )


def _check_problem(problem: Problem, loss: str) -> None:
    """Refuse targets and wishes that a loss cannot serve. Raises TrainError."""
    if loss in boosting_losses.LOG_LINK and problem.train.y.min() < 0:
        detail = f"The loss {loss} is for counts and amounts; the target has negative values."
        raise TrainError("negative_target", detail, "Choose mse, mae, huber or quantile.", "params.loss")
    if any(problem.monotone) and (loss in {"mae", "quantile"} or problem.task == MULTICLASS):
        detail = f"Boosted trees cannot keep an answer monotone with the loss {loss}."
        hint = "Choose mse, huber or poisson, or a task with two classes."
        raise TrainError("monotone_not_for_loss", detail, hint, "params.loss")


def check(params: Mapping[str, Any], task: str) -> None:
    """Refuse a loss that does not fit the task. Raises TrainError."""
    loss = boosting_losses.resolve(params["loss"], task)
    if boosting_losses.TASKS[loss] != task:
        fitting = ", ".join(name for name, its in boosting_losses.TASKS.items() if its == task)
        detail, hint = f"The loss {loss} does not fit a {task} task.", f"Choose auto or one of: {fitting}."
        raise TrainError("loss_not_for_task", detail, hint, "params.loss")


SAMPLED = 200_000  # rows, at most, by whose values LightGBM chooses a column's steps
SMALL, FEW = 5_000, 10  # rows below which small or random trees are best; columns below which sampling them hurts


def settings(rows: int, features: int, task: str) -> list[tuple[str, dict[str, Any]]]:
    """Shapes of trees that are worth training beside each other, by value for time, as (name, parameters).

    Chosen by 5-fold cross-validation of thirteen shapes over nine public tables. Below 5,000 rows random thresholds and
    small trees lose up to 30 % less than usual ones; above, sampled rows and columns and smoothed leaves do.
    """
    some, half = (1.0, 1.0) if features < FEW else (0.8, 0.5)
    quick = {"learning_rate": 0.1, "max_leaves": 31, "rounds": 1000, "patience": 30}
    smooth = {
        "learning_rate": 0.05,
        "max_leaves": 31,
        "min_rows_leaf": 5,
        "path_smooth": 10.0,
        "row_fraction": 0.8,
        "feature_fraction": some,
        "rounds": 2000,
        "patience": 50,
    }
    slow = {"learning_rate": 0.03, "max_leaves": 63, "rounds": 3000, "patience": 60}
    patient = {"learning_rate": 0.03, "min_rows_leaf": 10, "patience": 80}
    sampled = {
        **patient,
        "max_leaves": 31,
        "l2": 1.0,
        "feature_fraction_split": half,
        "row_fraction": 0.8,
        "rounds": 3000,
    }
    random = {"learning_rate": 0.05, "max_leaves": 31, "extra_trees": True, "rounds": 3000, "patience": 50}
    if rows >= SMALL:
        return [("quick", quick), ("smooth", smooth), ("sampled", sampled), ("slow", slow), ("random", random)]
    drawn = {
        **patient,
        "max_leaves": 15,
        "min_rows_leaf": 5,
        "l2": 1.0,
        "feature_fraction": some,
        "extra_trees": True,
        "rounds": 1200,
    }
    small = {**patient, "max_leaves": 7, "l2": 5.0, "feature_fraction": half, "row_fraction": 0.8, "rounds": 1200}
    order = [("random", drawn), ("small", small), ("smooth", smooth), ("quick", quick)]
    # A round of several classes grows a tree for each, so that small steps take long.
    return [("random", random), *order[2:]] if task == MULTICLASS else order


FAMILY = Family(
    name="trees",
    label="Boosted trees",
    help="Many small decision trees, each mending what the ones before left. Strong on tables; takes missing values.",
    tasks=TASKS,
    needs=Needs(),
    params=(
        Param("loss", "choice", "auto", "What the training makes small; auto picks the usual one for the task.",
              choices=boosting_losses.CHOICES),
        Param("quantile", "float", 0.5, "Share of the outcomes that should lie below the answer.", low=0.001,
              high=0.999, when=("loss", ("quantile",))),
        Param("power", "float", 1.5, "How the variance grows with the mean: near 1 as for counts, near 2 as for "
              "amounts.", low=1.01, high=1.99, when=("loss", ("tweedie",))),
        Param("gamma", "float", 2.0, "How much less a row counts that is already right.", low=0.0, high=10.0,
              when=("loss", ("focal",))),
        Param("rounds", "int", 500, "Trees an output, at most.", low=1, high=20_000, label="Rounds"),
        Param("learning_rate", "float", 0.1, "How much of each tree is kept.", low=1e-3, high=1.0, log=True, tunable=True,
              search={"low": 0.02, "high": 0.3}),
        Param("max_leaves", "int", 31, "Leaves a tree, at most.", low=2, high=4096, log=True, tunable=True,
              search={"low": 7, "high": 127}),
        Param("max_depth", "int", None, "Questions from the root to a leaf, at most; empty: no limit.", low=1, high=64,
              optional=True),
        Param("min_rows_leaf", "int", 20, "Rows in a leaf, at least; more of them overfits less.", low=1, high=100_000,
              log=True, tunable=True, search={"low": 3, "high": 100}),
        Param("min_gain", "float", 0.0, "What a question must improve at least to be asked.", low=0.0, high=1000.0),
        Param("l2", "float", 0.0, "Pull of the leaves towards zero.", low=0.0, high=1000.0, tunable=True,
              search={"low": 1e-3, "high": 30.0, "log": True}),
        Param("l1", "float", 0.0, "Pull that sets the leaves of little use to zero.", low=0.0, high=1000.0),
        Param("path_smooth", "float", 0.0, "Pull of each leaf towards the answer of the question above it.", low=0.0,
              high=1000.0, label="Path smoothing", tunable=True),
        Param("feature_fraction", "float", 1.0, "Share of the columns that each tree may choose from.", low=0.05,
              high=1.0, tunable=True, search={"low": 0.4, "high": 1.0}),
        Param("feature_fraction_split", "float", 1.0, "Share of those columns that each question may choose from.",
              low=0.05, high=1.0, tunable=True, label="Feature fraction, each question"),
        Param("row_fraction", "float", 1.0, "Share of the rows that each round sees.", low=0.05, high=1.0,
              tunable=True),
        Param("extra_trees", "bool", False, "Try one threshold a column, drawn at random: quicker, and overfits less.",
              label="Random thresholds", tunable=True),
        Param("max_bins", "int", 255, "Steps that a column's values are sorted into, at most.", low=2, high=255),
        Param("patience", "int", 25, "Stop after so many rounds without a better validation loss; empty: never.",
              low=1, high=10_000, optional=True, label="Early stopping patience"),
    ),
    fit=fit,
    check=check,
    monotone=True,
)  # fmt: skip
