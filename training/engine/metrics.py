"""Metrics in numpy, each beside the same metric of a constant answer (the mean, or the class shares)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.engine.family import BINARY, REGRESSION

if TYPE_CHECKING:
    import numpy as np

Metrics = dict[str, float]


def primary(task: str) -> str:
    """The metric that candidates are compared by; the smaller the better for all tasks."""
    return "rmse" if task == REGRESSION else "log_loss"


def score(y: np.ndarray, answer: np.ndarray, task: str) -> Metrics:
    """Shape: y (rows,); answer (rows,) values or (rows, classes) probabilities. No rows: no metrics."""
    if len(y) == 0:
        return {}
    return regression(y, answer) if task == REGRESSION else classification(y, answer, task)


def regression(y: np.ndarray, answer: np.ndarray) -> Metrics:
    """Root mean squared, mean absolute and median absolute error, and R² (left out where the target is constant)."""
    import numpy as np

    error = answer - y
    spread = float(((y - y.mean()) ** 2).sum())
    metrics = {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
        "median_ae": float(np.median(np.abs(error))),
    }
    return {**metrics, "r2": 1.0 - float((error**2).sum()) / spread} if spread > 0 else metrics


def classification(y: np.ndarray, probabilities: np.ndarray, task: str) -> Metrics:
    """Log loss, accuracy, balanced accuracy, F1, precision and recall (of the second class, or the mean over classes),
    AUC (one against the rest, mean over the classes that are there) and the Brier score."""
    import numpy as np

    chosen = probabilities.argmax(axis=1)
    table = confusion(y, chosen, probabilities.shape[1])
    precision, recall = _shares(table.diagonal(), table.sum(axis=0)), _shares(table.diagonal(), table.sum(axis=1))
    f1 = _shares(2.0 * table.diagonal(), table.sum(axis=0) + table.sum(axis=1))
    present = table.sum(axis=1) > 0
    picked = slice(1, 2) if task == BINARY else present
    likely = np.clip(probabilities[np.arange(len(y)), y], 1e-15, 1.0)
    metrics = {
        "log_loss": float(-np.log(likely).mean()),
        "accuracy": float((chosen == y).mean()),
        "balanced_accuracy": float(recall[present].mean()),
        "f1": float(f1[picked].mean()),
        "precision": float(precision[picked].mean()),
        "recall": float(recall[picked].mean()),
        "brier": brier(y, probabilities),
    }
    area = auc(y, probabilities, task)
    return metrics if area is None else {**metrics, "auc": area}


def brier(y: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance of the probabilities from the truth (Brier, 1950), summed over the classes.

    With two classes it is taken of the second class alone, so from 0 to 1, as is usual there.
    """
    import numpy as np

    squares = (probabilities - np.eye(probabilities.shape[1])[y]) ** 2
    return float(squares[:, 1].mean() if probabilities.shape[1] == 2 else squares.sum(axis=1).mean())


def confusion(y: np.ndarray, chosen: np.ndarray, classes: int) -> np.ndarray:
    """Shape: (classes, classes) counts, truth down, answer across."""
    import numpy as np

    return np.bincount(y * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def auc(y: np.ndarray, probabilities: np.ndarray, task: str) -> float | None:
    """Area under the ROC curve; None where only one class is there."""
    import numpy as np

    columns = [1] if task == BINARY else range(probabilities.shape[1])
    areas = [area for k in columns if (area := _area(y == k, probabilities[:, k])) is not None]
    return float(np.mean(areas)) if areas else None


def _area(positive: np.ndarray, values: np.ndarray) -> float | None:
    """The chance that a positive ranks above a negative, ties counting half (Mann and Whitney 1947)."""
    import numpy as np

    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return None
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2.0
    return float((rank[place[positive]].sum() - ones * (ones + 1) / 2.0) / (ones * zeros))


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    import numpy as np

    shares: np.ndarray = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
    return shares


def constant_answer(y: np.ndarray, rows: int, task: str, classes: int) -> np.ndarray:
    """What one answers without a model: the training mean, or the training shares of the classes."""
    import numpy as np

    if task == REGRESSION:
        return np.full(rows, y.mean())
    return np.tile(np.bincount(y, minlength=classes) / len(y), (rows, 1))
