"""A recipe learns from the training rows only, keeps the target, and completes itself for a model."""

from __future__ import annotations

import math
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from datasets.recipe import FittedRecipe, RecipeError, complete, fit, plan
from datasets.schema import Schema

SCHEMA = Schema.of(
    [
        ("age", "integer"),
        ("income", "number"),
        ("city", "text"),
        ("owner", "boolean"),
        ("since", "date"),
        ("risk", "number"),
    ]
)
NO_PARTS = dict.fromkeys(("year", "month", "weekday"), False)
EVERY_STEP: list[dict[str, Any]] = [
    {"step": "duplicates"},
    {"step": "dates", "columns": ["since"]},
    {"step": "missing", "columns": ["age", "income"], "params": {"method": "mean", "indicator": True}},
    {"step": "outliers", "columns": ["income"], "params": {"method": "zscore"}},
    {"step": "log", "columns": ["income"]},
    {"step": "aggregate", "columns": ["city"], "params": {"column": "income", "std": True}},
    {"step": "isolation", "columns": ["age", "income"], "params": {"trees": 5, "share": 0.2}},
    {"step": "knn", "columns": ["age", "income"]},
    {"step": "quantile", "columns": ["age"]},
    {"step": "power", "columns": ["income"]},
    {"step": "encode", "columns": ["city"], "params": {"rare": 0.1}},
    {"step": "encode", "columns": ["owner"], "params": {"method": "ordinal"}},
    {"step": "normalise", "columns": ["age", "income"]},
]


def table(rows: int = 40) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "age": [None if i % 7 == 0 else 20 + i for i in range(rows)],
            "income": [math.nan if i % 9 == 0 else 1000.0 * (i % 11) for i in range(rows)],
            "city": [("Lyon", "北京", None, "Zürich")[i % 4] for i in range(rows)],
            "owner": [(True, False, None)[i % 3] for i in range(rows)],
            "since": [date(2020, 1 + i % 12, 1 + i % 28) for i in range(rows)],
            "risk": [i / rows for i in range(rows)],
        }
    )


def assert_close(made: dict[str, Any], expected: dict[str, Any]) -> None:
    assert [name for name, value in made.items() if value is None] == [n for n, v in expected.items() if v is None]
    present = {name: value for name, value in expected.items() if value is not None}
    assert {name: made[name] for name in present} == pytest.approx(present, rel=1e-9)


def test_changed_test_rows_change_no_byte_of_what_is_learned() -> None:
    whole = table()
    other = whole.with_columns(
        pl.when(pl.int_range(pl.len()) < 30).then(pl.col("age")).otherwise(10**6).alias("age"),
        pl.when(pl.int_range(pl.len()) < 30).then(pl.col("income")).otherwise(-1e12).alias("income"),
        pl.when(pl.int_range(pl.len()) < 30).then(pl.col("city")).otherwise(pl.lit("Atlantis")).alias("city"),
    )
    learned = [fit(EVERY_STEP, frame.head(30), SCHEMA, target="risk").dumps().encode() for frame in (whole, other)]
    assert learned[0] == learned[1]
    assert learned[0] != fit(EVERY_STEP, other, SCHEMA, target="risk").dumps().encode()


def test_how_the_table_was_read_changes_no_byte() -> None:
    whole = table()
    pieces = pl.concat([whole[i : i + 7] for i in range(0, len(whole), 7)], rechunk=False)
    assert fit(EVERY_STEP, pieces.lazy(), SCHEMA).dumps() == fit(EVERY_STEP, whole, SCHEMA).dumps()


def test_many_steps_agree_on_whole_table_and_one_row() -> None:
    fitted = FittedRecipe.from_json(fit(EVERY_STEP, table(), SCHEMA, target="risk").dumps())
    row = fitted.row()
    strange = table(8).with_columns(city=pl.lit("Atlantis"), age=pl.lit(None, dtype=pl.Int64))
    for frame in (table(), strange):
        bulk = fitted.transform(frame, training=False).collect()
        for given, expected in zip(frame.to_dicts(), bulk.to_dicts(), strict=True):
            assert_close(row(given), expected)


@pytest.mark.parametrize(
    ("params", "rare", "unseen"),
    [
        ({"method": "ordinal", "rare": 0.2}, {"c": 2}, {"c": 2}),
        ({"method": "ordinal", "rare": 0.2, "unseen": "missing"}, {"c": None}, {"c": None}),
        ({"method": "ordinal"}, {"c": 2}, {"c": None}),
        ({"rare": 0.2}, {"c=a": 0, "c=b": 0, "c=other": 1}, {"c=a": 0, "c=b": 0, "c=other": 1}),
        ({"max_categories": 2, "unseen": "missing"}, {"c=a": 0, "c=b": 0}, {"c=a": 0, "c=b": 0}),
        ({}, {"c=a": 0, "c=b": 0, "c=r": 1}, {"c=a": 0, "c=b": 0, "c=r": 0}),
    ],
)
def test_rare_and_unseen_categories(params: dict[str, Any], rare: dict[str, Any], unseen: dict[str, Any]) -> None:
    training = pl.DataFrame({"c": ["a", "a", "a", "a", "b", "b", "b", "r"]})
    fitted = fit([{"step": "encode", "params": params}], training, Schema.of([("c", "text")]))
    others = pl.DataFrame({"c": ["r", "never"]})
    assert fitted.transform(others, training=False).collect().to_dicts() == [rare, unseen]
    assert [fitted.row()(given) for given in others.to_dicts()] == [rare, unseen]


def test_one_row_takes_json_values_and_missing_keys() -> None:
    row = fit(EVERY_STEP, table(), SCHEMA, target="risk").row()
    as_text = row({"age": 30, "since": "2024-02-29"})
    assert as_text == row({"age": 30, "since": date(2024, 2, 29), "income": None, "city": None})
    assert as_text["since_weekday"] == 4 and as_text["income_missing"] == 1 and as_text["risk"] is None


def test_times_with_a_zone_are_taken_to_utc() -> None:
    schema = Schema.of([("at", "datetime")])
    steps = [{"step": "dates", "params": {"hour": True}}]
    row = fit(steps, pl.DataFrame({"at": [datetime(2024, 1, 1)]}), schema).row()
    assert row({"at": "2024-01-01T01:30:00+02:00"})["at_hour"] == 23


def test_training_only_removal() -> None:
    doubled = pl.concat([table(), table()])
    steps = [{"step": "duplicates"}, {"step": "missing", "columns": ["age"], "params": {"method": "drop"}}]
    fitted = fit(steps, doubled, SCHEMA)
    assert fitted.transform(doubled, training=True).collect().height == table()["age"].drop_nulls().len()
    assert fitted.transform(doubled, training=False).collect().height == 80
    assert fitted.row()({"age": None})["age"] is None


def test_statistics_come_after_the_rows_that_earlier_steps_remove() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 2.0, 500.0]})
    steps = [
        {"step": "outliers", "params": {"method": "mad", "action": "remove"}},
        {"step": "normalise", "params": {"method": "minmax"}},
    ]
    fitted = fit(steps, frame, Schema.of([("a", "number")]))
    assert fitted.steps[1].learned == {"scales": {"a": [1.0, 2.0]}}


def test_target_is_left_alone() -> None:
    fitted = fit([{"step": "normalise"}, {"step": "missing"}], table(), SCHEMA, target="risk")
    assert [list(step.use.columns) for step in fitted.steps] == [["age", "income"], ["age", "income"]]
    with pytest.raises(RecipeError) as caught:
        fit([{"step": "log", "columns": ["risk"]}], table(), SCHEMA, target="risk")
    assert caught.value.errors[0]["field"] == "steps[0].columns[0]" and "target" in str(caught.value)


def test_disabled_steps_do_nothing() -> None:
    fitted = fit([{"step": "drop", "columns": ["gone"], "enabled": False}], table(), SCHEMA)
    assert fitted.steps == () and fitted.output_schema == SCHEMA


def test_completes_itself_for_a_model() -> None:
    features = ["age", "income", "city", "owner", "since"]
    needs = SimpleNamespace(complete=True, scaled=True)
    fitted = fit(complete([], SCHEMA, features, needs, target="risk"), table(), SCHEMA, target="risk")
    names = fitted.derived(features)
    made = fitted.transform(table(), training=False).collect().select(names)
    assert all(dtype.is_numeric() for dtype in made.dtypes)
    assert sum(made.null_count().row(0)) == 0
    assert made["age"].mean() == pytest.approx(0, abs=1e-12) and made["since_elapsed"].std(ddof=0) == pytest.approx(1)
    assert fitted.output_schema["risk"].type == "number"
    assert fitted.sources(["city=Lyon", "since_year"]) == ["city", "since"]


def test_completes_only_what_is_needed() -> None:
    needs = SimpleNamespace(complete=True, scaled=True)
    given = [
        {"step": "missing", "columns": ["age"], "params": {"method": "constant", "value": 0}},
        {"step": "normalise", "columns": ["age"], "params": {"method": "robust"}},
    ]
    assert complete(given, SCHEMA, ["age"], needs) == given
    trees = SimpleNamespace(complete=False, scaled=False)
    assert complete([], SCHEMA, ["age", "income"], trees) == []
    assert [step["step"] for step in complete([], SCHEMA, ["age", "city"], trees)] == ["encode"]


def test_made_columns_never_hide_existing_ones() -> None:
    schema = Schema.of([("a", "integer"), ("a_missing", "integer"), ("c", "text"), ("c=x", "number")])
    frame = pl.DataFrame({"a": [1, None], "a_missing": [5, 6], "c": ["x", "y"], "c=x": [0.5, 0.6]})
    steps = [{"step": "missing", "columns": ["a"], "params": {"indicator": True}}, {"step": "encode", "columns": ["c"]}]
    fitted = fit(steps, frame, schema)
    assert fitted.output_schema.names == ["a", "a_missing", "c=x", "a_missing_", "c=x_", "c=y"]
    assert fitted.row()({"a": None, "a_missing": 5, "c": "x", "c=x": 0.5}) == fitted.transform(
        frame.head(1).with_columns(a=pl.lit(None, dtype=pl.Int64)), training=False
    ).collect().row(0, named=True)


def test_column_names_are_never_code_or_patterns() -> None:
    names = ["*", "^.*$", '"];import os;["', "a\nb", "__class__", "get"]
    schema = Schema.of([(name, "number") for name in names])
    frame = pl.DataFrame({name: [float(i), None] for i, name in enumerate(names)})
    fitted = fit([{"step": "missing", "params": {"method": "mean", "indicator": True}}], frame, schema)
    made = fitted.transform(frame, training=False).collect()
    assert fitted.row()(frame.row(1, named=True)) == made.row(1, named=True)
    assert made.columns[:6] == names and made.row(1)[:6] == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@pytest.mark.parametrize(
    ("steps", "field", "says"),
    [
        ("all", "steps", "list"),
        ([1], "steps[0]", "object"),
        ([{"step": "normalize"}], "steps[0].step", "did you mean 'normalise'?"),
        ([{"step": "drop", "columns": ["agee"]}], "steps[0].columns[0]", "did you mean 'age'?"),
        ([{"step": "drop"}], "steps[0].columns", "name the columns"),
        ([{"step": "drop", "columns": SCHEMA.names}], "steps[0].columns", "without a column"),
        ([{"step": "drop", "columns": "age"}], "steps[0].columns", "list of column names"),
        ([{"step": "log", "columns": ["age", "city"]}], "steps[0].columns[1]", "is text"),
        ([{"step": "missing", "params": []}, {"step": "missing", "params": [1]}], "steps[1].params", "object"),
        ([{"step": "missing", "params": {"metod": "mean"}}], "steps[0].params.metod", "unknown parameter"),
        ([{"step": "missing", "params": {"method": "constant"}}], "steps[0].params.value", "needs the value"),
        (
            [{"step": "missing", "columns": ["age"], "params": {"method": "constant", "value": "x"}}],
            "steps[0].params.value",
            "'x' is not of the type of column 'age'",
        ),
        (
            [{"step": "dates", "params": NO_PARTS}],
            "steps[0].params",
            "choose",
        ),
        (
            [{"step": "drop", "columns": ["age"]}, {"step": "log", "columns": ["age"]}],
            "steps[1].columns[0]",
            "no column",
        ),
        ([{"step": "missing", "enabled": "yes"}], "steps[0].enabled", "true or false"),
        ([{"stepp": "missing"}], "steps[0].stepp", "unknown key"),
        ([{"step": "duplicates"}] * 101, "steps", "at most 100"),
    ],
)
def test_mistakes_are_named_by_their_path(steps: Any, field: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan(steps, SCHEMA)
    assert caught.value.errors[0]["field"] == field
    assert says in caught.value.errors[0]["message"]


@pytest.mark.parametrize("data", ["", "{", "[]", "{}", {"format": 2}, {"format": 1, "input": 3, "steps": []}])
def test_broken_files_are_refused(data: Any) -> None:
    with pytest.raises(RecipeError):
        FittedRecipe.from_json(data)
