"""Values by key: what group statistics, encodings and joins have learned, for a whole table and for one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datasets.steps._base import StepError
from datasets.steps._columns import col, cols, dtype
from datasets.steps._moments import stored, taken_out
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import polars as pl

KEY_TYPES = ("text", "integer", "boolean")
MAX_KEYS = 100_000  # what is learned travels with every model


def refuse_too_many(count: int, field: str = "columns") -> None:
    if count > MAX_KEYS:
        raise StepError(field, f"{count:,} different values are too many to learn; at most {MAX_KEYS:,}")


def learned_columns(table: pl.DataFrame, names: Iterable[str]) -> list[list[Any]]:
    """Columns as JSON: dates as ISO text, what is no finite number as missing."""
    return [[stored(value) for value in table[name].to_list()] for name in names]


def looked_up(
    frame: pl.LazyFrame,
    keys: Mapping[str, str],
    known: Sequence[list[Any]],
    values: Mapping[str, tuple[str, list[Any]]],
) -> pl.LazyFrame:
    """The frame with the columns of `values` (type and values by name) beside its rows.

    `keys` are the frame's columns with their types, `known` their learned values. A row without a match, or with a
    missing key, gets missing values.
    """
    import polars as pl

    names = [f"\x00key{i}" for i in range(len(keys))]
    found = f"\x00{len(known)}"
    made = [f"\x00value{i}" for i in range(len(values))]
    table = pl.DataFrame(
        [
            *(pl.Series(n, k, dtype=dtype(t)) for n, k, t in zip(names, known, keys.values(), strict=True)),
            *(
                pl.Series(n, [taken_out(v, t) for v in vs], dtype=dtype(t))
                for n, (t, vs) in zip(made, values.values(), strict=True)
            ),
        ]
    )
    # The keys enter under names of their own: a column may be called anything.
    entered = frame.with_columns(col(key).alias(f"{found}{name}") for key, name in zip(keys, names, strict=True))
    joined = entered.join(
        table.lazy(), left_on=[f"{found}{name}" for name in names], right_on=names, how="left", maintain_order="left"
    )
    renamed = joined.with_columns(col(n).alias(name) for n, name in zip(made, values, strict=True))
    return renamed.drop(cols([*(f"{found}{name}" for name in names), *made]))


def write_lookup(
    code: RowCode,
    keys: Sequence[str],
    known: Sequence[list[Any]],
    values: Mapping[str, tuple[str, list[Any]]],
    otherwise: Sequence[Any],
) -> None:
    """Write the look-up of one row: one dictionary gives all the values."""
    columns = [[taken_out(v, t) for v in vs] for t, vs in values.values()]
    rows = zip(*columns, strict=True)
    single = len(keys) == 1
    table = dict(zip(known[0] if single else zip(*known, strict=True), rows, strict=True))
    key = code.read(keys[0]) if single else f"({', '.join(code.read(name) for name in keys)},)"
    code.write_all(values, f"{code.literal(table.get)}({key}, {code.literal(tuple(otherwise))})")
