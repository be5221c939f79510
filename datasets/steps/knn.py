"""Fill a gap with the mean of the nearest training rows that have the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col, cols
from datasets.steps._numbers import finite, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

SLICE = 20_000  # rows whose distances are held at a time


def fit(table: pl.DataFrame, use: Use) -> Learned:
    """Training rows, evenly taken, and each column's mean for rows that have nothing in common with any of them."""
    import numpy as np

    numbers = _numbers(table, list(use.columns))
    usable = numbers[~np.isnan(numbers).all(axis=1)]
    limit = use.params["reference"]
    if len(usable) > limit:
        usable = usable[np.linspace(0, len(usable) - 1, limit).astype(np.int64)]
    rows = [[None if math.isnan(value) else value for value in each] for each in usable.tolist()]
    return {"rows": rows, "means": [finite(values(table[name]).mean(), 0.0) for name in use.columns]}  # type: ignore[arg-type]


def _numbers(table: pl.DataFrame, names: list[str]) -> np.ndarray:
    """The columns as floats; what is no finite number counts as missing."""
    import numpy as np
    import polars as pl

    made = table.select(cols(names)).select(pl.all().cast(pl.Float64)).to_numpy().astype(np.float64)
    return np.where(np.isfinite(made), made, np.nan)


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    names = list(use.columns)
    inner = [f"f{i}" for i in range(len(names))]

    def work(gathered: pl.Series) -> pl.Series:
        table = gathered.struct.unnest().select(pl.all().cast(pl.Float64))
        filled = pl.DataFrame(_filled(_numbers(table, inner), learned, use.params["neighbours"]), schema=inner)
        return table.select(
            pl.when(table[f].is_null()).then(filled[f]).otherwise(table[f]).alias(f) for f in inner
        ).to_struct("filled")

    # Under names of their own: a struct's fields are looked up by pattern, and a column may be called anything.
    struct = pl.Struct(dict.fromkeys(inner, pl.Float64))
    gathered = pl.struct(col(name).alias(f) for name, f in zip(names, inner, strict=True))
    filled = frame.with_columns(gathered.map_batches(work, return_dtype=struct).alias("\x00filled"))
    made = [pl.col("\x00filled").struct.field(f).alias(name) for name, f in zip(names, inner, strict=True)]
    return filled.with_columns(made).drop("\x00filled")


def _filled(x: np.ndarray, learned: Learned, neighbours: int) -> np.ndarray:
    import numpy as np

    reference = np.array([[math.nan if v is None else v for v in each] for each in learned["rows"]], dtype=np.float64)
    means, made = np.array(learned["means"]), x.copy()
    gaps = np.flatnonzero(np.isnan(x).any(axis=1))
    for start in range(0, len(gaps), SLICE):
        places = gaps[start : start + SLICE]
        made[places] = _fill_slice(x[places], reference.reshape(-1, x.shape[1]), means, neighbours)
    return made


def _fill_slice(x: np.ndarray, reference: np.ndarray, means: np.ndarray, neighbours: int) -> np.ndarray:
    import numpy as np

    distances, made = _distances(x, reference), x.copy()
    for column in range(x.shape[1]):
        rows = np.flatnonzero(np.isnan(x[:, column]))
        donors = np.flatnonzero(~np.isnan(reference[:, column]))
        near = distances[np.ix_(rows, donors)]
        total, count = np.zeros(len(rows)), np.zeros(len(rows))
        for _ in range(min(neighbours, len(donors))):  # the nearest, then the next; of equal ones the first
            best = near.argmin(axis=1)
            found = np.isfinite(near[np.arange(len(rows)), best])
            total[found] += reference[donors[best[found]], column]
            count += found
            near[np.arange(len(rows)), best] = np.inf
        with np.errstate(invalid="ignore"):
            made[rows, column] = np.where(count > 0, total / count, means[column])
    return made


def _distances(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Squared distances over the columns that both have, scaled up to all columns; infinite where they share none."""
    import numpy as np

    total, shared = np.zeros((len(x), len(reference))), np.zeros((len(x), len(reference)))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for column in range(x.shape[1]):
            gap = x[:, column, None] - reference[None, :, column]
            known = ~np.isnan(gap)
            total += np.where(known, gap * gap, 0.0)
            shared += known
        return np.where(shared > 0, total * x.shape[1] / shared, np.inf)


def filler(learned: Learned, neighbours: int) -> Callable[..., tuple[float, ...]]:
    """The function for one row: its values in, the same without gaps out."""
    reference, means = learned["rows"], learned["means"]

    def fill(*given: Any) -> tuple[float, ...]:
        x = [None if value is None or not math.isfinite(value) else float(value) for value in given]
        if None not in given:
            return tuple(map(float, given))
        distances = [_distance(x, each) for each in reference]
        order = sorted(range(len(reference)), key=distances.__getitem__)
        made = []
        for place, value in enumerate(given):
            if value is not None:
                made.append(float(value))
                continue
            near = [i for i in order if reference[i][place] is not None and distances[i] < math.inf][:neighbours]
            total = 0.0
            for i in near:
                total += reference[i][place]
            made.append(total / len(near) if near else means[place])
        return tuple(made)

    return fill


def _distance(x: list[float | None], other: list[float | None]) -> float:
    total, shared = 0.0, 0
    for a, b in zip(x, other, strict=True):
        if a is not None and b is not None:
            total += (a - b) * (a - b)
            shared += 1
    return total * len(x) / shared if shared else math.inf


def row(code: RowCode, use: Use, learned: Learned) -> None:
    fill = code.literal(filler(learned, use.params["neighbours"]))
    code.write_all(use.columns, f"{fill}({', '.join(code.read(name) for name in use.columns)})")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", tuple(use.columns)) for column in use.columns))


STEP = Step(
    name="knn",
    label="Fill from like rows",
    help="Fills gaps with the mean of the nearest training rows, by the other columns. Bring the columns to one scale "
    "first: the largest numbers decide what is near.",
    icon="affiliate",
    group="Fill",
    applies_to=NUMERIC,
    params=(
        Param("neighbours", "int", 5, "How many near rows are averaged.", low=1, high=50),
        Param("reference", "int", 256, "How many training rows are kept to compare with.", low=10, high=5000),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
    weight=100,
)
