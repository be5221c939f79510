"""What is asked of a training besides its target: row weights, balanced classes, monotone answers, a latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC, Schema
from training.engine import split
from training.engine.errors import TrainError
from training.engine.family import FAMILIES, MULTICLASS, REGRESSION, Family

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

NONE, BALANCED = "none", "balanced"
CLASS_WEIGHTS = (NONE, BALANCED)
LATENCY_MS = (0.005, 10_000.0)


@dataclass(frozen=True)
class Demands:
    """`weight` is a column of row weights; `monotone` maps a feature to 1 (the answer rises with it) or −1 (it falls);
    `latency_ms` is the longest that one row's answer may take, in milliseconds, measured where the model is trained.
    """

    weight: str | None = None
    class_weight: str = NONE
    monotone: Mapping[str, int] = field(default_factory=dict)
    latency_ms: float | None = None


def not_features(asked: Demands, split_: Mapping[str, Any]) -> frozenset[str]:
    """Columns that are no features unless they are named as such: the weights, and what rows are grouped by."""
    grouped = split_.get("by") if split_.get("kind") == split.GROUPED else None
    return frozenset(name for name in (asked.weight, grouped) if name)


def check(asked: Demands, schema: Schema, target: str, features: Sequence[str], by: str | None) -> None:
    """Raises TrainError for a column that is not there or cannot be what it is asked to be."""
    _refuse(faults(asked, schema, target, features, by))


def check_task(asked: Demands, task: str) -> None:
    """Raises TrainError for what the task does not have: classes to balance, or one direction to rise in."""
    _refuse(task_faults(asked, task))


def check_family(asked: Demands, family: Family) -> None:
    """Raises TrainError where the training asks for what the family would pass over."""
    _refuse(family_faults(asked, family))


def _refuse(found: Iterator[TrainError]) -> None:
    for fault in found:
        raise fault


def faults(
    asked: Demands, schema: Schema, target: str, features: Sequence[str], by: str | None
) -> Iterator[TrainError]:
    """Everything that `check` would refuse, at most one for each field."""
    if asked.weight:
        yield from _weight_fault(asked.weight, schema, target, features)
    if by == target:
        yield TrainError("bad_split", "Rows are not split by the target.", "Choose another column.", "split.by")
    elif by and by not in schema:
        yield _unknown(by, schema, "split.by")
    if asked.class_weight not in CLASS_WEIGHTS:
        hint = f"Choose {' or '.join(CLASS_WEIGHTS)}."
        yield TrainError("bad_class_weight", f"There is no class weight {asked.class_weight!r}.", hint, "class_weight")
    low, high = LATENCY_MS
    if asked.latency_ms is not None and not low <= asked.latency_ms <= high:
        hint = f"Give milliseconds from {low:g} to {high:g}, or leave it out."
        detail = f"A latency of {asked.latency_ms:g} ms cannot be asked for."
        yield TrainError("bad_latency", detail, hint, "latency_ms")
    for name, way in asked.monotone.items():
        yield from _monotone_fault(name, way, schema, features)


def task_faults(asked: Demands, task: str) -> Iterator[TrainError]:
    """Everything that `check_task` would refuse."""
    if asked.class_weight == BALANCED and task == REGRESSION:
        yield TrainError("bad_class_weight", "A number has no classes to balance.", "Choose none.", "class_weight")
    if asked.monotone and task == MULTICLASS:
        detail = "An answer of several classes has no direction to rise or fall in."
        yield TrainError("bad_monotone", detail, "Leave the constraints out, or predict two classes.", "monotone")


def family_faults(asked: Demands, family: Family) -> Iterator[TrainError]:
    """Everything that `check_family` would refuse."""
    if asked.monotone and not family.monotone:
        yield _cannot(family, "keep to monotone constraints", [f for f in FAMILIES if f.monotone], "monotone")
    if (asked.weight or asked.class_weight != NONE) and not family.weighted:
        where = "weight" if asked.weight else "class_weight"
        yield _cannot(family, "weigh rows", [f for f in FAMILIES if f.weighted], where)


def _cannot(family: Family, what: str, able: Sequence[Family], where: str) -> TrainError:
    hint = f"Choose {', '.join(other.label for other in able)}, or leave it out." if able else "Leave it out."
    return TrainError("not_supported", f"{family.label} cannot {what}.", hint, where)


def _unknown(name: str, schema: Schema, where: str) -> TrainError:
    hint = f"Known are {', '.join(schema.names[:20])}."
    return TrainError("unknown_column", f"There is no column “{name}”.", hint, where)


def _weight_fault(name: str, schema: Schema, target: str, features: Sequence[str]) -> Iterator[TrainError]:
    if name not in schema:
        yield _unknown(name, schema, "weight")
    elif name == target or name in features:
        role = "target" if name == target else "feature"
        hint = f"Choose another column, or take it out of the {role}s."
        yield TrainError("bad_weight", f"“{name}” is a {role} and cannot be the weight as well.", hint, "weight")
    elif schema[name].type not in NUMERIC:
        yield TrainError("bad_weight", f"“{name}” holds {schema[name].type}; weights are numbers.", "", "weight")


def _monotone_fault(name: str, way: Any, schema: Schema, features: Sequence[str]) -> Iterator[TrainError]:
    where = f"monotone.{name}"
    if name not in schema or name not in features:
        yield TrainError("bad_monotone", f"“{name}” is no feature of this training.", "Name a feature.", where)
    elif schema[name].type not in NUMERIC:
        detail = f"“{name}” holds {schema[name].type}, which has no order to rise or fall with."
        yield TrainError("bad_monotone", detail, "Constrain numbers only.", where)
    elif isinstance(way, bool) or way not in (-1, 1):
        yield TrainError("bad_monotone", f"Got {way!r} for “{name}”.", "Give 1 (rises) or -1 (falls).", where)


def group_codes(column: pl.Series) -> np.ndarray:
    """Codes from 0 for the column's values; a missing one is a group of its own. Shape: (rows,) int64."""
    import numpy as np
    import polars as pl

    codes: np.ndarray = column.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    dense: np.ndarray = np.unique(codes, return_inverse=True)[1]
    return dense


def times(column: pl.Series) -> np.ndarray:
    """The column as numbers that order its rows. Shape: (rows,) float64. Raises TrainError for gaps or text."""
    import polars as pl

    if column.dtype in {pl.String, pl.Boolean}:
        hint = "Choose a column of dates or numbers; mend the column's type in the data set."
        raise TrainError("bad_split", f"“{column.name}” cannot order rows in time.", hint, "split.by")
    if column.null_count():
        detail = f"“{column.name}” is missing in {column.null_count():,} rows, which have no place in time."
        raise TrainError("bad_split", detail, "Choose a column without gaps, or remove those rows.", "split.by")
    return column.to_physical().cast(pl.Float64).to_numpy()


def weights(  # noqa: PLR0917 (the rows, and the training rows that weights are measured by)
    asked: Demands, raw: pl.DataFrame, origin: np.ndarray, y: np.ndarray, train: pl.DataFrame, learned: np.ndarray
) -> np.ndarray | None:
    """The weights of prepared rows, in units of the mean over the training rows; None where every row counts the same.

    Shape: origin (rows,) places in `raw` or −1, y (rows,); `learned` is the target of `train`, the training rows.
    Raises TrainError for a weight that is missing, negative or infinite.
    """
    import numpy as np

    if not asked.weight and asked.class_weight == NONE:
        return None
    own, all_ = np.ones(len(y)), np.ones(len(learned))
    if asked.weight:
        all_ = _read_weights(train, asked.weight)
        values = _read_weights(raw, asked.weight)
        own = np.where(origin >= 0, values[origin] if len(values) else 0.0, all_.mean())
    if asked.class_weight == BALANCED:
        totals = np.bincount(learned, weights=all_)
        # A class that the training rows do not have cannot be answered; what it would weigh is no matter.
        factor = np.divide(all_.sum() / len(totals), totals, out=np.ones(len(totals)), where=totals > 0)
        own, all_ = own * factor[y], all_ * factor[learned]
    result: np.ndarray = own / all_.mean()
    return result


def _read_weights(frame: pl.DataFrame, name: str) -> np.ndarray:
    import numpy as np
    import polars as pl

    values: np.ndarray = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        detail = (
            f"“{name}” is missing, negative or infinite in {int(bad.sum()):,} rows, which leaves their weight open."
        )
        raise TrainError("bad_weight", detail, "Fill the column, remove those rows, or leave weights out.", "weight")
    if len(values) and not values.any():
        raise TrainError("bad_weight", f"“{name}” is zero in every row.", "Choose another column.", "weight")
    return values


def monotone(  # noqa: PLR0917 (a table before and after its preparation)
    asked: Demands,
    train: pl.DataFrame,
    origin: np.ndarray,
    X: np.ndarray,
    names: Sequence[str],
    sources: Mapping[str, frozenset[str]],
) -> tuple[int, ...]:
    """The constraint of each prepared column, told by how it goes with its raw column over the training rows.

    Raises TrainError where the recipe makes a column of a constrained feature that neither rises nor falls with it.
    """
    import numpy as np
    import polars as pl

    if not asked.monotone:
        return ()
    ways = dict.fromkeys(names, 0)
    for name, way in asked.monotone.items():
        column = train[name].to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
        raw = np.where(origin >= 0, column[origin], np.nan)
        for place, made in enumerate(names):
            if name not in sources[made]:
                continue
            slope = _slope(raw, X[:, place]) if sources[made] == {name} else None
            if slope is None:
                detail = f"The recipe makes “{made}” of “{name}”, which neither rises nor falls with it."
                hint = f"Take that step out of the recipe, or the constraint off “{name}”."
                raise TrainError("bad_monotone", detail, hint, f"monotone.{name}")
            ways[made] = way * slope
    return tuple(ways.values())


def _slope(raw: np.ndarray, made: np.ndarray) -> int | None:
    """1 or −1 for a column that never falls or never rises with its raw one, 0 for a flat one, None for any other."""
    import numpy as np

    known = ~(np.isnan(raw) | np.isnan(made))
    order = np.lexsort((made[known], raw[known]))
    value, at = made[known][order], raw[known][order]
    # The smallest and the largest value at each raw value; equal but for steps that add noise to training rows.
    first = np.flatnonzero(np.diff(at, prepend=-np.inf) > 0)
    if not len(first):
        return 0
    low, high = value[first], np.maximum.reduceat(value, first)
    if np.any(low != high):
        return None
    rises, falls = bool((np.diff(low) >= 0).all()), bool((np.diff(low) <= 0).all())
    return 0 if rises and falls else 1 if rises else -1 if falls else None
