"""Fill a gap with the value of the row before it in its group: sensors, prices, statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._lookup import KEY_TYPES, learned_columns, looked_up, refuse_too_many
from datasets.steps._moments import stored, taken_out
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

PLACE = "\x00place"


def check(use: Use) -> None:
    named = [*(use.params["groups"] or []), use.params["order"]]
    for name in use.columns:
        if name in named:
            raise StepError("columns", f"{name[:80]!r} says which rows belong together; it cannot be filled as well")
    for name in use.params["groups"] or []:
        if use.read[name] not in KEY_TYPES:
            raise StepError(
                "params.groups", f"{name[:80]!r} is {use.read[name]}; a group is of {' or '.join(KEY_TYPES)}"
            )


def _groups(use: Use) -> dict[str, str]:
    return {name: use.read[name] for name in use.params["groups"] or []}


def _filled(frame: pl.LazyFrame, use: Use) -> pl.LazyFrame:
    """Each gap filled from before it, in the declared order; rows without a group keep their gaps."""
    import polars as pl

    groups, order = list(_groups(use)), use.params["order"]
    placed = frame.with_row_index(PLACE)
    if not groups:
        ordered = placed.sort(col(order), PLACE) if order else placed
        return ordered.with_columns(col(name).forward_fill() for name in use.columns).sort(PLACE).drop(PLACE)
    known = pl.all_horizontal([col(name).is_not_null() for name in groups])
    over, by = [col(name) for name in groups], [col(order), pl.col(PLACE)] if order else [pl.col(PLACE)]
    filled = [(name, col(name).forward_fill().over(over, order_by=by)) for name in use.columns]
    return placed.with_columns(pl.when(known).then(f).otherwise(col(name)).alias(name) for name, f in filled).drop(
        PLACE
    )


def fit(table: pl.DataFrame, use: Use) -> Learned:
    """The last known value of each group, which a new row continues."""
    groups, order = list(_groups(use)), use.params["order"]
    ordered = table.sort(col(order), maintain_order=True) if order else table
    last = [col(name).drop_nulls().last() for name in use.columns]
    if not groups:
        values = ordered.select(last).row(0) if len(ordered) else [None] * len(last)
        return {"values": [[stored(value)] for value in values]}
    keys = [f"\x00key{i}" for i in range(len(groups))]
    named = [each.alias(f"\x00{i}") for i, each in enumerate(last)]
    grouped = ordered.with_columns(col(name).alias(key) for name, key in zip(groups, keys, strict=True))
    found = grouped.drop_nulls(cols(keys)).group_by(keys, maintain_order=True).agg(named).sort(keys)
    refuse_too_many(len(found), "params.groups")
    return {
        "keys": learned_columns(found, keys),
        "values": learned_columns(found, [f"\x00{i}" for i in range(len(last))]),
    }


def train(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    return _filled(frame, use)


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    if not _groups(use):
        fills = [
            pl.lit(taken_out(values[0], type_))
            for values, type_ in zip(learned["values"], use.columns.values(), strict=True)
        ]
        return frame.with_columns(col(name).fill_null(fill) for name, fill in zip(use.columns, fills, strict=True))
    names = [f"\x00last{i}" for i in range(len(use.columns))]
    types = use.columns.values()
    values = {name: (t, vs) for name, t, vs in zip(names, types, learned["values"], strict=True)}
    joined = looked_up(frame, _groups(use), learned["keys"], values)
    filled = [pl.coalesce(col(name), pl.col(last)).alias(name) for name, last in zip(use.columns, names, strict=True)]
    return joined.with_columns(filled).drop(names)


def row(code: RowCode, use: Use, learned: Learned) -> None:
    groups = list(_groups(use))
    for (column, type_), values in zip(use.columns.items(), learned["values"], strict=True):
        value, lasts = code.read(column), [taken_out(each, type_) for each in values]
        if not groups:
            last = code.literal(lasts[0])
        else:
            keys = learned["keys"][0] if len(groups) == 1 else zip(*learned["keys"], strict=True)
            table = code.literal(dict(zip(keys, lasts, strict=True)).get)
            read = [code.read(name) for name in groups]
            last = f"{table}({read[0] if len(read) == 1 else '(' + ', '.join(read) + ')'})"
        code.write(column, f"{last} if {value} is None else {value}")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, type_, column) for column, type_ in use.columns.items()))


STEP = Step(
    name="fill_forward",
    label="Fill from the row before",
    help="Fills a gap with the last known value before it, within a group and in the order of a column. At prediction "
    "a gap gets the last value that the training rows of its group have.",
    icon="arrow-forward",
    group="Fill",
    params=(
        Param(
            "groups",
            "columns",
            None,
            "Rows that agree in these columns belong together.",
            types=KEY_TYPES,
            optional=True,
        ),
        Param(
            "order",
            "column",
            None,
            "The column that says what comes before; empty takes the order of the file.",
            types=("date", "datetime", "integer", "number"),
            optional=True,
        ),
    ),
    check=check,
    fit=fit,
    train=train,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
