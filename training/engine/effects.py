"""How a model uses its columns, on rows that it did not learn from: importance, and the answer along each column.

Permutation importance (Breiman 2001, Random Forests; Fisher, Rudin and Dominici 2019): how much worse the model gets when
a column's values are dealt out anew. Its interval is of the rows and of the dealing together, by a bootstrap.
Partial dependence (Friedman 2001) and individual conditional expectation (Goldstein et al. 2015): the mean answer, and
single rows', as one column is set to one value after another. Columns are the raw ones, before the preparation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from training.engine import metrics
from training.engine.family import BINARY, REGRESSION

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from datasets.recipe import FittedRecipe
    from training.engine.artifact import Model

ROWS = 1_000  # held-out rows that importance is measured on
REPEATS, RESAMPLES = 5, 200
CURVE_ROWS, SINGLE_ROWS = 200, 30
POINTS, CATEGORIES = 20, 15
MOST_CURVES = 60  # columns that get curves, the most important ones; the number of classes with a curve
MOST_CLASSES = 6

Step = Callable[[float], None]


def effects_of(
    frame: pl.DataFrame,
    truth: np.ndarray,
    recipe: FittedRecipe,
    model: Model,
    *,
    features: Sequence[str],
    columns: Sequence[str],
    step: Step = lambda _share: None,
    seed: int = 0,
) -> dict[str, Any]:
    """{"rows", "metric", "baseline", "importance": […], "curves": […]}, the most important column first.

    `frame` holds the raw `columns` of held-out rows, `truth` (rows,) values or class codes. `step` hears how far it is
    (0 to 1) and may raise.
    """
    asked = _Asked(recipe, model, features)
    frame, truth = _evenly(frame, ROWS), truth[_places(len(truth), ROWS)]
    base = _losses(truth, asked(frame), model.task)
    found = []
    for place, name in enumerate(columns):
        found.append(_importance(frame, truth, name, asked, base, seed=seed + place))
        step(0.6 * (place + 1) / len(columns))
    found.sort(key=lambda entry: -entry["importance"])
    curves = []
    for place, entry in enumerate(found[:MOST_CURVES]):
        curves += _curve(frame, entry["column"], asked)
        step(0.6 + 0.4 * (place + 1) / min(len(found), MOST_CURVES))
    return {
        "rows": frame.height,
        "metric": metrics.primary(model.task),
        "baseline": _score(base, model.task),
        "importance": found,
        "curves": curves,
    }


class _Asked:
    """From raw rows to answers. Shape: (rows,) values or (rows, classes) probabilities."""

    def __init__(self, recipe: FittedRecipe, model: Model, features: Sequence[str]) -> None:
        self.recipe, self.model, self.features = recipe, model, list(features)

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        import numpy as np
        import polars as pl

        prepared = self.recipe.transform(frame, training=False).collect()
        X = prepared.select(pl.col(self.features).cast(pl.Float64)).to_numpy()
        return self.model.predict(np.ascontiguousarray(X, dtype=np.float64))


def _places(count: int, most: int) -> np.ndarray:
    import numpy as np

    return np.unique(np.linspace(0, max(0, count - 1), min(count, most)).astype(np.int64))


def _evenly(frame: pl.DataFrame, most: int) -> pl.DataFrame:
    return frame[_places(frame.height, most)]


def _losses(truth: np.ndarray, answer: np.ndarray, task: str) -> np.ndarray:
    return metrics.row_losses(truth, answer, task)


def _score(losses: np.ndarray, task: str) -> Any:
    """The primary metric of rows' losses, along the last axis."""
    mean = losses.mean(axis=-1)
    return mean**0.5 if task == REGRESSION else mean


def _importance(
    frame: pl.DataFrame, truth: np.ndarray, name: str, asked: _Asked, base: np.ndarray, *, seed: int
) -> dict[str, Any]:
    """How much the metric rises without the column's order; [low, high] holds 95 % of the bootstrap."""
    import numpy as np

    draw, task = np.random.Generator(np.random.PCG64(seed)), asked.model.task
    dealt = np.stack([
        _losses(truth, asked(frame.with_columns(frame[name][draw.permutation(frame.height)].alias(name))), task)
        for _ in range(REPEATS)
    ])  # fmt: skip
    rows = draw.integers(frame.height, size=(RESAMPLES, frame.height))
    repeat = draw.integers(REPEATS, size=RESAMPLES)
    resampled = _score(dealt[repeat[:, None], rows], task) - _score(base[rows], task)
    rise = float(np.mean(_score(dealt, task)) - _score(base, task))
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"column": name, "importance": rise, "low": float(min(low, rise)), "high": float(max(high, rise))}


def _curve(frame: pl.DataFrame, name: str, asked: _Asked) -> list[dict[str, Any]]:
    """The answers along one column; none where all rows agree. Classes beyond two each have a mean line and no singles."""
    import numpy as np

    grid, is_ordered = _grid(frame[name])
    if len(grid) < 2:
        return []
    rows = _evenly(frame, CURVE_ROWS)
    answers = np.stack([asked(rows.with_columns(_constant(rows, name, value))) for value in grid])
    lines: dict[str, Any]
    if asked.model.task == REGRESSION:
        lines = {"means": [answers.mean(axis=1).tolist()], "singles": _singles(answers)}
    elif asked.model.task == BINARY:
        lines = {"means": [answers[:, :, 1].mean(axis=1).tolist()], "singles": _singles(answers[:, :, 1])}
    else:
        lines = {"means": answers.mean(axis=1).T[:MOST_CLASSES].tolist(), "singles": []}
    return [{"column": name, "ordered": is_ordered, "grid": [_plain(value) for value in grid], **lines}]


def _constant(rows: pl.DataFrame, name: str, value: Any) -> pl.Series:
    import polars as pl

    return pl.Series(name, [value], dtype=rows[name].dtype).extend_constant(value, rows.height - 1)


def _singles(answers: np.ndarray) -> list[list[float]]:
    """Shape: answers (grid, rows) to at most SINGLE_ROWS lines over the grid."""
    lines: list[list[float]] = answers[:, _places(answers.shape[1], SINGLE_ROWS)].T.tolist()
    return lines


def _grid(column: pl.Series) -> tuple[list[Any], bool]:
    """The values that are tried, and whether they lie on an axis: quantiles without the outermost, or usual categories."""
    import polars as pl

    known = column.drop_nulls()
    if column.dtype.is_float():
        known = known.filter(known.is_finite())
    if column.dtype in (pl.Boolean, pl.String):
        usual = known.value_counts(sort=True).head(CATEGORIES)[column.name].sort()
        return usual.to_list(), False
    ordered = known.sort()
    places = [0.02 + 0.96 * part / (POINTS - 1) for part in range(POINTS)]
    return list(dict.fromkeys(ordered[round(place * (len(ordered) - 1))] for place in places)) if len(
        known
    ) else [], True


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else value.isoformat()
