"""Columns of another data set beside each row, found by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.schema import Schema
from datasets.steps._around import Table
from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._lookup import KEY_TYPES, learned_columns, looked_up, refuse_too_many, write_lookup
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

MAX_CELLS = 1_000_000  # the looked-up values travel with every model


def _other(use: Use) -> Table:
    reference = use.params["table"]
    if not reference:
        raise StepError("params.table", "choose the data set to join")
    if reference not in use.around.tables:
        raise StepError("params.table", "this data set cannot be read; choose another, or ask for access")
    return use.around.tables[reference]


def check(use: Use) -> None:
    schema = _other(use).schema
    keys, columns = use.params["keys"] or {}, use.params["columns"] or []
    if not keys:
        raise StepError("params.keys", "choose the column of each table that tells which rows belong together")
    for name, other in keys.items():
        _check_there(schema, other, "params.keys")
        if use.read[name] not in KEY_TYPES or schema[other].type != use.read[name]:
            pair = f"{name[:80]!r} is {use.read[name]} and {other[:80]!r} is {schema[other].type}"
            raise StepError("params.keys", f"{pair}; keys are both {' or both '.join(KEY_TYPES)}")
    if not columns:
        raise StepError("params.columns", "choose the columns to bring")
    for other in columns:
        _check_there(schema, other, "params.columns")


def _check_there(schema: Schema, name: str, field: str) -> None:
    if name not in schema:
        raise StepError(field, f"the other data set has no column {name[:80]!r}; it has {', '.join(schema.names[:20])}")


def fit(_table: pl.DataFrame, use: Use) -> Learned:
    """The other table's keys and values."""
    import polars as pl

    other, keys, columns = _other(use), use.params["keys"], use.params["columns"]
    names = [f"\x00key{i}" for i in range(len(keys))]
    entered = [col(theirs).alias(name) for theirs, name in zip(keys.values(), names, strict=True)]
    values = [col(theirs).alias(f"\x00{i}") for i, theirs in enumerate(columns)]
    table = other.frame().select(*entered, *values).drop_nulls(cols(names)).collect()
    found = table.unique(subset=cols(names), keep="first", maintain_order=True)
    if len(found) < len(table) and use.params["repeated"] == "refuse":
        count = f"{len(table) - len(found):,}"
        raise StepError(
            "params.repeated", f"{count} rows of the other data set repeat a key; take the first, or mend it"
        )
    refuse_too_many(len(found), "params.table")
    if found.height * found.width > MAX_CELLS:
        raise StepError("params.columns", f"{found.height * found.width:,} values are too many; at most {MAX_CELLS:,}")
    found = found.sort(names)
    found = found.with_columns(pl.col(pl.Float64).fill_nan(None))
    return {
        "types": [other.schema[theirs].type for theirs in columns],
        "keys": learned_columns(found, names),
        "values": learned_columns(found, [f"\x00{i}" for i in range(len(columns))]),
    }


def _names(use: Use) -> list[str]:
    return [use.new(f"{use.params['prefix'] or ''}{name}") for name in use.params["columns"]]


def _values(use: Use, learned: Learned) -> dict[str, tuple[str, list[object]]]:
    parts = zip(_names(use), learned["types"], learned["values"], strict=True)
    return {name: (type_, values) for name, type_, values in parts}


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    keys = {name: use.read[name] for name in use.params["keys"]}
    return looked_up(frame, keys, learned["keys"], _values(use, learned))


def row(code: RowCode, use: Use, learned: Learned) -> None:
    values = _values(use, learned)
    write_lookup(code, list(use.params["keys"]), learned["keys"], values, [None] * len(values))


def changes(use: Use, learned: Learned | None) -> Changes:
    schema = None if learned else _other(use).schema
    types = learned["types"] if schema is None else [schema[name].type for name in use.params["columns"]]  # type: ignore[index]
    sources = tuple(use.params["keys"])
    return Changes(made=tuple(Made(n, t, sources) for n, t in zip(_names(use), types, strict=True)))


STEP = Step(
    name="join",
    label="Join a data set",
    help="Brings columns of another data set that you may read, by key. A row without a match gets missing values. What "
    "was looked up is kept with the model, for predictions.",
    icon="table-plus",
    group="Combine",
    params=(
        Param(
            "table",
            "table",
            None,
            "The other data set, in one of its versions.",
            label="Data set",
            optional=True,
            needed=True,
        ),
        Param(
            "keys",
            "pairs",
            None,
            "Beside a column of this table the other's column with the same key.",
            optional=True,
            needed=True,
        ),
        Param("columns", "names", None, "The other data set's columns to bring.", optional=True, needed=True),
        Param("prefix", "text", None, "What the new columns' names begin with.", optional=True),
        Param(
            "repeated",
            "choice",
            "refuse",
            "What happens when the other data set has a key several times.",
            choices=("refuse", "first"),
        ),
    ),
    takes_columns=False,
    check=check,
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
)
