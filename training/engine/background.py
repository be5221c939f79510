"""What explanations compare with: training rows that stand for all, and how the columns' values lie.

A systematic sample along the model's own answer: its mean is nearly the mean answer to the training rows, with a tenth
of the rows that a random sample would need for that. Cochran 1977, Sampling Techniques, chapter 8.

The rows hold values of people: the file stands beside the checkpoints, never in the artifact.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from training.engine.artifact import Model
    from training.engine.data import Prepared, Source

FILE = "background.json"
FORMAT = 1
ROWS, CANDIDATES = 64, 640
MEASURED = 100_000  # rows that quantiles are taken from, at most
QUANTILES = 21


def write(path: Path, source: Source, prepared: Prepared, model: Model) -> None:
    """Write rows in the order of the model's answers, their places in the table that was read, and columns' figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(background_of(source, prepared, model), sort_keys=True, ensure_ascii=False), "utf-8")


def background_of(source: Source, prepared: Prepared, model: Model) -> dict[str, Any]:
    """See `write`. `rows` is empty where the recipe made up every training row."""
    import numpy as np

    names = prepared.recipe.sources(prepared.features)
    frame = source.part("train").select(names)
    origin = prepared.origins["train"]
    own, first = np.unique(origin, return_index=True)
    usable = first[own >= 0]
    usable = usable[_finite(frame)[origin[usable]]]
    chosen = usable[_evenly(len(usable), CANDIDATES)]
    ranked = chosen[np.argsort(_level(model.predict(prepared.rows["train"].X[chosen])), kind="stable")]
    kept = ranked[_evenly(len(ranked), ROWS)]
    places = source.places_of("train", prepared)[kept]
    rows = [{name: _plain(value) for name, value in row.items()} for row in frame[origin[kept]].to_dicts()]
    return {"format": FORMAT, "rows": rows, "places": places.tolist(), "columns": _columns(source, frame)}


def _evenly(count: int, most: int) -> np.ndarray:
    """At most so many of `count` places, evenly, from the middles of equal stretches."""
    import numpy as np

    taken = min(count, most)
    result: np.ndarray = ((np.arange(taken) + 0.5) * count / max(1, taken)).astype(np.int64)
    return result


def _level(answer: np.ndarray) -> np.ndarray:
    """What the rows are ordered by: the value, or the mean of the classes' places. Shape: (rows[, classes]) to (rows,)."""
    import numpy as np

    result: np.ndarray = answer if answer.ndim == 1 else answer @ np.arange(answer.shape[1])
    return result


def _finite(frame: pl.DataFrame) -> np.ndarray:
    """Rows without an infinite number: those cannot be asked about."""
    import polars as pl

    floats = [name for name in frame.columns if frame[name].dtype.is_float()]
    tests = [~pl.col(name).is_infinite().fill_null(False) for name in floats]
    result: np.ndarray = frame.select(pl.all_horizontal(pl.lit(True), *tests)).to_series().to_numpy()
    if len(result) != frame.height:  # no column of numbers: the literal stands alone
        import numpy as np

        return np.ones(frame.height, bool)
    return result


def _plain(value: Any) -> Any:
    """A cell as JSON sends it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else value.isoformat()


def _columns(source: Source, frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Quantiles and the usual spread of numbers, dates and times; a date's spread is in days."""
    step = -(-frame.height // MEASURED) if frame.height else 1
    types = {name: source.schema[name].type for name in frame.columns}
    ordered = ("integer", "number", "date", "datetime")
    return {name: _column(frame[name][::step], kind) for name, kind in types.items() if kind in ordered}


def _column(column: pl.Series, kind: str) -> dict[str, Any]:
    known = column.drop_nulls()
    if kind == "number":
        known = known.filter(known.is_finite())
    if not len(known):
        return {}
    known = known.sort()
    found = [known[round(place * (len(known) - 1) / (QUANTILES - 1))] for place in range(QUANTILES)]
    return {"quantiles": [_plain(value) for value in found], "spread": _spread(known, kind)}


def _spread(known: pl.Series, kind: str) -> float:
    """The distance between the quartiles as a normal column's standard deviation; where they agree, the deviation."""
    import polars as pl

    if kind in {"date", "datetime"}:
        known = known.cast(pl.Datetime("us")).cast(pl.Int64) / 86_400e6
    numbers = known.cast(pl.Float64)
    low, high = numbers[len(numbers) // 4], numbers[3 * len(numbers) // 4]
    spread = (high - low) / 1.349
    deviation: Any = numbers.std()
    return float(spread) if spread > 0 else float(deviation or 0.0)
