"""What changed between two versions of a table: columns, rows by key, and how each column is distributed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.parts import scan
from datasets.schema import NUMERIC, Schema

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Index = npt.NDArray[np.int64]

EXAMPLES = 20
MOVED = 0.1  # a distance between distributions that is worth a look
_ROW = "\0row"  # no column is called that: files with NUL are refused


class BadKey(ValueError):
    """Columns by which rows cannot be told apart. `message` says which and why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two tables."""

    path: Path
    schema: Schema

    def scan(self) -> pl.LazyFrame:
        return scan(self.path, row_index=_ROW)

    def column(self, name: str) -> pl.Series:
        return scan(self.path).select(_col(name)).collect().to_series()


def compare(older: Side, newer: Side, key: Sequence[str] = ()) -> dict[str, Any]:
    """Return {columns, rows, changed_by_column, examples, shift} as plain JSON.

    With a `key`, whose values must be unique and present in both tables, rows are matched by it and every cell of the
    common columns is compared. Without one, whole rows are counted: a changed row is one removed and one added.
    One column of each table is in memory at a time. Raises BadKey.
    """
    common = [c.name for c in newer.schema if c.name in older.schema and older.schema[c.name].type == c.type]
    told = {"columns": _columns(older.schema, newer.schema), "key": list(key)}
    told |= _by_key(older, newer, list(key), common) if key else _by_row(older, newer, common)
    return {**told, "shift": [_shift(name, newer.schema[name].type, older, newer) for name in common]}


def keys_of(older: dict[str, Any], newer: dict[str, Any]) -> list[str]:
    """The columns that could be a key by both profiles: no value missing, none twice. Identifiers by name come first."""
    fitting = [name for name in newer.get("by_column", {}) if _unique(older, name) and _unique(newer, name)]
    return sorted(fitting, key=lambda name: not name.lower().rstrip("_").endswith(("id", "key", "no", "number")))


def _unique(profile: dict[str, Any], name: str) -> bool:
    figures = profile.get("by_column", {}).get(name, {})
    rows = profile.get("rows", 0)
    return bool(rows and figures.get("distinct") == rows and not figures.get("missing"))


def _col(name: str) -> pl.Expr:
    from polars import selectors

    return selectors.by_name(name).as_expr()


def _columns(older: Schema, newer: Schema) -> dict[str, Any]:
    return {
        "added": [column.name for column in newer if column.name not in older],
        "removed": [column.name for column in older if column.name not in newer],
        "retyped": [
            {"name": column.name, "from": older[column.name].type, "to": column.type}
            for column in newer
            if column.name in older and older[column.name].type != column.type
        ],
    }


# --- rows matched by a key ---


def _by_key(older: Side, newer: Side, key: list[str], common: list[str]) -> dict[str, Any]:
    import numpy as np
    import polars as pl

    for name in key:
        if name not in common:
            raise BadKey(f"“{name}” is not a column of both versions with the same type")
    left, right = (_keyed(side, key) for side in (older, newer))
    pairs = left.join(right, on=key, how="inner", suffix=" newer").sort(_ROW + " newer")
    at = pairs[_ROW].to_numpy().astype(np.int64), pairs[_ROW + " newer"].to_numpy().astype(np.int64)
    changed, by_column = np.zeros(len(pairs), dtype=bool), {}
    for name in common:
        if name not in key:
            differs = _differs(older.column(name), newer.column(name), at)
            changed |= differs
            by_column[name] = int(differs.sum())
    removed = left.join(right, on=key, how="anti").sort(_ROW)[_ROW].cast(pl.Int64)
    added = right.join(left, on=key, how="anti").sort(_ROW)[_ROW].cast(pl.Int64)
    places = np.flatnonzero(changed)[:EXAMPLES]
    return {
        "rows": {
            "before": left.height, "after": right.height, "added": len(added), "removed": len(removed),
            "changed": int(changed.sum()), "unchanged": int((~changed).sum()),
        },
        "changed_by_column": {name: count for name, count in by_column.items() if count},
        "examples": {
            "changed": list(_changes(older, newer, (at[0][places], at[1][places]), key, common)),
            "added": _rows(newer, added.head(EXAMPLES).to_numpy()),
            "removed": _rows(older, removed.head(EXAMPLES).to_numpy()),
        },
    }  # fmt: skip


def _keyed(side: Side, key: list[str]) -> pl.DataFrame:
    """The key's columns and each row's place."""
    frame = side.scan().select(_ROW, *(_col(name) for name in key)).collect()
    gaps = [name for name in key if frame[name].null_count()]
    if gaps:
        raise BadKey(f"“{gaps[0]}” is missing in some rows, so it cannot tell rows apart")
    repeats = frame.height - frame.select(key).n_unique()
    if repeats:
        raise BadKey(f"{', '.join(key)}: {repeats:,} rows repeat another row's value; choose columns that are unique")
    return frame


def _differs(old: pl.Series, new: pl.Series, at: tuple[Index, Index]) -> Any:
    """Whether the cell differs, pair by pair; missing equals missing. Shape: (pairs,)."""
    return old.gather(at[0]).ne_missing(new.gather(at[1])).to_numpy()


def _changes(
    older: Side, newer: Side, at: tuple[Index, Index], key: list[str], common: list[str]
) -> Iterator[dict[str, Any]]:
    """Of changed rows, the key and what each changed cell was and is."""
    before, after = _rows(older, at[0]), _rows(newer, at[1])
    for old, new in zip(before, after, strict=True):
        cells = {name: [old[name], new[name]] for name in common if name not in key and old[name] != new[name]}
        yield {"key": {name: new[name] for name in key}, "cells": cells}


def _rows(side: Side, places: Index) -> list[dict[str, Any]]:
    """Rows at some places, in the order given, as JSON values."""
    import polars as pl

    if not len(places):
        return []
    found = side.scan().filter(pl.col(_ROW).is_in(pl.Series(places).implode())).collect()
    by_place = {row.pop(_ROW): row for row in found.iter_rows(named=True)}
    return [{name: _plain(value) for name, value in by_place[int(place)].items()} for place in places]


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, float) and value - value != 0 else value


# --- whole rows ---


def _by_row(older: Side, newer: Side, common: list[str]) -> dict[str, Any]:
    """Count equal rows over the common columns, each as often as it stands in both."""
    import polars as pl

    left, right = (_hashed(side, common) for side in (older, newer))
    both = left.join(right, on=["a", "b"], how="full", suffix="_newer", coalesce=True).fill_null(0)
    kept = int(both.select(pl.min_horizontal("len", "len_newer").sum()).item() or 0)
    before, after = int(left["len"].sum()), int(right["len"].sum())
    rows = {"before": before, "after": after, "added": after - kept, "removed": before - kept, "changed": None}
    return {"rows": {**rows, "unchanged": kept}, "changed_by_column": {}, "examples": {}}


def _hashed(side: Side, common: list[str]) -> pl.DataFrame:
    """Each different row as 128 bits, and how often it stands there."""
    import polars as pl

    row = pl.struct(_col(name) for name in common)
    hashes = scan(side.path).select(row.hash(1).alias("a"), row.hash(2).alias("b"))
    return hashes.group_by("a", "b").len().collect(engine="streaming").cast({"len": pl.Int64})


# --- distributions ---


def _shift(name: str, type_: str, older: Side, newer: Side) -> dict[str, Any]:
    """How far a column's distribution moved, from 0 to 1.

    Numbers and dates by the largest gap between the cumulative shares (Kolmogorov and Smirnov); text and truth values
    by half the summed differences of the shares (total variation).
    """
    old, new = older.column(name), newer.column(name)
    ordered = type_ not in ("text", "boolean")
    distance = (_largest_gap if ordered else _total_variation)(old.drop_nulls(), new.drop_nulls())
    moved = {"name": name, "type": type_, "distance": round(distance, 6), "moved": distance >= MOVED}
    moved["missing"] = [_share(old), _share(new)]
    if type_ in NUMERIC:
        moved["mean"] = [_mean(old), _mean(new)]
    return moved


def _largest_gap(old: pl.Series, new: pl.Series) -> float:
    import numpy as np

    if not len(old) or not len(new):
        return 0.0 if len(old) == len(new) else 1.0
    a, b = (np.sort(each.to_physical().to_numpy()) for each in (old, new))
    values = np.unique(np.concatenate([a, b]))
    shares = (np.searchsorted(each, values, side="right") / len(each) for each in (a, b))
    return float(np.abs(np.subtract(*shares)).max())


def _total_variation(old: pl.Series, new: pl.Series) -> float:
    import polars as pl

    if not len(old) or not len(new):
        return 0.0 if len(old) == len(new) else 1.0
    shares = [
        each.alias("value").value_counts(name=side).with_columns(pl.col(side) / len(each))
        for side, each in (("old", old), ("new", new))
    ]
    both = shares[0].join(shares[1], on="value", how="full").fill_null(0)
    return float(both.select((pl.col("old") - pl.col("new")).abs().sum() / 2).item())


def _share(column: pl.Series) -> float:
    return column.null_count() / len(column) if len(column) else 0.0


def _mean(column: pl.Series) -> float | None:
    mean = column.mean()
    return float(mean) if isinstance(mean, int | float) and mean - mean == 0 else None
