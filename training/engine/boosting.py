"""Gradient boosting round by round, on scikit-learn's histogram tree grower.

HistGradientBoosting's own `fit` cannot be watched, paused or resumed, and re-bins the table at every warm start. The
rounds are therefore driven here, with its binning and its grower; `tests/training/engine/test_trees.py` holds the
result equal to the public estimator's. These are scikit-learn's private modules: they are imported here only.
Friedman 2001, Greedy function approximation; Ke et al. 2017, LightGBM (the histogram method).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from training.engine.family import BINARY, MULTICLASS, REGRESSION, Problem

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control

POINTS = 250
FIELDS = ("value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf")


class Boosting:
    """Shape: raw predictions are (rows, outputs), on the scale of the loss (value, log-odds, or one score a class)."""

    def __init__(self, problem: Problem, params: Mapping[str, Any], control: Control) -> None:
        import numpy as np

        self.problem, self.params, self.control = problem, params, control
        self.baseline = _baseline(problem)
        self.random = np.random.Generator(np.random.PCG64(problem.seed))
        self.trees: list[list[Any]] = []
        self.best_rounds, self.best = 0, float("inf")
        self._bin()
        self.raw = np.tile(self.baseline, (len(problem.train), 1)).copy(order="F")
        self.raw_validation = np.tile(self.baseline, (len(problem.validation), 1))

    def _bin(self) -> None:
        from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

        X = self.problem.train.X
        bins = int(self.params["max_bins"])
        self.mapper = _BinMapper(n_bins=bins + 1, random_state=self.problem.seed, n_threads=self.control.threads)
        self.binned = self.mapper.fit_transform(X)
        self.missing = _any_missing(X)

    def run(self) -> None:
        """Grow rounds until there are enough, the validation loss stops falling, or the control says stop."""
        if (found := self.control.resume()) is not None:
            self.load_state(*found)
        rounds = self.params["rounds"]
        while len(self.trees) < rounds and not self._waited_enough():
            self.grow()
            self.evaluate()
            self.control.progress(len(self.trees) / rounds, f"round {len(self.trees)} of at most {rounds}")
            if not self.control.go_on(self.state):
                break
        if len(self.problem.validation):
            self.trees = self.trees[: self.best_rounds]

    def _waited_enough(self) -> bool:
        patience = self.params["patience"]
        return patience is not None and bool(len(self.problem.validation)) and self._waiting >= patience

    @property
    def _waiting(self) -> int:
        return len(self.trees) - self.best_rounds

    def grow(self) -> None:
        """One round: gradients at the present predictions, one tree an output, predictions moved by its leaves."""
        from sklearn.ensemble._hist_gradient_boosting._gradient_boosting import _update_raw_predictions

        gradients, hessians = _derivatives(self.raw, self.problem.train.y, self.problem.task)
        trees = []
        for k in range(self.raw.shape[1]):
            grower = self._grower(gradients[:, k], hessians[:, k])
            grower.grow()
            trees.append(grower.make_predictor(binning_thresholds=self.mapper.bin_thresholds_))
            _update_raw_predictions(self.raw[:, k], grower, self.control.threads)
        self.trees.append(trees)

    def _grower(self, gradients: np.ndarray, hessians: np.ndarray) -> Any:
        from sklearn.ensemble._hist_gradient_boosting.grower import TreeGrower

        params = self.params
        return TreeGrower(
            X_binned=self.binned,
            gradients=gradients,
            hessians=hessians,
            n_bins=self.mapper.n_bins,
            n_bins_non_missing=self.mapper.n_bins_non_missing_,
            has_missing_values=self.missing,
            max_leaf_nodes=params["max_leaves"],
            max_depth=params["max_depth"],
            min_samples_leaf=params["min_rows_leaf"],
            l2_regularization=params["l2"],
            feature_fraction_per_split=params["feature_fraction"],
            rng=self.random,
            shrinkage=params["learning_rate"],
            n_threads=self.control.threads,
        )

    def evaluate(self) -> None:
        now = len(self.trees)
        if len(self.problem.validation):
            self.raw_validation += _answers(self.trees[-1], self.problem.validation.X, self.control.threads)
            validation = loss(self.raw_validation, self.problem.validation.y, self.problem.task)
            if validation < self.best:
                self.best, self.best_rounds = validation, now
        if now % max(1, self.params["rounds"] // POINTS) and now > 1:
            return
        values = {"train_loss": loss(self.raw, self.problem.train.y, self.problem.task)}
        if len(self.problem.validation):
            values["validation_loss"] = validation
        self.control.metrics(now, values)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        import numpy as np

        trees = [tree.nodes for round_ in self.trees for tree in round_]
        arrays: dict[str, np.ndarray] = {
            "nodes": np.frombuffer(b"".join(nodes.tobytes() for nodes in trees), np.uint8),
            "sizes": np.array([len(nodes) for nodes in trees], np.int64),
            "raw": self.raw,
            "raw_validation": self.raw_validation,
        }
        return arrays, {
            "best": self.best,
            "best_rounds": self.best_rounds,
            "random": self.random.bit_generator.state,
        }

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        import numpy as np
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        nodes = arrays["nodes"].view(PREDICTOR_RECORD_DTYPE)
        no_categories = np.zeros((0, 8), np.uint32)
        parts = np.split(nodes, np.cumsum(arrays["sizes"])[:-1])
        trees = [TreePredictor(part.copy(), no_categories, no_categories) for part in parts]
        width = self.raw.shape[1]
        self.trees = [trees[start : start + width] for start in range(0, len(trees), width)]
        self.raw = np.asfortranarray(arrays["raw"])
        self.raw_validation = arrays["raw_validation"].copy()
        self.best, self.best_rounds = state["best"], state["best_rounds"]
        self.random.bit_generator.state = state["random"]


def _any_missing(X: np.ndarray) -> np.ndarray:
    import numpy as np

    gaps: np.ndarray = np.isnan(X).any(axis=0).astype(np.uint8)
    return gaps


def _baseline(problem: Problem) -> np.ndarray:
    """The constant that fits the training rows best. Shape: (outputs,)."""
    import numpy as np

    y = problem.train.y
    if problem.task == REGRESSION:
        return np.array([y.mean()])
    share = np.clip(np.bincount(y, minlength=problem.classes) / len(y), 1e-12, 1.0)
    if problem.task == BINARY:
        return np.array([np.log(share[1] / share[0])])
    centred: np.ndarray = np.log(share) - np.log(share).mean()
    return centred


def _derivatives(raw: np.ndarray, y: np.ndarray, task: str) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivatives of each row's loss by its raw predictions. Shape: both (rows, outputs) float32.

    Half the squared error; −[y log z + (1−y) log(1−z)], z = sigmoid(raw); −log softmax(raw)[y] (diagonal of the
    Hessian). The squared error's Hessian is one, given once.
    """
    import numpy as np

    if task == REGRESSION:
        return _float32(raw - y[:, None]), np.ones((1, 1), np.float32)
    z = _chances(raw, task)
    wanted = y[:, None] == (np.arange(raw.shape[1]) if task == MULTICLASS else 1)
    return _float32(z - wanted), _float32(z * (1.0 - z))


def _float32(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asfortranarray(array, dtype=np.float32)


def _chances(raw: np.ndarray, task: str) -> np.ndarray:
    import numpy as np

    if task == BINARY:
        yes: np.ndarray = np.exp(-np.logaddexp(0.0, -raw))
        return yes
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def loss(raw: np.ndarray, y: np.ndarray, task: str) -> float:
    """Mean squared error, or mean cross-entropy."""
    import numpy as np

    if task == REGRESSION:
        return float(np.mean((raw[:, 0] - y) ** 2))
    if task == BINARY:
        return float(np.mean(np.logaddexp(0.0, np.where(y == 1, -raw[:, 0], raw[:, 0]))))
    top = raw.max(axis=1)
    return float(np.mean(np.log(np.exp(raw - top[:, None]).sum(axis=1)) + top - raw[np.arange(len(y)), y]))


def _answers(trees: Iterable[Any], X: np.ndarray, threads: int) -> np.ndarray:
    """What one round's trees add. Shape: (rows, outputs)."""
    import numpy as np

    no_categories, columns = np.zeros((0, 8), np.uint32), np.zeros(X.shape[1], np.uint32)
    return np.stack([tree.predict(X, no_categories, columns, threads) for tree in trees], axis=1)


def raw_predictions(baseline: np.ndarray, trees: list[list[Any]], X: np.ndarray, threads: int = 1) -> np.ndarray:
    """Shape: (rows, outputs)."""
    import numpy as np

    raw = np.tile(baseline, (len(X), 1))
    for round_ in trees:
        raw += _answers(round_, X, threads)
    return raw
